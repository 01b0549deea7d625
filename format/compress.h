// Block compression of frames. Contexts are kept per thread, because making one costs as much as
// compressing a frame.
#pragma once

#include <tidemark/options.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace tidemark::format {

constexpr bool IsCompression(uint8_t codec) { return codec <= 2; }
std::string_view CompressionName(Compression codec);

// Compresses `raw` into `out` and returns the size, or nullopt if it does not fit there. Internal
// (`compression`) if the codec fails. Not for kNone.
Result<std::optional<size_t>> Compress(Compression codec, int level, std::string_view raw,
                                       std::span<char> out);

// Whether `compressed` can at all be the compressed form of `raw_bytes` bytes; cheap, and asked
// before memory for them is allocated. Not for kNone.
bool IsPlausible(Compression codec, std::string_view compressed, size_t raw_bytes);

// Fills `out`, which has exactly the raw size. False unless `compressed` is intact and has that
// size.
bool Decompress(Compression codec, std::string_view compressed, std::span<char> out);

}  // namespace tidemark::format
