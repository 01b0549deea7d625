// StateStore::Metrics: every number moves for its real cause, and may be read while the writer
// works.
#include "tests/public/store_fixture.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace tidemark::test {
namespace {

using std::chrono::nanoseconds;

std::string KeyOf(int i) { return "key" + std::to_string(i); }

uint64_t MemoryOf(const StoreMetrics& metrics) {
  return metrics.cache_bytes + metrics.index_bytes + metrics.free_bytes + metrics.list_bytes +
         metrics.buffer_bytes;
}

class MetricsTest : public StoreFixture {
 protected:
  StoreMetrics Now() const { return store_->Metrics(); }
  // The writer is the only one that changes what these count.
  void OpenTable() {
    StoreFixture::Open();
    table_.emplace(Open("t"));
  }
  using StoreFixture::Open;
  Table& table() { return *table_; }

  std::optional<Table> table_;
};

TEST_F(MetricsTest, LookUpsAndWrites) {
  OpenTable();
  EXPECT_EQ(Read(table(), "none"), std::nullopt);
  EXPECT_EQ(Now().misses, 0u) << "it is new, so all that there is is in the cache";
  ASSERT_OK(Save(1));
  ASSERT_OK(store_->Close());
  OpenTable();
  EXPECT_OK(table().Put("a", "12"));
  EXPECT_OK(table().Put("a", "34"));
  EXPECT_OK(table().Put("a", std::string(500, 'x')));  // outgrows its block
  EXPECT_OK(table().Delete("b"));
  StoreMetrics now = Now();
  EXPECT_EQ(now.writes, 4u);
  EXPECT_EQ(now.hits + now.misses, 0u) << "Put and Delete look nothing up";

  EXPECT_NE(Read(table(), "a"), std::nullopt);
  EXPECT_EQ(Read(table(), "b"), std::nullopt);
  EXPECT_EQ(Read(table(), "c"), std::nullopt);
  now = Now();
  EXPECT_EQ(now.hits, 2u);
  EXPECT_EQ(now.known_absent_hits, 1u) << "b";
  EXPECT_EQ(now.misses, 1u) << "c";
  EXPECT_EQ(Read(table(), "c"), std::nullopt);
  EXPECT_EQ(Now().known_absent_hits, 2u) << "c is known now";

  EXPECT_OK(table().Update(
      "a", [](auto) -> Result<std::string_view> { return std::string_view("new"); }));
  EXPECT_OK(table().Update(
      "d", [](auto) -> Result<std::string_view> { return std::string_view("new"); }));
  EXPECT_FALSE(table().Mutable("a").value().empty());
  EXPECT_TRUE(table().Mutable("b").value().empty());
  EXPECT_FALSE(table()
                   .Update("a",
                           [](auto) -> Result<std::string_view> {
                             return Status(StatusCode::kInvalidArgument, "no", "refused");
                           })
                   .ok());
  now = Now();
  EXPECT_EQ(now.hits, 3u + 4u) << "a three times, b once";
  EXPECT_EQ(now.known_absent_hits, 3u);
  EXPECT_EQ(now.misses, 2u);
  EXPECT_EQ(now.writes, 4u + 3u) << "what was refused, and what there was not, does not count";

  Table other = Open("another");
  EXPECT_OK(other.Put("a", "1"));
  EXPECT_EQ(Now().writes, 8u) << "of all tables";
}

TEST_F(MetricsTest, MemoryByKind) {
  options_.write_back_bytes = uint64_t{1} << 30;
  OpenTable();
  const StoreMetrics before = Now();
  EXPECT_EQ(before.epoch_bytes + before.unapplied_bytes + before.list_bytes, 0u);
  EXPECT_EQ(before.budget_limit_bytes, 64 * kMiB);
  for (int i = 0; i < 10'000; ++i) EXPECT_OK(table().Put(KeyOf(i), std::string(100, 'v')));

  const StoreMetrics full = Now();
  EXPECT_GT(full.epoch_bytes, 10'000u * 140);
  EXPECT_GE(full.cache_bytes, full.epoch_bytes);
  EXPECT_LT(full.cache_bytes, 10'000u * 250);
  EXPECT_GT(full.index_bytes, 10'000u * 8);
  EXPECT_GE(full.list_bytes, 10'000u * 8);
  EXPECT_EQ(full.unapplied_bytes, 0u);
  EXPECT_EQ(full.budget_used_bytes, options_.runtime->memory_used_bytes());

  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  const PendingCheckpoint pending = store_->Checkpoint(1).value();
  pause->WaitUntilReached();
  EXPECT_EQ(Now().epoch_bytes, 0u);
  EXPECT_EQ(Now().unapplied_bytes, full.epoch_bytes);
  EXPECT_OK(table().Put("another", "v"));
  EXPECT_GT(Now().epoch_bytes, 0u);
  EXPECT_OK(store_->Rollback());
  EXPECT_EQ(Now().epoch_bytes, 0u);
  pause->Release();
  EXPECT_OK(pending.Wait());
  EXPECT_EQ(Now().unapplied_bytes, full.epoch_bytes) << "durable, but not in RocksDB";
  EXPECT_OK(store_->Drain());
  EXPECT_EQ(Now().unapplied_bytes, 0u);
  EXPECT_GT(Now().cache_bytes, 10'000u * 140) << "clean ones stay";
  EXPECT_GT(Now().rocksdb_bytes, 0u);
  EXPECT_EQ(MemoryOf(Now()) + 16 * kMiB, Now().budget_used_bytes) << "the block cache";

  EXPECT_OK(store_->Close());
  const StoreMetrics closed = Now();
  EXPECT_EQ(MemoryOf(closed) + closed.epoch_bytes + closed.rocksdb_bytes, 0u);
  EXPECT_EQ(closed.budget_used_bytes, 0u);
  EXPECT_EQ(closed.writes, 10'001u) << "totals stay";
}

// Once, what RocksDB holds of open files came on top of the block cache, and with many small files
// and nothing left to evict the runtime held more than its budget.
TEST_F(MetricsTest, OpenFilesTakeFromTheBlockCache) {
  OpenTable();
  constexpr int kTables = 200;
  for (int i = 0; i < kTables; ++i) EXPECT_OK(Open("t" + std::to_string(i)).Put("key", "value"));
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  EXPECT_GT(Now().rocksdb_bytes, kTables * 1'000u) << "open files";
  EXPECT_EQ(MemoryOf(Now()) + 16 * kMiB, Now().budget_used_bytes) << "the block cache";
}

TEST_F(MetricsTest, ReplayedEpochsAreUnapplied) {
  OpenTable();
  EXPECT_OK(table().Put("a", std::string(1'000, 'v')));
  EXPECT_OK(Save(1));
  Reopen();
  EXPECT_GT(Now().unapplied_bytes, 1'000u);
  EXPECT_OK(store_->Drain());
  EXPECT_EQ(Now().unapplied_bytes, 0u);
  EXPECT_EQ(Now().write_backs, 1u);
}

TEST_F(MetricsTest, Evictions) {
  SetBudget(16 * kMiB);
  OpenTable();
  for (int i = 0; i < 3'000; ++i) {
    ASSERT_OK(table().Put(KeyOf(i), std::string(8'000, 'v')));
    if (i % 500 == 499) {
      ASSERT_OK(Save(static_cast<uint64_t>(i)));
    }
  }
  const StoreMetrics now = Now();
  EXPECT_GT(now.evictions, 1'000u) << "24 MB in a budget of 16";
  EXPECT_LT(now.evictions, 3'000u);
  EXPECT_LE(now.budget_used_bytes, now.budget_limit_bytes);
}

TEST_F(MetricsTest, Checkpoints) {
  OpenTable();
  EXPECT_FALSE(Now().last_checkpoint.has_value());
  uint64_t log_bytes = 0;
  for (uint64_t id = 1; id <= 3; ++id) {
    EXPECT_OK(table().Put("a", std::to_string(id)));
    const PendingCheckpoint pending = store_->Checkpoint(id).value();
    EXPECT_OK(pending.Wait());
    log_bytes += pending.statistics().log_bytes;
  }
  storage_->plan().Inject({.sticky = true, .operations = kStorageWrites});
  EXPECT_FALSE(Save(4).ok());
  storage_->plan().Clear();
  StoreMetrics now = Now();
  EXPECT_EQ(now.checkpoints_completed, 3u);
  EXPECT_EQ(now.checkpoints_failed, 1u);
  EXPECT_EQ(now.checkpoints_in_flight, 0u);
  EXPECT_EQ(now.log_bytes, log_bytes);
  EXPECT_EQ(now.barrier.count, 4u);
  EXPECT_EQ(now.durable.count, 3u);
  EXPECT_GT(now.barrier.sum, nanoseconds(0));
  EXPECT_GE(now.durable.sum, now.durable.max);
  EXPECT_GE(now.durable.max, now.durable.QuantileBound(0.5));
  EXPECT_GT(now.durable.QuantileBound(0.5), nanoseconds(0));

  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  const PendingCheckpoint fifth = store_->Checkpoint(5).value();
  const PendingCheckpoint sixth = store_->Checkpoint(6).value();
  pause->WaitUntilReached();
  EXPECT_EQ(Now().checkpoints_in_flight, 2u);
  EXPECT_EQ(Now().last_checkpoint->id, 3u);
  pause->Release();
  EXPECT_OK(sixth.Wait());
  now = Now();
  const CheckpointInfo newest = store_->Checkpoints().back();
  EXPECT_EQ(now.checkpoints_in_flight, 0u);
  EXPECT_EQ(now.last_checkpoint->id, 6u);
  EXPECT_EQ(now.last_checkpoint->epoch, newest.epoch);
  EXPECT_EQ(now.last_checkpoint->time, newest.time);

  Reopen();
  EXPECT_EQ(Now().checkpoints_completed, 0u);
  EXPECT_EQ(Now().last_checkpoint->id, 6u) << "what it was restored from";
  EXPECT_EQ(Now().last_checkpoint->time, newest.time);
}

TEST_F(MetricsTest, Maintenance) {
  OpenTable();
  for (int i = 0; i < 100; ++i) EXPECT_OK(table().Put(KeyOf(i), "v"));
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  const StoreMetrics now = Now();
  EXPECT_EQ(now.write_backs, 1u);
  EXPECT_EQ(now.write_back_failures, 0u);
  EXPECT_EQ(now.write_back_records, 100u);
  EXPECT_GT(now.write_back_bytes, 0u);
  EXPECT_GT(now.write_back_time, nanoseconds(0));
  EXPECT_EQ(now.bases_published, 1u) << "links are free here";
  EXPECT_GE(now.base_bytes, now.write_back_bytes);
}

TEST_F(MetricsTest, StallsAreNotRefusals) {
  SetBudget(16 * kMiB);
  OpenTable();
  EXPECT_EQ(table().Put("large", std::string(20 * kMiB, 'v')).name(), "memory-budget");
  EXPECT_EQ(Now().stalls, 0u) << "nothing to wait for: it can never fit";
  for (int i = 0; i < 3'000; ++i) EXPECT_OK(table().Put(KeyOf(i), std::string(8'000, 'v')));
  const StoreMetrics now = Now();
  EXPECT_GE(now.spills, 1u);
  EXPECT_GE(now.stalls, now.spills) << "a write that spills waits for it";
  EXPECT_GE(now.stall_time, now.spill_time);
  EXPECT_GT(now.spill_time.count(), 0);
}

// For ThreadSanitizer above all: everything that the writer and the lanes do, with another thread
// that reads the numbers meanwhile, also through Close.
TEST_F(MetricsTest, AnotherThreadMayPoll) {
  SetBudget(16 * kMiB);
  OpenTable();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> polls{0};
  std::thread poller([&] {
    StoreMetrics last;
    while (!stop.load()) {
      const StoreMetrics now = Now();
      EXPECT_GE(now.hits, last.hits);
      EXPECT_GE(now.hits, now.known_absent_hits);
      EXPECT_GE(now.misses, last.misses);
      EXPECT_GE(now.writes, last.writes);
      EXPECT_GE(now.evictions, last.evictions);
      EXPECT_GE(now.stall_time, last.stall_time);
      EXPECT_GE(now.checkpoints_completed, last.checkpoints_completed);
      EXPECT_GE(now.barrier.count, last.barrier.count);
      EXPECT_GE(now.write_back_bytes, last.write_back_bytes);
      EXPECT_LT(MemoryOf(now), 17 * kMiB);
      last = now;
      polls.fetch_add(1);
    }
  });
  const int rounds = TIDEMARK_SANITIZED ? 4 : 12;
  for (int round = 0; round < rounds; ++round) {
    Table other = Open("table" + std::to_string(round));
    for (int i = 0; i < 500; ++i) {
      ASSERT_OK(table().Put(KeyOf(round * 500 + i), std::string(8'000, 'v')));
      ASSERT_OK(other.Put(KeyOf(i), "v"));
      ASSERT_TRUE(table().Get(KeyOf(i * 7 % (500 * (round + 1)))).has_value());
    }
    ASSERT_TRUE(store_->Checkpoint(static_cast<uint64_t>(round) + 1).has_value());
    ASSERT_OK(table().Delete(KeyOf(round)));
    ASSERT_OK(store_->Rollback());
  }
  ASSERT_OK(store_->Drain());
  ASSERT_OK(store_->Close());
  const uint64_t seen = polls.load();
  while (polls.load() < seen + 2) std::this_thread::yield();
  stop.store(true);
  poller.join();
  EXPECT_EQ(Now().checkpoints_completed, static_cast<uint64_t>(rounds));
}

// Write-back waits to be asked, so closed epochs pile up: writes slow down before they stop.
TEST_F(MetricsTest, WritesSlowDownBeforeTheyStop) {
  store_.reset();
  SetBudget(32 * kMiB);
  options_.write_back_bytes = uint64_t{1} << 30;
  options_.write_back_segments = 4'096;
  options_.stall_timeout = std::chrono::milliseconds(0);
  Open();
  Table table = Open("slow");
  uint64_t id = 0;
  uint64_t unapplied_before = 0;
  for (int i = 0; i < 40 && store_->Metrics().slowdowns == 0; ++i) {
    unapplied_before = store_->Metrics().unapplied_bytes;
    for (int j = 0; j < 1'000; ++j) {
      const std::string key = std::to_string(i) + "/" + std::to_string(j);
      EXPECT_OK(table.Put(key, std::string(1'000, 'v')));
    }
    EXPECT_OK(Save(++id));
  }
  const StoreMetrics metrics = store_->Metrics();
  EXPECT_GT(metrics.slowdowns, 0);
  EXPECT_GT(metrics.slowdown_time.count(), 0);
  EXPECT_GT(unapplied_before, 9 * kMiB) << "not earlier";
  EXPECT_EQ(metrics.stalls, 0);
}

}  // namespace
}  // namespace tidemark::test
