#include "bench/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace tidemark::bench {
namespace {

// In pixels, from the left: names, the plot, what the ratios are in figures.
constexpr double kPlotLeft = 150;
constexpr double kPlotRight = 620;
constexpr double kFiguresLeft = 636;
constexpr double kWidth = 900;
constexpr double kLineHeight = 18;
constexpr double kHeadingHeight = 30;
constexpr double kMargin = 16;

// Plain rules, because not every viewer knows variables.
constexpr std::string_view kStyle = R"(<style>
  text { fill: #1f2328; font: 12px sans-serif; }
  line { stroke: #d1d9e0; }
  .paper { fill: #ffffff; }
  .heading { font-weight: bold; }
  .quiet { fill: #59636e; }
  .one { stroke: #1f2328; }
  .better { fill: #0969da; stroke: #0969da; }
  .worse { fill: #bc4c00; stroke: #bc4c00; }
  .open { fill: #59636e; stroke: #59636e; }
  .range { stroke-width: 4; stroke-opacity: 0.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    line { stroke: #3d444d; }
    .paper { fill: #0d1117; }
    .quiet { fill: #9198a1; }
    .one { stroke: #f0f6fc; }
    .better { fill: #4493f8; stroke: #4493f8; }
    .worse { fill: #db6d28; stroke: #db6d28; }
    .open { fill: #9198a1; stroke: #9198a1; }
  }
</style>
)";

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char letter : text) {
    switch (letter) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      default:
        escaped += letter;
    }
  }
  return escaped;
}

// One decimal is enough of a pixel.
std::string Pixels(double at) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", at);
  return text;
}

std::string TextAt(double x, double y, std::string_view text, std::string_view attributes = "") {
  return "<text x=\"" + Pixels(x) + "\" y=\"" + Pixels(y) + "\" " + std::string(attributes) + ">" +
         Escaped(text) + "</text>\n";
}

std::string LineBetween(double x1, double y1, double x2, double y2, std::string_view kind) {
  return "<line x1=\"" + Pixels(x1) + "\" y1=\"" + Pixels(y1) + "\" x2=\"" + Pixels(x2) +
         "\" y2=\"" + Pixels(y2) + "\" class=\"" + std::string(kind) + "\"/>\n";
}

bool CanBeDrawn(double ratio) { return std::isfinite(ratio) && ratio > 0; }

// `1/100`, `1x`, `10x`.
std::string TickText(int power) {
  const std::string zeros(static_cast<size_t>(std::abs(power)), '0');
  return power < 0 ? "1/1" + zeros : "1" + zeros + "x";
}

// Whole powers of ten that enclose 1 and all ratios.
class Axis {
 public:
  explicit Axis(const std::vector<RatioLine>& lines) {
    for (const RatioLine& line : lines) {
      for (const double ratio : {line.ratio.smallest, line.ratio.median, line.ratio.largest}) {
        if (!CanBeDrawn(ratio)) continue;
        first_ = std::min(first_, static_cast<int>(std::floor(std::log10(ratio))));
        last_ = std::max(last_, static_cast<int>(std::ceil(std::log10(ratio))));
      }
    }
  }

  double At(double ratio) const {
    return kPlotLeft + (kPlotRight - kPlotLeft) * (std::log10(ratio) - first_) / (last_ - first_);
  }

  std::string Draw(double top, double bottom) const {
    std::string drawn;
    for (int power = first_; power <= last_; ++power) {
      const double ratio = std::pow(10, power);
      drawn += LineBetween(At(ratio), top, At(ratio), bottom, power == 0 ? "one" : "grid");
      drawn +=
          TextAt(At(ratio), top - 5, TickText(power), "text-anchor=\"middle\" class=\"quiet\"");
    }
    return drawn;
  }

 private:
  int first_ = -1;
  int last_ = 1;
};

std::string_view KindOf(const RatioLine& line) {
  if (line.verdict.starts_with("better")) return "better";
  return line.verdict.starts_with("WORSE") ? "worse" : "open";
}

std::string DrawLine(const RatioLine& line, const Axis& axis, double y) {
  const std::string kind(KindOf(line));
  std::string drawn = TextAt(kPlotLeft - 10, y + 4, line.engine, "text-anchor=\"end\"");
  if (CanBeDrawn(line.ratio.smallest) && CanBeDrawn(line.ratio.largest)) {
    drawn += LineBetween(axis.At(line.ratio.smallest), y, axis.At(line.ratio.largest), y,
                         "range " + kind);
  }
  if (CanBeDrawn(line.ratio.median)) {
    drawn += "<circle cx=\"" + Pixels(axis.At(line.ratio.median)) + "\" cy=\"" + Pixels(y) +
             "\" r=\"4\" class=\"" + kind + "\"/>\n";
  }
  return drawn + TextAt(kFiguresLeft, y + 4, RatioText(line.ratio) + "  " + line.verdict);
}

}  // namespace

std::string DrawRatios(const std::vector<RatioLine>& lines,
                       const std::vector<std::string>& captions) {
  const Axis axis(lines);
  std::string drawn;
  double y = kMargin;
  for (const std::string& caption : captions) {
    y += kLineHeight;
    drawn += TextAt(kMargin, y, caption, &caption == captions.data() ? "class=\"heading\"" : "");
  }
  y += 2 * kLineHeight;
  const double top = y;
  std::string plotted;
  const RatioLine* above = nullptr;
  for (const RatioLine& line : lines) {
    if (!above || above->row != line.row) {
      y += kHeadingHeight;
      plotted += TextAt(kMargin, y - kLineHeight / 2, line.row, "class=\"heading\"");
    }
    above = &line;
    y += kLineHeight;
    plotted += DrawLine(line, axis, y - kLineHeight / 2);
  }
  const double height = y + kMargin;
  const std::string size = Pixels(kWidth) + " " + Pixels(height);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\" width=\"" +
         Pixels(kWidth) + "\" height=\"" + Pixels(height) + "\">\n" + std::string(kStyle) +
         "<rect width=\"100%\" height=\"100%\" class=\"paper\"/>\n" + drawn + axis.Draw(top, y) +
         plotted + "</svg>\n";
}

}  // namespace tidemark::bench
