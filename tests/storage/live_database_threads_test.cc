// Views are read from several threads while epochs are applied, and segments are added in one
// thread while another drops and reads them.
#include "tests/storage/live_database_fixture.h"

#include <atomic>
#include <thread>

namespace tidemark::test {
namespace {

constexpr uint64_t kEpochs = TIDEMARK_SANITIZED != 0 ? 30 : 100;

class LiveDatabaseThreadsTest : public LiveDatabaseFixture {
 protected:
  static StateChanges Changes(uint64_t epoch) {
    StateChanges changes;
    for (const uint32_t table : {1, 2}) {
      for (int i = 0; i < 20; ++i) {
        changes[table]["key" + std::to_string(i)] = std::to_string(epoch);
      }
    }
    return changes;
  }
};

TEST_F(LiveDatabaseThreadsTest, Invariant06StateStandsAtAnEpochBoundaryForConcurrentReaders) {
  Open();
  ASSERT_TRUE(ApplyChanges(*database_, Changes(1), MarkAt(1, {1, 2})).ok());
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  const auto read = [&] {
    uint64_t last = 0;
    while (!stop.load()) {
      const auto view = database_->View();
      const std::string expected = std::to_string(view->epoch());
      if (view->epoch() < last || database_->mark().at.epoch < view->epoch()) ++wrong;
      last = view->epoch();
      std::string value;
      for (const uint32_t table : {1, 2}) {
        for (int i = 0; i < 20; ++i) {
          const auto found = view->Get(table, StoredKey("key" + std::to_string(i)), &value);
          if (!found.value_or(false) || format::ParseStoredValue(value).value().value != expected) {
            ++wrong;
          }
        }
      }
      if (options_.block_cache->used_bytes() == 0) ++wrong;
    }
  };
  std::thread first(read);
  std::thread second(read);
  for (uint64_t epoch = 2; epoch <= kEpochs; ++epoch) {
    EXPECT_TRUE(ApplyChanges(*database_, Changes(epoch), MarkAt(epoch, {1, 2})).ok());
  }
  stop.store(true);
  first.join();
  second.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST_F(LiveDatabaseThreadsTest, CommitAndMaintenanceShareTheChangelog) {
  Open();
  std::atomic<uint64_t> added{0};
  std::thread commit([&] {
    for (uint64_t epoch = 1; epoch <= kEpochs; ++epoch) {
      const SstFile file = WriteSegment(MakeSegment(epoch, epoch, {1}, {"a", "b"}));
      EXPECT_TRUE(database_->AddSegments({&file, 1}).ok());
      added.store(epoch);
    }
  });
  uint64_t dropped = 0;
  while (dropped < kEpochs) {
    const uint64_t upto = added.load();
    for (uint64_t epoch = dropped + 1; epoch <= upto; ++epoch) {
      const auto stream = database_->OpenSegment(epoch, 1);
      int records = 0;
      while (stream->Next().value()) ++records;
      EXPECT_EQ(records, 2);
    }
    EXPECT_TRUE(database_->DropSegments(0, upto).ok());
    dropped = upto;
  }
  commit.join();
  EXPECT_EQ(database_->Segments().value().size(), 0u);
}

}  // namespace
}  // namespace tidemark::test
