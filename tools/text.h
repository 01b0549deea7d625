// How numbers, times and bytes look to people. JSON has them exact; see tools/json.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::tools {

// `17 B`, `1.5 KiB`, `310.4 MiB`.
std::string FormatBytes(uint64_t bytes);
// `1 file`, `2 files`.
std::string Counted(uint64_t count, std::string_view noun);
// `900 ns`, `12.0 us`, `1.2 ms`, `3.4 s`.
std::string FormatDuration(uint64_t nanoseconds);

// RFC 3339 in UTC, `2025-11-23T19:03:11Z`, and with `.123` before the Z. Times outside of the years
// 0 to 9999, which only damage or a broken clock can bring, come as a number of milliseconds.
std::string FormatTime(int64_t unix_ms);
std::string FormatTimeExact(int64_t unix_ms);
// How long ago: `5s`, `3m`, `7h`, `12d`; `in 3m` for what a clock that runs ahead has written.
std::string FormatAge(int64_t unix_ms, int64_t now_ms);
int64_t NowMs();
int64_t UnixMs(std::chrono::system_clock::time_point time);
// `now_ms - unix_ms`, for any times.
int64_t AgeMs(int64_t unix_ms, int64_t now_ms);

// For a terminal: what is not printable text becomes `\x1b` and the like. Bytes of the user also
// get their backslashes doubled, so that nothing is ambiguous.
std::string Printable(std::string_view text);
std::string PrintableBytes(std::string_view bytes);

// `3, 4, 5`; of many the first few and the last: `3, 4, 5, ..., 90 (88 in all)`.
std::string FormatIds(const std::vector<uint64_t>& ids, size_t shown_max);

// Columns on a terminal that `text` takes, near enough: characters.
size_t DisplayWidth(std::string_view text);

}  // namespace tidemark::tools
