#include "tools/html.h"

#include "tools/text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace tidemark::tools {
namespace {

// Of a picture, in its own units; it is scaled to the width of the page.
constexpr double kWidth = 640;
constexpr double kHeight = 200;
constexpr double kLeft = 90;
constexpr double kTop = 12;
constexpr double kBottom = 12;
constexpr double kRowHeight = 18;
constexpr int kSteps = 4;  // of an axis

constexpr std::string_view kStyle = R"css(
:root { --ground: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --bar: #0969da; --good: #1a7f37; --bad: #cf222e; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0d1117; --ink: #e6edf3; --soft: #9198a1; --line: #30363d; --bar: #4493f8; --good: #3fb950; --bad: #f85149; }
}
body { background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2rem; }
p.soft, figcaption { color: var(--soft); } figure { margin: 1rem 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .75rem .25rem 0; text-align: left; white-space: nowrap; }
.number { text-align: right; } .good { color: var(--good); } .bad { color: var(--bad); }
svg { width: 100%; height: auto; } svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
@media (max-width: 40rem) { svg text { font-size: 17px; } }
.bar { fill: var(--bar); } .axis { stroke: var(--line); } .empty { fill: var(--line); opacity: .35; }
)css";

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", value);
  return text;
}

std::string Rectangle(std::string_view style, double x, double y, double width, double height,
                      const std::string& title) {
  return "<rect class=\"" + std::string(style) + "\" x=\"" + Number(x) + "\" y=\"" + Number(y) +
         "\" width=\"" + Number(width) + "\" height=\"" + Number(height) + "\"><title>" +
         EscapeHtml(title) + "</title></rect>\n";
}

std::string Text(double x, double y, std::string_view text) {
  return "<text x=\"" + Number(x) + "\" y=\"" + Number(y) + "\" text-anchor=\"end\">" +
         EscapeHtml(text) + "</text>\n";
}

std::string Figure(std::string_view caption, double height, const std::string& picture) {
  return "<figure><figcaption>" + EscapeHtml(caption) + "</figcaption>\n<svg viewBox=\"0 0 " +
         Number(kWidth) + " " + Number(height) + "\" role=\"img\" aria-label=\"" +
         EscapeHtml(caption) + "\">\n" + picture + "</svg></figure>\n";
}

// The next number that looks round.
double RoundUp(double value) {
  if (value <= 0) return 1;
  const double step = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0})
    if (value <= factor * step) return factor * step;
  return 10 * step;
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string HtmlPage(std::string_view title, std::string_view body) {
  std::string page =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>";
  page.append(EscapeHtml(title)).append("</title>\n<style>").append(kStyle);
  page.append("</style>\n</head>\n<body>\n").append(body).append("</body>\n</html>\n");
  return page;
}

std::string HtmlTable(const std::vector<std::string>& headings,
                      const std::vector<std::vector<std::string>>& rows) {
  const auto cell = [&](std::string_view tag, size_t column, const std::string& text) {
    const bool is_number = headings[column].starts_with('>');
    return "<" + std::string(tag) + (is_number ? " class=\"number\">" : ">") + EscapeHtml(text) +
           "</" + std::string(tag) + ">";
  };
  std::string table = "<div class=\"wide\"><table>\n<tr>";
  for (size_t i = 0; i < headings.size(); ++i)
    table += cell("th", i, headings[i].substr(headings[i].starts_with('>') ? 1 : 0));
  for (const std::vector<std::string>& row : rows) {
    table += "</tr>\n<tr>";
    for (size_t i = 0; i < row.size(); ++i) table += cell("td", i, row[i]);
  }
  return table + "</tr>\n</table></div>\n";
}

std::string DrawBars(std::string_view caption, const std::vector<Bar>& bars,
                     std::string (*unit)(double)) {
  double largest = 0;
  for (const Bar& bar : bars) largest = std::max(largest, bar.value);
  const double top = RoundUp(largest);
  const double height = kHeight - kTop - kBottom;
  std::string picture;
  for (int step = 0; step <= kSteps; ++step) {
    const double y = kTop + height * (kSteps - step) / kSteps;
    picture += "<line class=\"axis\" x1=\"" + Number(kLeft) + "\" x2=\"" + Number(kWidth) +
               "\" y1=\"" + Number(y) + "\" y2=\"" + Number(y) + "\"/>\n";
    picture += Text(kLeft - 6, y + 4, unit(top * step / kSteps));
  }
  const double each = (kWidth - kLeft) / static_cast<double>(std::max<size_t>(bars.size(), 1));
  for (size_t i = 0; i < bars.size(); ++i) {
    // What is there can be seen.
    const double tall = bars[i].value > 0 ? std::max(1.0, height * bars[i].value / top) : 0;
    picture += Rectangle("bar", kLeft + each * (static_cast<double>(i) + 0.1), kTop + height - tall,
                         std::min(each * 0.8, 24.0), tall, bars[i].label);
  }
  return Figure(caption, kHeight, picture);
}

std::string DrawGrid(std::string_view caption, const Grid& grid) {
  const double each = std::min(
      kRowHeight, (kWidth - kLeft) / static_cast<double>(std::max<size_t>(grid.columns.size(), 1)));
  std::string picture;
  for (size_t row = 0; row < grid.rows.size(); ++row) {
    const double y = kTop + kRowHeight * static_cast<double>(row);
    picture += Text(kLeft - 6, y + kRowHeight - 4, grid.rows[row]);
    for (size_t column = 0; column < grid.columns.size(); ++column)
      picture += Rectangle(grid.filled[row][column] ? "bar" : "empty",
                           kLeft + each * static_cast<double>(column), y + 1, each * 0.85,
                           kRowHeight - 2, grid.rows[row] + ": " + grid.columns[column]);
  }
  return Figure(caption, kTop + kRowHeight * static_cast<double>(grid.rows.size()) + kBottom,
                picture);
}

}  // namespace tidemark::tools
