// What a store promises about its cache and its barrier: invariants 7 and 8 of
// docs/ARCHITECTURE.md.
#include "tests/store/allocation_counter.h"
#include "tests/store/budget_fixture.h"

#include <chrono>
#include <fstream>
#include <string>

namespace tidemark::store {
namespace {

using test::StorageOperation;

class CacheInvariantsTest : public BudgetFixture {};

TEST_F(CacheInvariantsTest, Invariant07AnEntryLeavesTheCacheOnlyWhenRocksDbHoldsIt) {
  // One write is to be refused; those at the end are not, however slow the machine is.
  options_.stall_timeout = std::chrono::seconds(3);
  Close();
  Open();
  // An epoch that cannot become durable, and as much again in the next one.
  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  int keys = 0;
  for (; keys < 1'500; ++keys) ASSERT_EQ(TryPut(keys).ToString(), "OK");
  const auto pending = Checkpoint(1);
  pause->WaitUntilReached();
  Status full;
  for (; full.ok(); ++keys) full = TryPut(keys);
  --keys;
  EXPECT_EQ(full.code(), StatusCode::kResourceExhausted) << full.ToString();
  EXPECT_EQ(full.name(), "memory-budget");
  ASSERT_GT(keys, 2'000);
  ExpectBudgetHeld();
  // Reads ask for room for what they bring in; none of what RocksDB lacks may go for them.
  for (int i = 0; i < 3'000; ++i)
    ASSERT_EQ(Read(*table_, "absent" + std::to_string(i)), std::nullopt);
  EXPECT_GE(table_->index().size(), static_cast<size_t>(keys));
  for (int i = 0; i < keys; ++i) ASSERT_EQ(Read(*table_, KeyOf(i)), ValueOf(i)) << i;
  EXPECT_EQ(Read(*table_, KeyOf(keys)), std::nullopt) << "the refused one changed nothing";

  pause->Release();
  EXPECT_EQ(Wait(*pending).ToString(), "OK");
  ASSERT_EQ(Save(2).ToString(), "OK");
  ASSERT_EQ(store_->Drain().ToString(), "OK");
  // Now they may.
  for (int i = keys; i < keys + 3'000; ++i) {
    ASSERT_EQ(TryPut(i).ToString(), "OK");
    if (i % 500 == 0) {
      ASSERT_EQ(Save(static_cast<uint64_t>(i)).ToString(), "OK");
    }
  }
  EXPECT_LT(table_->index().size(), static_cast<size_t>(keys) + 3'000);
  for (int i = 0; i < keys + 3'000; ++i) ASSERT_EQ(Read(*table_, KeyOf(i)), ValueOf(i)) << i;
}

// Once: versions that were written while the epoch of the ones before was being released stayed in
// memory for good, and their memory was never counted out. Blocks are counted and not chunks: how
// many chunks the blocks of one key each are spread over depends on how far background work was
// behind.
TEST_F(CacheInvariantsTest, Invariant10RewritingAllKeysEveryEpochDoesNotGrow) {
  options_.write_back_segments = 1;
  Close();
  Open();
  const auto rewrite = [&](uint64_t id) {
    for (int i = 0; i < 5'000; ++i) Put(KeyOf(i), std::string(100, 'v'));
    // The base follows the write-back, so the epoch has been applied; each write releases some more
    // of it.
    const auto pause = storage_->PauseBefore(StorageOperation::kPutFile, "base/");
    ASSERT_EQ(Save(id).ToString(), "OK");
    pause->WaitUntilReached();
    for (int i = 0; i < 3'000; ++i) Put(KeyOf(i), std::string(100, 'w'));
    pause->Release();
  };
  const auto allocated_when_settled = [&](uint64_t id) {
    EXPECT_EQ(Save(id).ToString(), "OK");
    EXPECT_EQ(store_->Drain().ToString(), "OK");
    return store_->arena().allocated_bytes();
  };
  uint64_t id = 0;
  while (id < 5) rewrite(++id);
  const uint64_t before = allocated_when_settled(++id);
  for (int round = 0; round < 25; ++round) rewrite(++id);
  EXPECT_EQ(allocated_when_settled(++id), before) << "one version a key, and the index";
}

// ---- The barrier ----

// Of this thread, by the kernel's account.
struct ThreadIo {
  uint64_t read_calls = 0;
  uint64_t write_calls = 0;

  static ThreadIo Now() {
    std::ifstream file("/proc/thread-self/io");
    ThreadIo io;
    std::string name;
    uint64_t value = 0;
    while (file >> name >> value) {
      if (name == "syscr:") io.read_calls = value;
      if (name == "syscw:") io.write_calls = value;
    }
    return io;
  }
};

TEST_F(CacheInvariantsTest, Invariant08TheBarrierReadsAndWritesNothing) {
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(TryPut(i).ToString(), "OK");
  (void)ThreadIo::Now();  // the first time costs more: sanitizers look at new types through a pipe
  // What looking costs.
  const ThreadIo first = ThreadIo::Now();
  const ThreadIo second = ThreadIo::Now();
  const auto pending = Checkpoint(1);
  const ThreadIo third = ThreadIo::Now();
  EXPECT_EQ(third.read_calls - second.read_calls, second.read_calls - first.read_calls);
  EXPECT_EQ(third.write_calls - second.write_calls, second.write_calls - first.write_calls);
  EXPECT_EQ(Wait(*pending).ToString(), "OK");
}

// Each call of the storage and of the file system is held up in turn; barriers go on meanwhile.
TEST_F(CacheInvariantsTest, Invariant08TheBarrierWaitsForNoIo) {
  options_.inline_segment_bytes_max = 0;
  options_.write_back_segments = 1;
  Close();
  Open();
  uint64_t id = 0;
  for (const auto& [operation, name] : {std::pair(StorageOperation::kPutFile, "log/"),
                                        std::pair(StorageOperation::kCreateIfAbsent, "manifest/"),
                                        std::pair(StorageOperation::kPutFile, "base/"),
                                        std::pair(StorageOperation::kPutFile, "log/")}) {
    SCOPED_TRACE(name);
    const auto pause = storage_->PauseBefore(operation, name);
    std::vector<std::shared_ptr<CheckpointTicket>> pending;
    ASSERT_EQ(TryPut(1, static_cast<int>(id % 20)).ToString(), "OK");
    pending.push_back(Checkpoint(++id));
    pause->WaitUntilReached();
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i) {
      ASSERT_EQ(TryPut(i).ToString(), "OK");
      pending.push_back(Checkpoint(++id));
    }
    // It would be forever if one of them waited.
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
    pause->Release();
    for (const auto& one : pending) EXPECT_EQ(Wait(*one).ToString(), "OK");
  }
}

TEST_F(CacheInvariantsTest, Invariant08TheBarrierAllocatesByTablesNotByKeys) {
  if (!CountsAllocations()) GTEST_SKIP() << "sanitizers have allocators of their own";
  uint64_t id = 0;
  const auto barrier = [&](int keys) {
    for (int i = 0; i < keys; ++i) EXPECT_TRUE(table_->Put("small" + std::to_string(i), "v").ok());
    const AllocationCounter counter;
    const auto ticket = Checkpoint(++id);
    const std::pair took(counter.allocations(), counter.bytes());
    EXPECT_EQ(Wait(*ticket).ToString(), "OK");
    return took;
  };
  (void)barrier(10);
  const auto [few, few_bytes] = barrier(10);
  const auto [many, many_bytes] = barrier(80'000);
  EXPECT_LE(many, few + 4);
  // One list for the next epoch's changes is made ready, of bounded size.
  EXPECT_LE(many_bytes, few_bytes + (uint64_t{64} << 10) * sizeof(void*) + 4'096);
  EXPECT_LT(few_bytes, 16'384u);
}

}  // namespace
}  // namespace tidemark::store
