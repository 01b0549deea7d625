// TextTable: rows of cells in aligned columns.
#pragma once

#include "tools/console.h"

#include <string>
#include <vector>

namespace tidemark::tools {

enum class Align { kLeft, kRight };

struct Column {
  std::string heading;
  Align align = Align::kLeft;
  // Where the table is too wide, columns of higher ranks are left out first; those of 0 never.
  int rank = 0;
};

// Thread safety: one thread at a time.
class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as columns. Cells are shown as they are: bytes of the user come through
  // Printable.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const noexcept { return rows_.empty(); }

  // A line of headings and one a row, two spaces between columns and none at the end of a line.
  std::string Render(const Style& style) const;
  // Leaves columns out until the lines have at most `width` characters, or no more can be left out.
  // Their headings, in order.
  std::vector<std::string> Fit(size_t width);

 private:
  std::vector<size_t> Widths() const;
  void Erase(size_t column);
  std::string Line(const std::vector<std::string>& cells, const std::vector<size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Renders what fits the terminal, and notes what had to be left out.
std::string RenderToFit(TextTable table, Console* console);

}  // namespace tidemark::tools
