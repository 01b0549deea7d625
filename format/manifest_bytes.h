// What encoding and decoding of manifests share.
#pragma once

#include "format/manifest_generated.h"

#include <array>
#include <bit>
#include <cstdint>

namespace tidemark::format {

static_assert(sizeof(fb::Bytes16) == 16);

inline fb::Bytes16 ToBytes16(const std::array<uint8_t, 16>& bytes) {
  return std::bit_cast<fb::Bytes16>(bytes);
}
inline std::array<uint8_t, 16> FromBytes16(const fb::Bytes16& bytes) {
  return std::bit_cast<std::array<uint8_t, 16>>(bytes);
}

}  // namespace tidemark::format
