// CopyingStorage: a CheckpointStorage from and to which nothing is linked, as if it lay on another
// medium. It passes everything else on.
#pragma once

#include <tidemark/storage.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::bench {

// Thread safety: as CheckpointStorage.
class CopyingStorage final : public CheckpointStorage {
 public:
  explicit CopyingStorage(std::shared_ptr<CheckpointStorage> target) : target_(std::move(target)) {}

  Result<TransferKind> Fetch(std::string_view name, const std::string& path,
                             bool /*may_link*/) const override {
    return target_->Fetch(name, path, /*may_link=*/false);
  }
  bool LinksFrom(const std::string& /*local_directory*/) const override { return false; }
  Result<TransferKind> PutFile(std::string_view name, const std::string& path) override {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    TIDEMARK_RETURN_IF_ERROR(target_->Put(name, bytes));
    return TransferKind::kCopied;
  }

  std::string Uri() const override { return target_->Uri(); }
  Status Put(std::string_view name, std::string_view bytes) override {
    return target_->Put(name, bytes);
  }
  Status CreateIfAbsent(std::string_view name, std::string_view bytes) override {
    return target_->CreateIfAbsent(name, bytes);
  }
  Result<std::string> Read(std::string_view name, uint64_t offset, uint64_t length) const override {
    return target_->Read(name, offset, length);
  }
  Result<uint64_t> Size(std::string_view name) const override { return target_->Size(name); }
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) const override {
    return target_->List(prefix);
  }
  Status Delete(std::span<const std::string> names) override { return target_->Delete(names); }
  Status DeleteUnfinished(std::string_view prefix) override {
    return target_->DeleteUnfinished(prefix);
  }
  Result<std::unique_ptr<StorageLock>> TryLock(std::string_view name) override {
    return target_->TryLock(name);
  }

 private:
  const std::shared_ptr<CheckpointStorage> target_;
};

}  // namespace tidemark::bench
