// VersionMaker: versions and sealed epochs without a store, for tests of what works on them.
#pragma once

#include "format/key.h"
#include "store/sealed_epoch.h"
#include "store/version.h"

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::store {

// Frees all that it made at the end.
class VersionMaker {
 public:
  static constexpr uint32_t kMaxParallelism = 128;

  Version* Make(std::string_view user_key, std::string_view value = "", uint64_t epoch = 1,
                format::Op op = format::Op::kPut, bool absent_before = false) {
    std::string stored;
    format::AppendStoredKey(format::KeyGroupOf(format::HashKey(user_key), kMaxParallelism),
                            user_key, &stored);
    return MakeStored(stored, value, epoch, op, absent_before);
  }
  Version* MakeStored(std::string_view stored, std::string_view value = "", uint64_t epoch = 1,
                      format::Op op = format::Op::kPut, bool absent_before = false) {
    const size_t bytes = Version::BytesFor(stored.size(), value.size());
    memory_.push_back(std::make_unique<std::max_align_t[]>(bytes / sizeof(std::max_align_t) + 1));
    auto* version = new (memory_.back().get()) Version;
    version->epoch = epoch;
    version->op = op;
    version->absent_before = absent_before;
    version->set_key_size(stored.size());
    version->value_size = static_cast<uint32_t>(value.size());
    std::memcpy(version->key_data(), stored.data(), stored.size());
    if (!value.empty()) std::memcpy(version->value_data(), value.data(), value.size());
    return version;
  }

 private:
  std::vector<std::unique_ptr<std::max_align_t[]>> memory_;
};

}  // namespace tidemark::store
