#include "tools/text_table.h"

#include "tools/text.h"

#include <algorithm>

namespace tidemark::tools {

std::vector<size_t> TextTable::Widths() const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(DisplayWidth(column.heading));
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  return widths;
}

std::string TextTable::Render(const Style& style) const {
  std::vector<std::string> headings;
  for (const Column& column : columns_) headings.push_back(column.heading);
  const std::vector<size_t> widths = Widths();
  std::string text = style.Bold(Line(headings, widths)) + "\n";
  for (const auto& row : rows_) text.append(Line(row, widths)).append("\n");
  return text;
}

std::vector<std::string> TextTable::Fit(size_t width) {
  std::vector<std::string> left_out;
  for (;;) {
    const std::vector<size_t> widths = Widths();
    size_t total = 2 * (widths.size() - 1);
    for (const size_t column : widths) total += column;
    const auto highest =
        std::max_element(columns_.begin(), columns_.end(),
                         [](const Column& a, const Column& b) { return a.rank < b.rank; });
    if (total <= width || highest->rank == 0) return left_out;
    left_out.push_back(highest->heading);
    Erase(static_cast<size_t>(highest - columns_.begin()));
  }
}

void TextTable::Erase(size_t column) {
  const auto at = static_cast<ptrdiff_t>(column);
  columns_.erase(columns_.begin() + at);
  for (auto& row : rows_) row.erase(row.begin() + at);
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

std::string RenderToFit(TextTable table, Console* console) {
  std::string left_out;
  for (const std::string& heading : table.Fit(console->width()))
    left_out.append(left_out.empty() ? "" : ", ").append(heading);
  if (!left_out.empty())
    console->Note("left out, for want of room: " + left_out + "; --json has everything");
  return table.Render(console->style());
}

}  // namespace tidemark::tools
