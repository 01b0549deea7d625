#include "tools/text.h"

#include "tools/utf8.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <limits>

namespace tidemark::tools {
namespace {

// One digit after the point.
std::string Scaled(double value, std::string_view unit) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f ", value);
  return text + std::string(unit);
}

std::string FormatTimeWith(int64_t unix_ms, bool with_ms) {
  namespace ch = std::chrono;
  constexpr int64_t kYear0 = -62'167'219'200'000;
  constexpr int64_t kYear10000 = 253'402'300'800'000;
  if (unix_ms < kYear0 || unix_ms >= kYear10000) return std::to_string(unix_ms) + " ms";
  const ch::sys_time<ch::milliseconds> time{ch::milliseconds(unix_ms)};
  const auto day = ch::floor<ch::days>(time);
  const ch::year_month_day date(day);
  const ch::hh_mm_ss clock(time - day);
  char text[40];
  int used = std::snprintf(
      text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  if (with_ms)
    used += std::snprintf(text + used, sizeof(text) - static_cast<size_t>(used), ".%03d",
                          static_cast<int>(clock.subseconds().count()));
  return std::string(text, static_cast<size_t>(used)) + "Z";
}

std::string FormatSpan(uint64_t seconds) {
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < uint64_t{120} * 60) return std::to_string(seconds / 60) + "m";
  if (seconds < uint64_t{48} * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86'400) + "d";
}

std::string Escape(std::string_view text, bool double_backslashes) {
  std::string escaped;
  while (!text.empty()) {
    const Utf8Character character = DecodeUtf8(text);
    const size_t bytes = character.bytes == 0 ? 1 : character.bytes;
    if (character.bytes == 0 || !IsPrintable(character.code_point)) {
      for (const char c : text.substr(0, bytes)) {
        char hex[8];
        std::snprintf(hex, sizeof(hex), "\\x%02x", static_cast<unsigned>(static_cast<uint8_t>(c)));
        escaped.append(hex);
      }
    } else {
      if (double_backslashes && text[0] == '\\') escaped += '\\';
      escaped.append(text.substr(0, bytes));
    }
    text.remove_prefix(bytes);
  }
  return escaped;
}

}  // namespace

std::string FormatBytes(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<std::string_view, 6> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // What would be rounded up to 1024.0 belongs to the next unit.
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return Scaled(value, kUnits[unit]);
}

std::string Counted(uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string FormatDuration(uint64_t nanoseconds) {
  const auto value = static_cast<double>(nanoseconds);
  if (nanoseconds < 1000) return std::to_string(nanoseconds) + " ns";
  if (value < 999.95e3) return Scaled(value / 1e3, "us");
  if (value < 999.95e6) return Scaled(value / 1e6, "ms");
  return Scaled(value / 1e9, "s");
}

std::string FormatTime(int64_t unix_ms) { return FormatTimeWith(unix_ms, false); }

std::string FormatTimeExact(int64_t unix_ms) { return FormatTimeWith(unix_ms, true); }

std::string FormatAge(int64_t unix_ms, int64_t now_ms) {
  const int64_t seconds = AgeMs(unix_ms, now_ms) / 1000;
  if (seconds >= 0) return FormatSpan(static_cast<uint64_t>(seconds));
  return "in " + FormatSpan(static_cast<uint64_t>(-seconds));
}

int64_t NowMs() { return UnixMs(std::chrono::system_clock::now()); }

int64_t UnixMs(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

int64_t AgeMs(int64_t unix_ms, int64_t now_ms) {
  int64_t age = 0;
  if (!__builtin_sub_overflow(now_ms, unix_ms, &age)) return age;
  return unix_ms < 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

std::string Printable(std::string_view text) { return Escape(text, false); }

std::string PrintableBytes(std::string_view bytes) { return Escape(bytes, true); }

std::string FormatIds(const std::vector<uint64_t>& ids, size_t shown_max) {
  const bool all = ids.size() <= shown_max;
  const size_t shown = all ? ids.size() : shown_max - 1;
  std::string text;
  for (size_t i = 0; i < shown; ++i) text.append(i == 0 ? "" : ", ").append(std::to_string(ids[i]));
  if (all) return text;
  return text.append(", ..., ")
      .append(std::to_string(ids.back()))
      .append(" (" + std::to_string(ids.size()) + " in all)");
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const size_t bytes = DecodeUtf8(text).bytes;
    text.remove_prefix(bytes == 0 ? 1 : bytes);
    ++width;
  }
  return width;
}

}  // namespace tidemark::tools
