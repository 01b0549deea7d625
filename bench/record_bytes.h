// Keys and records as bytes, for the engines that store nothing else.
#pragma once

#include <tidemark/codec.h>
#include <tidemark/status.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tidemark::bench {

template <class T>
std::string_view BytesOf(const T& record) {
  return {reinterpret_cast<const char*>(&record), sizeof(record)};
}

template <class T>
Status ReadRecord(std::string_view bytes, T& record) {
  if (bytes.size() != sizeof(T)) {
    return Status(
        StatusCode::kCorruption, "record-size",
        "expected " + std::to_string(sizeof(T)) + " bytes, got " + std::to_string(bytes.size()));
  }
  std::memcpy(&record, bytes.data(), sizeof(T));
  return {};
}

// Numbers big-endian, one behind the other.
template <class... Numbers>
std::array<char, 8 * sizeof...(Numbers)> KeyOf(Numbers... numbers) {
  std::array<char, 8 * sizeof...(Numbers)> key;
  char* end = key.data();
  Codec<uint64_t>::Buffer buffer;
  ((end = std::copy_n(Codec<uint64_t>::Encode(numbers, buffer).data(), 8, end)), ...);
  return key;
}

}  // namespace tidemark::bench
