// When maintenance may write less than there is to write: checkpoints go on, writes are slowed and
// then refused, and nothing is lost, exceeded or waited for for ever.
#include "storage/repository.h"
#include "tests/public/store_fixture.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace tidemark::test {
namespace {

using std::chrono::steady_clock;

class BackpressureTest : public StoreFixture {
 protected:
  void Limit(uint64_t bytes_per_second, uint64_t memory_budget_bytes) {
    limit_ = bytes_per_second;
    options_.runtime = Runtime::Create({.memory_budget_bytes = memory_budget_bytes,
                                        .background_bytes_per_second = bytes_per_second})
                           .value();
  }

  // No codec makes it smaller.
  std::string RandomBytes(size_t size) {
    std::string bytes(size, '\0');
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
      const uint64_t next = random_();
      std::memcpy(bytes.data() + at, &next, std::min(sizeof next, size - at));
    }
    return bytes;
  }
  Status TryPut(Table& table, const std::string& key, size_t size) {
    const std::string value = RandomBytes(size);
    TIDEMARK_RETURN_IF_ERROR(table.Put(key, value));
    model_[key] = value;
    return {};
  }
  // In entries of 8 KiB.
  void PutMany(Table& table, uint64_t bytes) {
    for (uint64_t put = 0; put < bytes; put += kEntryBytes)
      ASSERT_OK(TryPut(table, "key" + std::to_string(next_key_++), kEntryBytes));
  }

  // Of these tables together.
  void ExpectModel(const std::vector<std::string>& names) {
    Content all;
    for (const std::string& name : names) {
      Table table = Open(name);
      all.merge(Read(table));
    }
    EXPECT_TRUE(all == model_);
  }

  // The least that writing so much may take. What the limit grants at once it grants ten times a
  // second.
  std::chrono::duration<double> LeastTime(uint64_t bytes) const {
    const uint64_t at_once = limit_ / 5;
    return std::chrono::duration<double>(static_cast<double>(bytes - std::min(bytes, at_once)) /
                                         static_cast<double>(limit_));
  }

  format::Manifest List() const {
    const auto info = storage::ReadRepositoryInfo(*storage_);
    auto reading = storage::ReadManifest(*storage_, info->id, 0);
    EXPECT_TRUE(reading.has_value()) << reading.error().ToString();
    return std::move(reading->manifest);
  }
  size_t FilesInBase() const {
    const std::filesystem::directory_iterator files(
        std::string(directory_ / "repository/subtasks/00000/base"));
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  static constexpr uint64_t kEntryBytes = kMiB / 128;

  uint64_t limit_ = 0;
  std::mt19937_64 random_{5};
  int next_key_ = 0;
  Content model_;  // of all tables, no two of which have a key in common
};

TEST_F(BackpressureTest, WriteBacksAreLimitedAndCheckpointsAreNot) {
  Limit(kMiB, 64 * kMiB);
  options_.write_back_bytes = kMiB;
  options_.inline_segment_bytes_max = 0;
  Open();
  Table table = Open("t");
  Table other = Open("other");  // so that nothing of the first one is replaced and compacted
  const auto begin = steady_clock::now();
  PutMany(table, 3 * kMiB);
  ASSERT_OK(Save(1));  // with it a write-back begins, which takes three seconds
  for (uint64_t id = 2; id <= 4; ++id) {
    PutMany(other, kEntryBytes);
    ASSERT_OK(Save(id));
  }
  const StoreMetrics before = store_->Metrics();
  EXPECT_EQ(before.checkpoints_completed, 4u);
  EXPECT_EQ(before.write_backs, 0u) << "of the first one's three megabytes";
  EXPECT_GT(before.unapplied_bytes, 3 * kMiB);
  EXPECT_GT(before.log_bytes, 3 * kMiB);

  ASSERT_OK(store_->Drain());
  const auto took = steady_clock::now() - begin;
  const StoreMetrics after = store_->Metrics();
  EXPECT_GT(after.write_back_bytes, 3 * kMiB);
  EXPECT_GE(took, LeastTime(after.write_back_bytes));
  EXPECT_EQ(after.unapplied_bytes, 0u);
  Reopen();
  ExpectModel({"t", "other"});
}

// A first write-back goes on for two seconds; what the writer does meanwhile, at full speed, has no
// room in memory.
TEST_F(BackpressureTest, Invariant10AWriterIsSlowedBeforeItIsStopped) {
  struct Listener : EventListener {
    void OnStallBegin() override {
      if (stalls++ == 0) slowdowns_before = store->Metrics().slowdowns;
    }
    const StateStore* store = nullptr;
    int stalls = 0;
    uint64_t slowdowns_before = 0;
  };
  const auto listener = std::make_shared<Listener>();
  options_.listener = listener;
  options_.stall_timeout = std::chrono::milliseconds(100);
  options_.write_back_bytes = kMiB / 16;
  Limit(kMiB, 16 * kMiB);
  Open();
  listener->store = store_.get();
  Table table = Open("t");
  PutMany(table, 2 * kMiB);
  uint64_t id = 1;
  ASSERT_OK(Save(id));

  Status refused;
  std::string key;
  for (int i = 0; refused.ok(); ++i) {
    ASSERT_LT(i, 20'000) << "160 MiB at a megabyte a second";
    key = "more" + std::to_string(i);
    refused = TryPut(table, key, kEntryBytes);
    ASSERT_LE(options_.runtime->memory_used_bytes(), 16 * kMiB);
    if (i % 64 == 63) {
      ASSERT_TRUE(store_->Checkpoint(++id).has_value());
    }
  }
  EXPECT_ERROR(refused, StatusCode::kResourceExhausted, "memory-budget");
  EXPECT_GT(store_->Metrics().stalls, 0u);
  EXPECT_GT(listener->slowdowns_before, 0u) << "when the first stall began";
  EXPECT_EQ(Read(table, key), std::nullopt) << "the refused write changed nothing";
  ExpectModel({"t"});

  // A commit that has sorted its lists makes a little room, too.
  Status again = refused;
  for (int i = 0; i < 6'000 && (!again.ok() || store_->Metrics().write_backs == 0); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    again = TryPut(table, key, kEntryBytes);
  }
  ASSERT_OK(again);
  EXPECT_GT(store_->Metrics().write_backs, 0u);
  EXPECT_LE(options_.runtime->memory_used_bytes(), 16 * kMiB);
  ASSERT_OK(Save(++id));
  Reopen();  // does not wait for the limit
  EXPECT_EQ(store_->restored().checkpoint->id, id);
  ExpectModel({"t"});
}

// A base that is copied is limited as well, and lets a write-back that somebody waits for go first.
// What was copied by then is not copied again, and nothing of it is left over.
TEST_F(BackpressureTest, CopiesOfABaseGiveWayToAWriteBack) {
  Limit(16 * kMiB, 64 * kMiB);
  storage_->DenyLinks(true);
  Open();
  const std::vector<std::string> names{"a", "b", "c", "d", "e", "f", "g", "h"};
  std::vector<Table> tables;
  for (const std::string& name : names) tables.push_back(Open(name));
  for (Table& table : tables) PutMany(table, 5 * kMiB / 2);  // a log that calls for a base
  const auto copying = storage_->PauseBefore(StorageOperation::kPutFile, "base/");
  const auto begin = steady_clock::now();
  ASSERT_OK(Save(1));
  copying->WaitUntilReached();
  EXPECT_EQ(store_->Metrics().write_backs, 1u);
  ASSERT_OK(TryPut(tables[0], "another", 100));
  ASSERT_OK(Save(2));
  std::thread drain([&] { EXPECT_OK(store_->Drain()); });
  // It need not have asked by then: seven copies remain, each of which takes a sixth of a second.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  copying->Release();
  drain.join();
  const auto took = steady_clock::now() - begin;

  const StoreMetrics metrics = store_->Metrics();
  EXPECT_EQ(metrics.write_backs, 2u);
  EXPECT_EQ(metrics.bases_published, 1u);
  EXPECT_GT(metrics.base_bytes, 20 * kMiB);
  EXPECT_GE(took, LeastTime(metrics.write_back_bytes + 20 * kMiB));
  const format::Manifest list = List();
  ASSERT_EQ(list.bases.size(), 1u);
  const format::Base& base = list.bases.begin()->second;
  EXPECT_EQ(base.at.epoch, 2u) << "the write-back came between";
  EXPECT_EQ(FilesInBase(), base.files.size());
  Reopen();
  ExpectModel(names);
}

}  // namespace
}  // namespace tidemark::test
