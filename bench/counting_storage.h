// CountingStorage: a CheckpointStorage that passes everything on and counts what is published.
#pragma once

#include <tidemark/storage.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::bench {

// Thread safety: as CheckpointStorage; the counters may be read at any time.
class CountingStorage final : public CheckpointStorage {
 public:
  explicit CountingStorage(std::shared_ptr<CheckpointStorage> target)
      : target_(std::move(target)) {}

  // Bytes of the objects created since ResetCounters, linked ones included: a link costs nothing
  // here but would be an upload elsewhere.
  uint64_t published_bytes() const noexcept { return published_bytes_; }
  // Of these, the files of bases.
  uint64_t published_base_bytes() const noexcept { return published_base_bytes_; }
  void ResetCounters() noexcept { published_bytes_ = 0, published_base_bytes_ = 0; }

  std::string Uri() const override { return target_->Uri(); }
  Status Put(std::string_view name, std::string_view bytes) override;
  Result<TransferKind> PutFile(std::string_view name, const std::string& path) override;
  Status CreateIfAbsent(std::string_view name, std::string_view bytes) override;
  Result<std::string> Read(std::string_view name, uint64_t offset, uint64_t length) const override {
    return target_->Read(name, offset, length);
  }
  Result<uint64_t> Size(std::string_view name) const override { return target_->Size(name); }
  Result<TransferKind> Fetch(std::string_view name, const std::string& path,
                             bool may_link) const override {
    return target_->Fetch(name, path, may_link);
  }
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) const override {
    return target_->List(prefix);
  }
  Status Delete(std::span<const std::string> names) override { return target_->Delete(names); }
  Status DeleteUnfinished(std::string_view prefix) override {
    return target_->DeleteUnfinished(prefix);
  }
  bool LinksFrom(const std::string& local_directory) const override {
    return target_->LinksFrom(local_directory);
  }
  Result<std::unique_ptr<StorageLock>> TryLock(std::string_view name) override {
    return target_->TryLock(name);
  }

 private:
  void Count(std::string_view name, uint64_t bytes);

  const std::shared_ptr<CheckpointStorage> target_;
  std::atomic<uint64_t> published_bytes_{0};
  std::atomic<uint64_t> published_base_bytes_{0};
};

}  // namespace tidemark::bench
