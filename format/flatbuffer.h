// What all readers and writers of FlatBuffers here share.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tidemark::format {

inline std::string_view BytesOf(const flatbuffers::FlatBufferBuilder& finished) {
  return {reinterpret_cast<const char*>(finished.GetBufferPointer()), finished.GetSize()};
}

// Null unless `raw`, which is 8-byte aligned, is a FlatBuffer with this root. A table takes eight
// bytes at least with the offset that leads to it, which bounds the work on a forged buffer whose
// offsets lead to the same tables again and again.
//
// The verifier does not check that elements of eight bytes lie aligned: copy them out.
template <class T>
const T* VerifiedRoot(std::string_view raw) {
  constexpr flatbuffers::uoffset_t kDepthMax = 16;
  const auto tables_max = static_cast<flatbuffers::uoffset_t>(raw.size() / 8 + 1);
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(raw.data()), raw.size(),
                                 kDepthMax, tables_max);
  return verifier.VerifyBuffer<T>(nullptr) ? flatbuffers::GetRoot<T>(raw.data()) : nullptr;
}

// Vectors of structs and 64-bit numbers may lie unaligned in a damaged file, so elements are
// copied.
template <class T>
inline T ElementAt(const uint8_t* data, size_t index) {
  T element;
  std::memcpy(&element, data + index * sizeof(T), sizeof(T));
  return element;
}

}  // namespace tidemark::format
