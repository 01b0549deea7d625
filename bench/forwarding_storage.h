// ForwardingStorage: a CheckpointStorage that passes everything on, for those that change a part.
#pragma once

#include <tidemark/storage.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::bench {

// Thread safety: as CheckpointStorage.
class ForwardingStorage : public CheckpointStorage {
 public:
  explicit ForwardingStorage(std::shared_ptr<CheckpointStorage> target)
      : target_(std::move(target)) {}

  std::string Uri() const override { return target_->Uri(); }
  Status Put(std::string_view name, std::string_view bytes) override {
    return target_->Put(name, bytes);
  }
  Result<TransferKind> PutFile(std::string_view name, const std::string& path) override {
    return target_->PutFile(name, path);
  }
  Status CreateIfAbsent(std::string_view name, std::string_view bytes) override {
    return target_->CreateIfAbsent(name, bytes);
  }
  Result<std::string> Read(std::string_view name, uint64_t offset, uint64_t length) const override {
    return target_->Read(name, offset, length);
  }
  Result<uint64_t> Size(std::string_view name) const override { return target_->Size(name); }
  Result<TransferKind> Fetch(std::string_view name, const std::string& path,
                             bool may_link) const override {
    return target_->Fetch(name, path, may_link);
  }
  std::string LocalPath(std::string_view name) const override { return target_->LocalPath(name); }
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

 protected:
  CheckpointStorage& target() const { return *target_; }

 private:
  const std::shared_ptr<CheckpointStorage> target_;
};

}  // namespace tidemark::bench
