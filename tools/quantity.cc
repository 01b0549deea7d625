#include "tools/quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

namespace tidemark::tools {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr double kKi = 1024;
constexpr double kK = 1000;
constexpr std::array kByteUnits{
    Unit{"", 1},
    Unit{"B", 1},
    Unit{"KiB", kKi},
    Unit{"MiB", kKi* kKi},
    Unit{"GiB", kKi* kKi* kKi},
    Unit{"TiB", kKi* kKi* kKi* kKi},
    Unit{"PiB", kKi* kKi* kKi* kKi* kKi},
    Unit{"EiB", kKi* kKi* kKi* kKi* kKi* kKi},
    Unit{"kB", kK},
    Unit{"KB", kK},
    Unit{"MB", kK* kK},
    Unit{"GB", kK* kK* kK},
    Unit{"TB", kK* kK* kK* kK},
    Unit{"PB", kK* kK* kK* kK* kK},
    Unit{"EB", kK* kK* kK* kK* kK* kK},
};
constexpr std::array kTimeUnits{Unit{"ms", 1},         Unit{"s", 1000},
                                Unit{"m", 60'000},     Unit{"h", 3'600'000},
                                Unit{"d", 86'400'000}, Unit{"w", 7 * 86'400'000.0}};

// nullopt unless it is a number that is not negative, one of the units, and below 2^63 together.
template <size_t n>
std::optional<uint64_t> Parse(std::string_view text, const std::array<Unit, n>& units) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || std::signbit(number) || !std::isfinite(number)) return std::nullopt;
  std::string_view rest(stop, static_cast<size_t>(end - stop));
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  for (const Unit& unit : units) {
    const double amount = number * unit.factor;
    if (rest == unit.name && amount < 9.2e18) return static_cast<uint64_t>(std::ceil(amount));
  }
  return std::nullopt;
}

}  // namespace

Result<uint64_t> ParseBytes(std::string_view text) {
  if (const auto bytes = Parse(text, kByteUnits)) return *bytes;
  return Status(
      StatusCode::kInvalidArgument, "byte-amount",
      "expected a number of bytes such as 500MiB or 20GiB, got `" + std::string(text) + "`");
}

Result<std::chrono::milliseconds> ParseSpan(std::string_view text) {
  if (const auto ms = Parse(text, kTimeUnits))
    return std::chrono::milliseconds(static_cast<int64_t>(*ms));
  return Status(StatusCode::kInvalidArgument, "time-span",
                "expected a time such as 90s, 36h, 7d or 2w, got `" + std::string(text) + "`");
}

}  // namespace tidemark::tools
