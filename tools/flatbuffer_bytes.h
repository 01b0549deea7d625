// FlatBufferBytes: the bytes of a FlatBuffer as https://flatbuffers.dev/internals/ lays them out.
// Positions are offsets from the beginning, and whatever is read is looked for within the bytes
// first: the library's verifier follows schemas and unions that somebody forged out of its arrays.
#pragma once

#include <flatbuffers/base.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tidemark::tools {

class FlatBufferBytes {
 public:
  explicit FlatBufferBytes(std::string_view bytes) : bytes_(bytes) {}

  bool Has(size_t at, size_t size) const {
    return at <= bytes_.size() && size <= bytes_.size() - at;
  }
  // Both of what Has.
  const uint8_t* At(size_t at) const {
    return reinterpret_cast<const uint8_t*>(bytes_.data()) + at;
  }
  std::string_view Text(size_t at, size_t size) const { return bytes_.substr(at, size); }

  template <class T>
  std::optional<T> Read(size_t at) const {
    if (!Has(at, sizeof(T))) return std::nullopt;
    return flatbuffers::ReadScalar<T>(At(at));
  }
  // Where the offset at `at` leads.
  std::optional<size_t> Follow(size_t at) const {
    const auto offset = Read<uint32_t>(at);
    if (!offset || *offset == 0) return std::nullopt;
    return at + *offset;
  }
  // Whether a table lies at `at`, and its vtable where it says.
  bool IsTable(size_t at) const {
    const size_t vtable = VtableOf(at).value_or(bytes_.size());
    const auto vtable_bytes = Read<uint16_t>(vtable);
    const auto table_bytes = Read<uint16_t>(vtable + sizeof(uint16_t));
    return vtable_bytes && table_bytes && *vtable_bytes >= 2 * sizeof(uint16_t) &&
           *vtable_bytes % sizeof(uint16_t) == 0 && Has(vtable, *vtable_bytes) &&
           *table_bytes >= sizeof(int32_t) && Has(at, *table_bytes);
  }
  // Where a table has a field; 0 if it does not.
  size_t FieldOf(size_t table, uint16_t field) const {
    const size_t vtable = VtableOf(table).value_or(bytes_.size());
    const auto vtable_bytes = Read<uint16_t>(vtable);
    if (!vtable_bytes || field + sizeof(uint16_t) > *vtable_bytes) return 0;
    const auto offset = Read<uint16_t>(vtable + field);
    return offset && *offset != 0 ? table + *offset : 0;
  }

 private:
  std::optional<size_t> VtableOf(size_t table) const {
    const auto offset = Read<int32_t>(table);
    const int64_t vtable = static_cast<int64_t>(table) - offset.value_or(0);
    if (!offset || vtable < 0) return std::nullopt;
    return static_cast<size_t>(vtable);
  }

  const std::string_view bytes_;
};

}  // namespace tidemark::tools
