// What a store promises about its memory: invariant 10 of docs/ARCHITECTURE.md.
#include "tests/store/budget_fixture.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace tidemark::store {
namespace {

using test::StorageOperation;

class BudgetInvariantsTest : public BudgetFixture {};

TEST_F(BudgetInvariantsTest, Invariant10WhatCannotSpillIsRefusedAndChangesNothing) {
  for (int i = 0; i < 100; ++i) ASSERT_EQ(TryPut(i).ToString(), "OK");
  ASSERT_EQ(Save(1).ToString(), "OK");
  ASSERT_EQ(store_->Drain().ToString(), "OK");
  const Content before = Read(*table_);
  Content during = before;
  fs_->plan().Inject({.sticky = true, .error = test::FaultError::kFull, .contains = ".run.sst"});
  Status full;
  for (int i = 0; full.ok(); ++i) {
    ASSERT_LT(i, 10'000);
    full = TryPut(i, 2);
    if (full.ok()) during[KeyOf(i)] = ValueOf(i, 2);
    ExpectBudgetHeld();
  }
  EXPECT_EQ(full.code(), StatusCode::kResourceExhausted) << full.ToString();
  EXPECT_EQ(full.name(), "disk-full");
  EXPECT_TRUE(Read(*table_) == during) << "the refused write changed nothing";
  const auto change = [](void*,
                         const std::optional<std::string_view>&) -> Result<std::string_view> {
    static const std::string large(kMiB, 'x');
    return std::string_view(large);
  };
  EXPECT_EQ(table_->Update("another", change, nullptr).name(), "disk-full");
  EXPECT_EQ(Read(*table_, "another"), std::nullopt);
  EXPECT_EQ(table_->Delete(KeyOf(0)).ToString(), "OK") << "what needs no memory goes on";
  during.erase(KeyOf(0));

  fs_->plan().Clear();
  EXPECT_EQ(table_->Update("another", change, nullptr).ToString(), "OK");
  EXPECT_EQ(store_->Metrics().spills, 1);
  during["another"] = std::string(kMiB, 'x');
  EXPECT_TRUE(Read(*table_) == during);
  ASSERT_EQ(store_->Rollback().ToString(), "OK");
  EXPECT_TRUE(Read(*table_) == before);
  ASSERT_EQ(TryPut(5, 3).ToString(), "OK");
  ASSERT_EQ(Save(2).ToString(), "OK");
  EXPECT_EQ(Read(*table_, KeyOf(5)), ValueOf(5, 3));
}

TEST_F(BudgetInvariantsTest, Invariant10TheBudgetIsHeldInEpochsLargerThanIt) {
  constexpr int kKeys = 9'000;  // 36 MB
  for (int version = 1; version <= 2; ++version) {
    for (int i = 0; i < kKeys; ++i) {
      ASSERT_EQ(TryPut(i, version).ToString(), "OK");
      ExpectBudgetHeld();
    }
    ASSERT_EQ(Save(static_cast<uint64_t>(version)).ToString(), "OK");
  }
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(Read(*table_, KeyOf(i)), ValueOf(i, 2)) << i;
}

// Once: values that grew, and copies of lists that were read, did not count as what the epoch
// holds, so it did not spill and the write was refused.
TEST_F(BudgetInvariantsTest, Invariant10AnEpochSpillsHoweverItGrew) {
  for (int i = 0; i < 300; ++i) ASSERT_EQ(table_->Put(KeyOf(i), "small").ToString(), "OK");
  for (int i = 0; i < 300; ++i) {
    const std::string large(100'000, static_cast<char>('a' + i % 26));
    ASSERT_EQ(table_->Put(KeyOf(i), large).ToString(), "OK") << i;
    ExpectBudgetHeld();
  }
  ASSERT_EQ(Save(1).ToString(), "OK");
  const auto lists = store_->OpenTable("lists", {.kind = TableKind::kList}).value();
  for (int i = 0; i < 600; ++i) {
    ASSERT_EQ(lists->Put(KeyOf(i), std::string(50'000, 'l')).ToString(), "OK");
    if (i % 100 == 99) {
      ASSERT_EQ(Save(static_cast<uint64_t>(i)).ToString(), "OK");
    }
  }
  for (int i = 0; i < 600; ++i) {
    ASSERT_EQ(lists->Append(KeyOf(i), "+").ToString(), "OK") << i;
    ASSERT_EQ(Read(*lists, KeyOf(i))->size(), 50'001) << i;
    ExpectBudgetHeld();
  }
}

// Once: the list of what an epoch has changed takes memory from the system, which a full cache
// gives back by chunks, and there is none without something dirty when changes are spread evenly.
// So every epoch waited for all others to be written back, at a write amplification of 5.4 instead
// of 4.
TEST_F(BudgetInvariantsTest, Invariant10ListsGrowThoughAllChunksHoldSomethingDirty) {
  constexpr int kKeys = 120'000;
  const auto put = [&](int i, int version) {
    return table_->Put(KeyOf(i), std::string(60, static_cast<char>('a' + version))).ToString();
  };
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(put(i, 0), "OK");
  ASSERT_EQ(Save(1).ToString(), "OK");
  ASSERT_EQ(store_->Drain().ToString(), "OK");
  for (int i = 0; i < kKeys; ++i) (void)Read(*table_, KeyOf(i));
  const uint64_t stalls = store_->Metrics().stalls;
  fs_->plan().Inject({.sticky = true, .error = test::FaultError::kIo, .contains = "state"});
  for (int epoch = 2; epoch < 6; ++epoch) {
    for (int i = 0; i < 2'000; ++i) ASSERT_EQ(put(i * 59 + epoch, epoch), "OK");
    ASSERT_EQ(Save(static_cast<uint64_t>(epoch)).ToString(), "OK");
  }
  EXPECT_EQ(store_->Metrics().stalls, stalls) << "nobody waited for write-back";
  fs_->plan().Clear();
}

// Once: a large value that a range delete had emptied in place counted as a small one when it was
// freed, so that its memory counted for good.
TEST_F(BudgetInvariantsTest, Invariant10WhatARangeDeleteEmptiesIsCountedOut) {
  const auto ordered = store_->OpenTable("ordered", {.kind = TableKind::kOrderedBytes}).value();
  uint64_t id = 0;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 300; ++i)
      ASSERT_EQ(ordered->Put(KeyOf(i), std::string(30'000, 'v')).ToString(), "OK");
    ASSERT_EQ(TableCore::DeleteRange(ordered, {}).ToString(), "OK");
    ASSERT_EQ(Save(++id).ToString(), "OK");
    ASSERT_EQ(store_->Drain().ToString(), "OK");
  }
  EXPECT_LT(used(), 6 * kMiB);
}

// Once it said that an error changes nothing but for `memory-budget`, and the disk was full
// halfway.
TEST_F(BudgetInvariantsTest, Invariant10ARangeDeleteThatFailsHalfwayCanGoOn) {
  const int keys = TIDEMARK_SANITIZED ? 160'000 : 200'000;
  const auto ordered = store_->OpenTable("ordered", {.kind = TableKind::kOrderedBytes}).value();
  for (int i = 0; i < keys; ++i) ASSERT_EQ(ordered->Put(KeyOf(i), "v").ToString(), "OK");
  ASSERT_EQ(Save(1).ToString(), "OK");
  ASSERT_EQ(store_->Drain().ToString(), "OK");
  const Content before = Read(*ordered);
  // It has still to show them, so they are deleted one by one.
  const auto scan = TableCore::Scan(ordered, {}).value();
  fs_->plan().Inject({.sticky = true, .error = test::FaultError::kFull, .contains = ".run.sst"});
  EXPECT_EQ(TableCore::DeleteRange(ordered, {}).name(), "disk-full");
  const Content during = Read(*ordered);
  ASSERT_FALSE(during.empty());
  EXPECT_LT(during.size(), before.size());
  EXPECT_TRUE(during == Content(before.find(during.begin()->first), before.end()))
      << "those that come first are gone";

  fs_->plan().Clear();
  EXPECT_EQ(TableCore::DeleteRange(ordered, {}).ToString(), "OK");
  EXPECT_TRUE(Read(*ordered).empty());
  ASSERT_EQ(Save(2).ToString(), "OK");
  EXPECT_TRUE(Read(*ordered).empty());
}

TEST_F(BudgetInvariantsTest, Invariant10TheBudgetIsHeldUnderEviction) {
  const int keys = TIDEMARK_SANITIZED ? 6'000 : 20'000;  // 80 MB
  uint64_t id = 0;
  for (int i = 0; i < keys; ++i) {
    ASSERT_EQ(TryPut(i).ToString(), "OK");
    ExpectBudgetHeld();
    if (i % 300 == 299) Checkpoint(++id);
  }
  ASSERT_EQ(Save(++id).ToString(), "OK");
  for (int i = 0; i < keys; ++i) {
    ASSERT_EQ(Read(*table_, KeyOf(i * 7 % keys)), ValueOf(i * 7 % keys)) << i;
    ExpectBudgetHeld();
  }
}

// Small entries: the index and the lists of changed keys weigh as much as they do.
TEST_F(BudgetInvariantsTest, Invariant10TheBudgetIsHeldWithSmallEntries) {
  const int keys = TIDEMARK_SANITIZED ? 250'000 : 600'000;
  uint64_t id = 0;
  for (int i = 0; i < keys; ++i) {
    ASSERT_EQ(table_->Put(KeyOf(i), "v").ToString(), "OK");
    ExpectBudgetHeld();
    if (i % 20'000 == 19'999) Checkpoint(++id);
  }
  ASSERT_EQ(Save(++id).ToString(), "OK");
  for (int i = 0; i < keys; ++i) {
    ASSERT_EQ(table_->Put("another" + std::to_string(i), "v").ToString(), "OK");
    ExpectBudgetHeld();
  }
  EXPECT_GT(store_->Metrics().spills, 0);
  ASSERT_EQ(store_->Rollback().ToString(), "OK");
  for (int i = 0; i < keys; i += 97) ASSERT_EQ(Read(*table_, KeyOf(i)), "v") << i;
}

// Where chunks are huge, some are ready before anybody needs them: they count, and no store is
// refused memory because of them.
class HugeChunksBudgetTest : public CoreFixture {
 protected:
  static constexpr uint64_t kBudget = MemoryBudget::kHugeChunksBudgetMin;
  HugeChunksBudgetTest() : CoreFixture(kBudget) {}
};

TEST_F(HugeChunksBudgetTest, Invariant10TheBudgetIsHeldWithChunksReady) {
  Open();
  Runtime::Impl& runtime = options_.runtime->impl();
  const std::string value(4'000, 'v');
  uint64_t id = 0;
  const auto put = [&](int keys) {
    for (int i = 0; i < keys; ++i) {
      ASSERT_EQ(table_->Put(KeyOf(i), value).ToString(), "OK");
      ASSERT_LE(options_.runtime->memory_used_bytes(), kBudget);
      if (i % 2'000 == 1'999) {
        ASSERT_EQ(Save(++id).ToString(), "OK");
      }
    }
  };
  put(3'000);
  while (runtime.chunks()->held_bytes() == 0) std::this_thread::yield();
  // What is left to the store and the source, at the end nothing but the store's reserve.
  int64_t neighbour = 0;
  for (const uint64_t left : {48 * kMiB, 24 * kMiB, uint64_t{0}}) {
    const uint64_t free = runtime.budget().free_bytes();
    if (free > left) {
      neighbour += static_cast<int64_t>(free - left);
      runtime.budget().Add(static_cast<int64_t>(free - left));
    }
    ASSERT_LE(options_.runtime->memory_used_bytes(), kBudget);
    put(TIDEMARK_SANITIZED ? 5'000 : 15'000);
  }
  EXPECT_EQ(runtime.chunks()->held_bytes(), 0u);
  runtime.budget().Add(-neighbour);
  put(2'000);
  Close();
  EXPECT_EQ(options_.runtime->memory_used_bytes(), 0u);
}

// Once, an entry that was changed in the place where it lay clean did not ask for room for its line
// in the list of changed ones, which takes a megabyte at a time.
TEST_F(BudgetInvariantsTest, Invariant10TheBudgetIsHeldWhenEntriesChangeInPlace) {
  constexpr int kKeys = TIDEMARK_SANITIZED ? 30'000 : 70'000;
  constexpr int kEpochs = 10;
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_EQ(table_->Put(KeyOf(i), "v").ToString(), "OK");
    if (i % (kKeys / kEpochs) == 0) {
      ASSERT_EQ(Save(static_cast<uint64_t>(i) + 1).ToString(), "OK");
    }
  }
  ASSERT_EQ(Save(kKeys + 1).ToString(), "OK");
  ASSERT_EQ(store_->Drain().ToString(), "OK");
  MemoryBudget& budget = options_.runtime->impl().budget();
  const auto neighbour = static_cast<int64_t>(kBudget - used());
  budget.Add(neighbour);
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_EQ(table_->Put(KeyOf(i), "w").ToString(), "OK") << i;
    ExpectBudgetHeld();
  }
  budget.Add(-neighbour);
}

// A write that waits for memory must be let go by the write-back of an epoch that was still being
// committed when it began to wait. Once the request for that write-back was forgotten then, and the
// write waited for all of stall_timeout.
TEST_F(BudgetInvariantsTest, Invariant10AWriteThatWaitsForACommitInFlightIsLetGo) {
  options_.write_back_bytes = uint64_t{1} << 30;
  options_.write_back_segments = 4'096;
  options_.stall_timeout = std::chrono::seconds(60);
  Close();
  Open();
  const auto pause = storage_->PauseBefore(StorageOperation::kCreateIfAbsent, "manifest/");
  int keys = 0;
  const uint64_t reserve = options_.runtime->impl().budget().reserve_bytes();
  while (used() + reserve + kMiB < kBudget) ASSERT_EQ(TryPut(keys++).ToString(), "OK");
  const auto pending = Checkpoint(1);
  pause->WaitUntilReached();
  std::thread releaser([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    pause->Release();
  });
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(TryPut(i, 2).ToString(), "OK") << i;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(50));
  releaser.join();
  EXPECT_EQ(Wait(*pending).ToString(), "OK");
}

// The epochs of failed checkpoints stay in memory until another one is taken, which the writer does
// itself. Once a write that they left no room for waited for all of stall_timeout all the same, and
// so did the next, as long as the storage was dead.
TEST_F(BudgetInvariantsTest, Invariant10AWriteDoesNotWaitForWhatOnlyACheckpointFrees) {
  options_.inline_segment_bytes_max = 0;
  options_.stall_timeout = std::chrono::hours(1);  // the test would not end
  Close();
  Open();
  storage_->plan().Inject({.sticky = true, .operations = {StorageOperation::kPutFile}});
  uint64_t id = 0;
  Status full;
  int keys = 0;
  for (; full.ok(); ++keys) {
    full = TryPut(keys);
    if (keys % 500 != 499) continue;
    EXPECT_FALSE(Save(++id).ok());
  }
  --keys;
  EXPECT_EQ(full.name(), "memory-budget");
  EXPECT_NE(full.message().find("failed checkpoints"), std::string_view::npos) << full.ToString();
  ExpectBudgetHeld();
  // One that is under way is waited for, and no longer than until it has failed.
  const auto pause = storage_->PauseBefore(StorageOperation::kPutFile, "log/");
  const auto pending = Checkpoint(++id);
  pause->WaitUntilReached();
  std::thread releaser([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    pause->Release();
  });
  EXPECT_EQ(TryPut(keys).name(), "memory-budget");
  releaser.join();
  EXPECT_FALSE(Wait(*pending).ok());

  storage_->plan().Clear();
  ASSERT_EQ(Save(++id).ToString(), "OK") << "and all that failed before";
  for (int i = 0; i < 2 * keys; ++i) {
    ASSERT_EQ(TryPut(i, 2).ToString(), "OK") << i;
    if (i % 500 != 499) continue;
    ASSERT_EQ(Save(++id).ToString(), "OK");
  }
  for (int i = 0; i < 2 * keys; ++i) ASSERT_EQ(Read(*table_, KeyOf(i)), ValueOf(i, 2)) << i;
}

// What makes write-backs wait, and in the end the writer, is in the metrics while it lasts.
TEST_F(BudgetInvariantsTest, WaitsForCompactionAreCounted) {
  fs_->plan().Inject({.sticky = true,
                      .contains = "/state/0",
                      .operations = {test::FileOperation::kAppend}});  // compactions fail
  std::atomic<bool> done{false};
  std::thread repair([&] {
    while (store_->Metrics().compaction_waits == 0 && !done.load())
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(store_->Metrics().compaction_wait_time.count(), 0) << "it goes on";
    fs_->plan().Clear();
  });
  for (uint64_t id = 1; id <= 100 && store_->Metrics().compaction_waits == 0; ++id) {
    ASSERT_EQ(TryPut(1).ToString(), "OK");
    ASSERT_EQ(Save(id).ToString(), "OK");
    (void)store_->Drain();  // a new base is refused after an I/O error
  }
  done.store(true);
  repair.join();
  const StoreMetrics metrics = store_->Metrics();
  EXPECT_GT(metrics.compaction_waits, 0u);
  EXPECT_GT(metrics.compaction_wait_time.count(), 0);
  EXPECT_EQ(metrics.write_back_failures, 0u);
  EXPECT_EQ(store_->Close().ToString(), "OK");
  EXPECT_EQ(store_->Metrics().compaction_waits, metrics.compaction_waits);
}

TEST_F(BudgetInvariantsTest, Invariant10StoresShareOneBudget) {
  StoreOptions second = options_;
  second.directory = directory_ / "second";
  second.storage = storage::OpenLocalDirectoryOn(directory_ / "repository2", fs_).value();
  auto other = StoreCore::Open(second, {fs_}).value();
  auto table = other->OpenTable("t", {}).value();
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(TryPut(i).ToString(), "OK");
    ASSERT_EQ(table->Put(KeyOf(i), ValueOf(i)).ToString(), "OK");
    ExpectBudgetHeld();
  }
  ASSERT_EQ(Save(1).ToString(), "OK");
  const uint64_t both = used();
  ASSERT_EQ(other->Close().ToString(), "OK");
  EXPECT_LT(used(), both - 2 * kMiB);
}

// Once: the indexes of tables that had been evicted kept their memory, until a write was refused
// with nothing left that could be freed.
TEST_F(BudgetInvariantsTest, Invariant10TablesThatNobodyUsesGiveAllTheirMemoryBack) {
  constexpr int kTables = TIDEMARK_SANITIZED != 0 ? 8 : 30;
  for (int t = 0; t < kTables; ++t) {
    const auto table = store_->OpenTable("t" + std::to_string(t), {}).value();
    for (int i = 0; i < 60'000; ++i) {
      const std::string key = "key" + std::to_string(i);
      ASSERT_EQ(table->Put(key, "").ToString(), "OK") << t << ", " << i;
      if (i % 20'000 == 19'999) {
        ASSERT_EQ(Save(++id_).ToString(), "OK");
      }
    }
    ASSERT_EQ(store_->Drain().ToString(), "OK");
    ExpectBudgetHeld();
    ASSERT_LT(store_->Metrics().index_bytes, kBudget / 2);
  }
}

// Once: a store took for the block cache what was its own reserve, again and again, though memory
// was full of what another store held.
TEST_F(BudgetInvariantsTest, Invariant10BlocksTakeNothingOfReserves) {
  StoreOptions second = options_;
  second.directory = directory_ / "second";
  second.storage = storage::OpenLocalDirectoryOn(directory_ / "repository2", fs_).value();
  constexpr int kKeys = 6'000;
  {
    auto other = StoreCore::Open(second, {fs_}).value();
    auto table = other->OpenTable("t", {}).value();
    for (int i = 0; i < kKeys; ++i) {
      ASSERT_EQ(table->Put(KeyOf(i), ValueOf(i)).ToString(), "OK");
      if (i % 500 != 499) continue;
      const auto pending = other->Checkpoint(static_cast<uint64_t>(i), {}).value();
      ASSERT_EQ(Wait(*pending).ToString(), "OK");
    }
    ASSERT_EQ(other->Drain().ToString(), "OK");
    ASSERT_EQ(other->Close().ToString(), "OK");
  }
  FillAndDrain(kKeys);
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(Read(*table_, KeyOf(i)), ValueOf(i));
  auto other = StoreCore::Open(second, {fs_}).value();
  auto table = other->OpenTable("t", {}).value();
  for (int i = 0; i < 20'000; ++i) {
    const int key = i * 7'919 % kKeys;
    ASSERT_EQ(Read(*table, KeyOf(key)), ValueOf(key));
    ExpectBudgetHeld();
  }
  ASSERT_EQ(other->Close().ToString(), "OK");
}

// Memory is full, of entries that nobody asks for any more: what is asked for now takes their
// place, though not when it is read for the first time.
TEST_F(BudgetInvariantsTest, TheCacheFollowsWhatIsAskedFor) {
  constexpr int kKeys = 6'000;
  FillAndDrain(kKeys);
  // Full, whatever write-back has left free.
  for (int i = 1'000; i < kKeys; ++i) ASSERT_EQ(Read(*table_, KeyOf(i)), ValueOf(i));
  // But for what lists and blocks of other sizes have in reserve.
  ASSERT_LT(options_.runtime->impl().budget().free_bytes(),
            kBudget / 64 + 3 * Arena::kSmallChunkBytes);
  const auto misses_of_a_pass = [&] {
    const uint64_t before = store_->Metrics().misses;
    for (int i = 0; i < 1'000; ++i) EXPECT_EQ(Read(*table_, KeyOf(i)), ValueOf(i));
    return store_->Metrics().misses - before;
  };
  EXPECT_EQ(misses_of_a_pass(), 1'000u) << "they went first";
  EXPECT_GT(misses_of_a_pass(), 900u) << "a first reading does not count";
  for (int i = 0; i < 3; ++i) (void)misses_of_a_pass();
  EXPECT_LT(misses_of_a_pass(), 50u);
  ExpectBudgetHeld();
}

// Once, a store that had filled the budget with entries that only it could evict left none to
// others, and their first write was refused.
TEST_F(BudgetInvariantsTest, Invariant10NoStoreStarvesAnother) {
  constexpr int kKeys = 4'000;
  FillAndDrain(kKeys);
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(Read(*table_, KeyOf(i)), ValueOf(i));
  const uint64_t reserve = options_.runtime->impl().budget().reserve_bytes();
  EXPECT_GT(used(), kBudget - reserve - kMiB / 2) << "full, but for what is reserved";

  StoreOptions second = options_;
  second.directory = directory_ / "second";
  second.storage = storage::OpenLocalDirectoryOn(directory_ / "repository2", fs_).value();
  auto other = StoreCore::Open(second, {fs_}).value();
  auto table = other->OpenTable("t", {}).value();
  const auto bytes_of = [](const StoreCore& store) {
    const StoreMetrics metrics = store.Metrics();
    return metrics.cache_bytes + metrics.index_bytes + metrics.free_bytes + metrics.list_bytes;
  };
  // The first one is idle, so its views stay, and the second has to do with its reserve.
  const std::string_view view = table_->Get(KeyOf(kKeys - 1)).value().value();
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_EQ(table->Put(KeyOf(i), ValueOf(i)).ToString(), "OK") << i;
    ExpectBudgetHeld();
    if (i % 20 == 19) {
      const auto pending = other->Checkpoint(static_cast<uint64_t>(i), {}).value();
      ASSERT_EQ(Wait(*pending).ToString(), "OK");
    }
  }
  EXPECT_TRUE(view == ValueOf(kKeys - 1));
  EXPECT_LE(bytes_of(*other), reserve);

  // Both are at work: the memory is shared out.
  uint64_t id = 10'000;
  for (int i = 0; i < 40'000 && bytes_of(*other) < 4 * kMiB; ++i) {
    ASSERT_EQ(Read(*table_, KeyOf(i % kKeys)), ValueOf(i % kKeys));
    ASSERT_EQ(Read(*table, KeyOf(i % 1'000)), ValueOf(i % 1'000));
    ExpectBudgetHeld();
    if (i % 1'000 == 0) {
      ASSERT_EQ(Save(++id).ToString(), "OK");
    }
  }
  EXPECT_GE(bytes_of(*other), 4 * kMiB - uint64_t{80'000}) << "all that it can use";
  EXPECT_GE(bytes_of(*store_), 3 * kMiB);
  for (int i = 0; i < kKeys; ++i) ASSERT_EQ(Read(*table_, KeyOf(i)), ValueOf(i));
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(Read(*table, KeyOf(i)), ValueOf(i));
  ASSERT_EQ(other->Close().ToString(), "OK");
}

}  // namespace
}  // namespace tidemark::store
