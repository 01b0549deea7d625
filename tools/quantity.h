// Amounts on the command line.
#pragma once

#include <tidemark/status.h>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace tidemark::tools {

// `20GiB`, `1.5 MiB`, `500MB`, `17`: bytes. KiB to EiB are powers of 1024, kB to EB of 1000.
// InvalidArgument (`byte-amount`).
Result<uint64_t> ParseBytes(std::string_view text);
// `90s`, `15m`, `36h`, `7d`, `2w`, `500ms`. InvalidArgument (`time-span`).
Result<std::chrono::milliseconds> ParseSpan(std::string_view text);

}  // namespace tidemark::tools
