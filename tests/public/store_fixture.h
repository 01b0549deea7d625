// StoreFixture: a store in directories of its own, and a small language to work with it.
#pragma once

#include "storage/file_system.h"
#include "tests/support/fault_storage.h"
#include "tests/support/temp_dir.h"

#include <tidemark/store.h>

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::test {

using Content = std::map<std::string, std::string>;

#define EXPECT_OK(expression) EXPECT_EQ((expression).ToString(), "OK")
#define ASSERT_OK(expression) ASSERT_EQ((expression).ToString(), "OK")
// The expression is a Status or the error() of a Result.
#define EXPECT_ERROR(expression, expected_code, expected_name) \
  do {                                                         \
    const ::tidemark::Status got = (expression);               \
    EXPECT_EQ(got.code(), expected_code) << got.ToString();    \
    EXPECT_EQ(got.name(), expected_name) << got.ToString();    \
  } while (false)

// Of a Table or a ReadTable.
template <class AnyTable>
Content ContentOf(AnyTable& table) {
  Content content;
  const Status status = table.ForEach([&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(content.emplace(key, value).second) << "visited twice: " << key;
    return true;
  });
  EXPECT_EQ(status.ToString(), "OK");
  return content;
}

inline Content Read(Table& table) { return ContentOf(table); }

// The value of `key`, nullopt if there is none.
inline std::optional<std::string> Read(Table& table, std::string_view key) {
  const auto value = table.Get(key);
  EXPECT_TRUE(value.has_value()) << value.error().ToString();
  if (!value.has_value() || !*value) return std::nullopt;
  return std::string(**value);
}

class StoreFixture : public ::testing::Test {
 protected:
  static constexpr uint64_t kMiB = uint64_t{1} << 20;

  explicit StoreFixture(uint64_t memory_budget_bytes = 64 * kMiB) {
    SetBudget(memory_budget_bytes);
  }

  void SetBudget(uint64_t bytes) {
    options_.runtime = Runtime::Create({.memory_budget_bytes = bytes}).value();
    options_.directory = directory_ / "live";
    options_.storage = storage_;
  }

  void Open() {
    auto opened = StateStore::Open(options_);
    ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
    store_ = *std::move(opened);
  }
  // Closes, and opens the newest checkpoint, or `checkpoint`.
  void Reopen(std::optional<uint64_t> checkpoint = std::nullopt) {
    if (store_ != nullptr) {
      EXPECT_OK(store_->Close());
    }
    store_.reset();
    options_.restore_checkpoint = checkpoint;
    Open();
    options_.restore_checkpoint.reset();
  }
  Table Open(std::string_view name, const TableOptions& options = {}) {
    auto table = store_->OpenTable(name, options);
    EXPECT_TRUE(table.has_value()) << table.error().ToString();
    return *std::move(table);
  }

  // A checkpoint, waited for.
  Status Save(uint64_t id, Metadata metadata = {}) {
    TIDEMARK_ASSIGN_OR_RETURN(
        const PendingCheckpoint pending,
        store_->Checkpoint(id, {.metadata = std::move(metadata), .on_complete = {}}));
    return pending.Wait();
  }
  std::vector<uint64_t> Ids() const {
    std::vector<uint64_t> ids;
    for (const CheckpointInfo& info : store_->Checkpoints()) ids.push_back(info.id);
    return ids;
  }

  TempDir directory_;
  std::shared_ptr<FaultStorage> storage_ = std::make_shared<FaultStorage>(
      storage::OpenLocalDirectoryOn(directory_ / "repository", storage::DefaultFileSystem())
          .value());
  StoreOptions options_;
  std::unique_ptr<StateStore> store_;
};

}  // namespace tidemark::test
