// RowKey: the key of a row as one string of bytes, without an allocation for each.
#pragma once

#include <tidemark/codec.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::bench {

class RowKey {
 public:
  // `prefix` stands before all of them.
  explicit RowKey(std::string_view prefix = {}) : bytes_(prefix), prefix_bytes_(prefix.size()) {}

  // [prefix][key u64 BE][entry]. Valid until the next call.
  std::string_view Set(uint64_t key, std::string_view entry) {
    Codec<uint64_t>::Buffer buffer;
    bytes_.resize(prefix_bytes_);
    bytes_.append(Codec<uint64_t>::Encode(key, buffer)).append(entry);
    return bytes_;
  }
  std::string_view prefix() const { return std::string_view(bytes_).substr(0, prefix_bytes_); }

 private:
  std::string bytes_;
  size_t prefix_bytes_;
};

}  // namespace tidemark::bench
