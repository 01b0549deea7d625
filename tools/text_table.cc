#include "tools/text_table.h"

#include "tools/text.h"

#include <algorithm>

namespace tidemark::tools {

std::string TextTable::Render(const Style& style) const {
  std::vector<std::string> headings;
  std::vector<size_t> widths;
  for (const Column& column : columns_) {
    headings.push_back(column.heading);
    widths.push_back(DisplayWidth(column.heading));
  }
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));

  std::string text = style.Bold(Line(headings, widths)) + "\n";
  for (const auto& row : rows_) text.append(Line(row, widths)).append("\n");
  return text;
}

std::string TextTable::Line(const std::vector<std::string>& cells,
                            const std::vector<size_t>& widths) const {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const size_t padding = widths[i] - DisplayWidth(cells[i]);
    if (i > 0) line.append("  ");
    if (columns_[i].align == Align::kRight) line.append(padding, ' ');
    line.append(cells[i]);
    if (columns_[i].align == Align::kLeft) line.append(padding, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace tidemark::tools
