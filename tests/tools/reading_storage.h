// ReadingStorage: forwards what readers call, and fails the test if anything else is called.
#pragma once

#include <tidemark/storage.h>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::test {

class ReadingStorage : public CheckpointStorage {
 public:
  explicit ReadingStorage(std::shared_ptr<CheckpointStorage> below) : below_(std::move(below)) {}

  std::string Uri() const override { return below_->Uri(); }
  Result<std::string> Read(std::string_view name, uint64_t offset, uint64_t length) const override {
    return below_->Read(name, offset, length);
  }
  Result<uint64_t> Size(std::string_view name) const override { return below_->Size(name); }
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) const override {
    return below_->List(prefix);
  }
  bool LinksFrom(const std::string& directory) const override {
    return below_->LinksFrom(directory);
  }
  Status Put(std::string_view, std::string_view) override { return Refused(); }
  Result<TransferKind> PutFile(std::string_view, const std::string&) override { return Refused(); }
  Status CreateIfAbsent(std::string_view, std::string_view) override { return Refused(); }
  Result<TransferKind> Fetch(std::string_view, const std::string&, bool) const override {
    return Refused();
  }
  Status Delete(std::span<const std::string>) override { return Refused(); }
  Result<std::unique_ptr<StorageLock>> TryLock(std::string_view) override { return Refused(); }

 private:
  static Status Refused() {
    ADD_FAILURE() << "a reader called what only writers call";
    return Status(StatusCode::kInternal, "refused", "");
  }
  const std::shared_ptr<CheckpointStorage> below_;
};

}  // namespace tidemark::test
