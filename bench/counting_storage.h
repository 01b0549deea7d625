// CountingStorage: passes everything on and counts what is published.
#pragma once

#include "bench/forwarding_storage.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::bench {

// Thread safety: as CheckpointStorage; the counters may be read at any time.
class CountingStorage final : public ForwardingStorage {
 public:
  using ForwardingStorage::ForwardingStorage;

  // Bytes of the objects created since ResetCounters, linked ones included: a link costs nothing
  // here but would be an upload elsewhere.
  uint64_t published_bytes() const noexcept { return published_bytes_; }
  // Of these, the files of bases.
  uint64_t published_base_bytes() const noexcept { return published_base_bytes_; }
  void ResetCounters() noexcept { published_bytes_ = 0, published_base_bytes_ = 0; }

  Status Put(std::string_view name, std::string_view bytes) override;
  Result<TransferKind> PutFile(std::string_view name, const std::string& path) override;
  Status CreateIfAbsent(std::string_view name, std::string_view bytes) override;

 private:
  void Count(std::string_view name, uint64_t bytes);

  std::atomic<uint64_t> published_bytes_{0};
  std::atomic<uint64_t> published_base_bytes_{0};
};

}  // namespace tidemark::bench
