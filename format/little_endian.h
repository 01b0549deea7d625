// Integers in the byte order of the formats, which is also that of every machine that Tidemark
// builds for.
#pragma once

#include <bit>
#include <concepts>
#include <cstring>
#include <string>

namespace tidemark::format {

static_assert(std::endian::native == std::endian::little,
              "columns of the change log are read in place: little-endian machines only");

// The bytes need not be aligned.
template <std::unsigned_integral T>
T LoadLittleEndian(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <std::unsigned_integral T>
void StoreLittleEndian(T value, void* to) {
  std::memcpy(to, &value, sizeof(value));
}

template <std::unsigned_integral T>
void AppendLittleEndian(T value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace tidemark::format
