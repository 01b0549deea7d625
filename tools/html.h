// The page and the pictures of `ckpt-inspect report`: HTML and inline SVG that need nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::tools {

// For text and attributes. What is no UTF-8, and control characters, come as `\xff` and the like.
std::string EscapeHtml(std::string_view text);

// A whole document around `body`, which is HTML. It follows the reader's choice of light or dark.
std::string HtmlPage(std::string_view title, std::string_view body);

// Rows of cells, which are text, under headings. Right-aligned columns begin with '>'.
std::string HtmlTable(const std::vector<std::string>& headings,
                      const std::vector<std::vector<std::string>>& rows);

struct Bar {
  std::string label;  // told when it is pointed at
  double value = 0;
};
// A bar each, from left to right, on an axis from 0. `unit` formats the axis.
std::string DrawBars(std::string_view caption, const std::vector<Bar>& bars,
                     std::string (*unit)(double));

// A row of cells each; `filled[row]` says which columns.
struct Grid {
  std::vector<std::string> rows;
  std::vector<std::string> columns;  // told when a cell is pointed at
  std::vector<std::vector<bool>> filled;
};
std::string DrawGrid(std::string_view caption, const Grid& grid);

}  // namespace tidemark::tools
