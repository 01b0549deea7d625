// CoreFixture: a store below its public handles, so that tests see the cache and replace the file
// system.
#pragma once

#include "store/store_core.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/fault_storage.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::store {

using Content = std::map<std::string, std::string>;

inline Content Read(TableCore& table) {
  Content content;
  const Status status = table.ForEach(
      [](void* context, std::string_view key, std::string_view value) {
        EXPECT_TRUE(static_cast<Content*>(context)->emplace(key, value).second) << key;
        return true;
      },
      &content);
  EXPECT_EQ(status.ToString(), "OK");
  return content;
}

inline std::optional<std::string> Read(TableCore& table, std::string_view key) {
  const auto value = table.Get(key);
  EXPECT_TRUE(value.has_value()) << value.error().ToString();
  if (!value.has_value() || !*value) return std::nullopt;
  return std::string(**value);
}

inline Status Wait(CheckpointTicket& ticket) {
  std::unique_lock lock(ticket.mutex);
  ticket.decided.wait(lock, [&] { return ticket.done; });
  return ticket.status;
}

class CoreFixture : public ::testing::Test {
 protected:
  static constexpr uint64_t kMiB = uint64_t{1} << 20;

  explicit CoreFixture(uint64_t memory_budget_bytes = 64 * kMiB) {
    fs_->SkipSyncs(true);  // nothing here pulls the plug
    options_.runtime = Runtime::Create({.memory_budget_bytes = memory_budget_bytes}).value();
    options_.directory = directory_ / "live";
    options_.storage = storage_;
  }

  void Open() {
    auto opened = StoreCore::Open(options_, {fs_});
    ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
    store_ = *std::move(opened);
    auto table = store_->OpenTable("t", {});
    ASSERT_TRUE(table.has_value()) << table.error().ToString();
    table_ = *std::move(table);
  }
  void Close() {
    EXPECT_EQ(store_->Close().ToString(), "OK");
    table_.reset();
    store_.reset();
  }
  // As on another machine: nothing local is left.
  void LoseLiveDirectory() { std::filesystem::remove_all(options_.directory); }
  void Restore(std::optional<uint64_t> checkpoint) {
    options_.restore_checkpoint = checkpoint;
    Open();
    options_.restore_checkpoint.reset();
  }

  void Put(std::string_view key, std::string_view value) {
    ASSERT_EQ(table_->Put(key, value).ToString(), "OK");
  }
  std::shared_ptr<CheckpointTicket> Checkpoint(uint64_t id) {
    auto ticket = store_->Checkpoint(id, {});
    EXPECT_TRUE(ticket.has_value()) << ticket.error().ToString();
    return *std::move(ticket);
  }
  Status Save(uint64_t id) {
    auto ticket = store_->Checkpoint(id, {});
    return ticket.has_value() ? Wait(**ticket) : ticket.error();
  }

  test::TempDir directory_;
  std::shared_ptr<test::FaultFileSystem> fs_ = std::make_shared<test::FaultFileSystem>();
  std::shared_ptr<test::FaultStorage> storage_ = std::make_shared<test::FaultStorage>(
      storage::OpenLocalDirectoryOn(directory_ / "repository", fs_).value());
  StoreOptions options_;
  std::shared_ptr<StoreCore> store_;
  std::shared_ptr<TableCore> table_;
};

}  // namespace tidemark::store
