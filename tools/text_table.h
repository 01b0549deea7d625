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

 private:
  std::string Line(const std::vector<std::string>& cells, const std::vector<size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tidemark::tools
