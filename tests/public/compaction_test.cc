// What background compaction does to a repository, seen from outside: the log stays short, every
// retained checkpoint stays what it was, and what was deleted takes no room for long.
#include "storage/repository.h"
#include "storage/verify.h"
#include "tests/public/store_fixture.h"

#include <deque>
#include <filesystem>
#include <fstream>
#include <random>
#include <utility>

namespace tidemark::test {
namespace {

class CompactionTest : public StoreFixture {
 protected:
  CompactionTest() {
    options_.runtime =
        Runtime::Create({.memory_budget_bytes = 64 * kMiB, .background_threads = 0}).value();
    options_.write_back_segments = 4'096;  // so that the log may grow
    options_.keep_last = 1;
    options_.log_merge_segments = 8;
  }

  format::Manifest List() const {
    const auto info = storage::ReadRepositoryInfo(*storage_);
    EXPECT_TRUE(info.has_value()) << info.error().ToString();
    auto reading = storage::ReadManifest(*storage_, info->id, 0);
    EXPECT_TRUE(reading.has_value()) << reading.error().ToString();
    return std::move(reading->manifest);
  }

  size_t LogLength() const { return List().checkpoints.back().segments.size(); }

  // Nothing goes on in the background but what a test asks for: files that it has found in the list
  // are not collected before it looks at them.
  void Maintain(size_t segments_max) const {
    options_.runtime->RunMaintenance();
    EXPECT_LE(LogLength(), segments_max);
  }

  // Checkpoints 1 to 10, of a key each.
  void SaveTen(Table& table) {
    for (uint64_t id = 1; id <= 10; ++id) {
      EXPECT_OK(table.Put(std::to_string(id), "value"));
      ASSERT_OK(Save(id));
    }
  }

  void ExpectAllIntact() const {
    const format::Manifest list = List();
    storage::Verifier verifier(*storage_, list, storage::VerifyLevel::kChecksum);
    for (const format::Checkpoint& checkpoint : list.checkpoints) {
      const storage::VerifyReport report = verifier.Verify(checkpoint);
      for (const Status& finding : report.findings) ADD_FAILURE() << finding.ToString();
    }
  }

  Content ViewOf(uint64_t checkpoint) const {
    ViewOptions options;
    options.checkpoint = checkpoint;
    auto view = store_->OpenView(options);
    EXPECT_TRUE(view.has_value()) << view.error().ToString();
    auto table = view->Table("t");
    EXPECT_TRUE(table.has_value()) << table.error().ToString();
    return ContentOf(*table);
  }

  uint64_t RepositoryBytes() const {
    uint64_t bytes = 0;
    for (const auto& [id, file] : List().files) bytes += file.size;
    return bytes;
  }
};

TEST_F(CompactionTest, ManySmallCheckpointsLeaveAShortLog) {
  Open();
  Table table = Open("t");
  for (uint64_t id = 1; id <= 200; ++id) {
    EXPECT_OK(table.Put("key" + std::to_string(id % 10), std::to_string(id)));
    ASSERT_OK(Save(id));
  }
  Maintain(14);  // at most seven of each of two sizes
  const StoreMetrics metrics = store_->Metrics();
  EXPECT_EQ(metrics.write_backs, 0u);
  EXPECT_GE(metrics.log_merges, 20u);
  ExpectAllIntact();
  Reopen();
  EXPECT_EQ(store_->restored().checkpoint->id, 200u);
  EXPECT_LE(store_->restored().replayed_records, 200u) << "ten keys, in at most 14 segments";
  Table again = Open("t");
  EXPECT_EQ(Read(again).size(), 10u);
  EXPECT_EQ(Read(again, "key9"), "199");
}

// Checkpoints end within merged epochs, before and after them, and all restore exactly.
TEST_F(CompactionTest, Invariant02EveryRetainedCheckpointOutlivesEveryMerge) {
  options_.keep_last = 12;
  options_.log_merge_segments = 3;
  Open();
  Table table = Open("t", {.kind = TableKind::kOrderedBytes});
  std::mt19937 random(7);
  Content now;
  std::map<uint64_t, Content> saved;
  for (uint64_t id = 1; id <= 60; ++id) {
    for (int change = 0; change < 20; ++change) {
      const std::string key = std::to_string(10 + random() % 80);
      if (random() % 3 == 0) {
        EXPECT_OK(table.Delete(key));
        now.erase(key);
      } else {
        now[key] = std::to_string(id);
        EXPECT_OK(table.Put(key, now[key]));
      }
    }
    if (id % 7 == 0) {
      EXPECT_OK(table.DeleteRange({.from = "30", .to = "40"}));
      now.erase(now.lower_bound("30"), now.lower_bound("40"));
    }
    ASSERT_OK(Save(id));
    saved[id] = now;
    if (id == 30) {
      ASSERT_OK(store_->Drain());  // a base in the middle of the retained ones, later
    }
  }
  Maintain(30);
  EXPECT_GT(store_->Metrics().log_merges, 0u);
  ExpectAllIntact();
  for (const uint64_t id : Ids()) EXPECT_EQ(ViewOf(id), saved.at(id)) << "checkpoint " << id;
  // A restore of an older one, and on from there.
  const uint64_t older = Ids()[4];
  Reopen(older);
  table = Open("t", {.kind = TableKind::kOrderedBytes});
  EXPECT_EQ(Read(table), saved.at(older));
  EXPECT_OK(table.Put("99", "branch"));
  ASSERT_OK(Save(older + 1));
  Reopen();
  table = Open("t", {.kind = TableKind::kOrderedBytes});
  saved.at(older)["99"] = "branch";
  EXPECT_EQ(Read(table), saved.at(older));
}

// A live database that stands within merged epochs cannot go on from there: what was created before
// it and deleted after it is no longer told.
TEST_F(CompactionTest, ALiveDatabaseWithinMergedEpochsIsNotReused) {
  options_.log_merge_segments = 3;
  storage_->DenyLinks(true);  // so small a log is not worth a base
  Open();
  Table table = Open("t");
  EXPECT_OK(table.Put("a", "1"));
  ASSERT_OK(Save(1));
  EXPECT_EQ(Read(table, "created"), std::nullopt);  // so it is known to be an insert
  EXPECT_OK(table.Put("created", "2"));
  ASSERT_OK(Save(2));
  ASSERT_OK(store_->Drain());  // the live database stands at epoch 2
  const std::string directory = std::exchange(options_.directory, directory_ / "elsewhere");
  Reopen();
  table = Open("t");
  EXPECT_OK(table.Delete("created"));
  for (uint64_t id = 3; id <= 12; ++id) {
    EXPECT_OK(table.Put("other", std::to_string(id)));
    ASSERT_OK(Save(id));
  }
  Maintain(4);
  options_.directory = directory;
  Reopen();
  EXPECT_FALSE(store_->restored().reused_live_database);
  table = Open("t");
  EXPECT_EQ(Read(table), (Content{{"a", "1"}, {"other", "12"}}));
}

// A merge is the first who reads a segment again. What is damaged there used to fail the store and
// to quarantine its live database, so that the next restore had to fall back: though nothing was
// lost as long as the process lived.
TEST_F(CompactionTest, DamageThatAMergeFindsIsHealedByABase) {
  struct Listener : EventListener {
    void OnCorruption(const Status& status) override { told = status.ToString(); }
    std::string told;
  };
  const auto listener = std::make_shared<Listener>();
  options_.listener = listener;
  options_.inline_segment_bytes_max = 0;
  Open();
  Table table = Open("t");
  ASSERT_NO_FATAL_FAILURE(SaveTen(table));
  const format::Manifest list = List();
  const std::string path = directory_ / ("repository/subtasks/00000/" +
                                         list.files.at(list.checkpoints[0].segments[3]).name);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(40);
  file.put('?');
  file.close();

  options_.runtime->RunMaintenance();
  EXPECT_NE(listener->told.find("segment-checksum"), std::string::npos) << listener->told;
  EXPECT_NE(listener->told.find(path.substr(path.rfind('/'))), std::string::npos);
  EXPECT_EQ(LogLength(), 0u) << "behind the new base";
  ExpectAllIntact();
  EXPECT_OK(table.Put("more", "value"));
  ASSERT_OK(Save(11));
  std::filesystem::remove_all(options_.directory);
  Reopen();
  EXPECT_TRUE(store_->restored().skipped.empty());
  table = Open("t");
  EXPECT_EQ(Read(table).size(), 11u);
}

// Another writer has taken the repository, and collected what this one would merge.
TEST_F(CompactionTest, Invariant04AMergeOfAFencedWriterFindsOutThatItIs) {
  options_.inline_segment_bytes_max = 0;
  Open();
  Table table = Open("t");
  ASSERT_NO_FATAL_FAILURE(SaveTen(table));
  StoreOptions options = options_;
  options.directory = directory_ / "other";
  options.runtime = Runtime::Create({.memory_budget_bytes = 64 * kMiB}).value();
  options.take_over = true;
  auto other = StateStore::Open(options);
  ASSERT_TRUE(other.has_value()) << other.error().ToString();
  ASSERT_OK((*other)->Checkpoint(11).value().Wait());
  ASSERT_OK((*other)->Drain());
  ASSERT_TRUE(List().checkpoints.back().segments.empty()) << "the other one has made a base";

  options_.runtime->RunMaintenance();
  EXPECT_ERROR(table.Put("more", "value"), StatusCode::kFenced, "writer-fenced");
  EXPECT_ERROR(store_->Close(), StatusCode::kFenced, "writer-fenced");
  EXPECT_OK((*other)->Close());
  ExpectAllIntact();
}

// Without background threads nothing happens until the host says so, and everything then; a write
// that lacks memory helps itself.
TEST_F(CompactionTest, TheHostMayRunMaintenanceItself) {
  options_.runtime =
      Runtime::Create({.memory_budget_bytes = 16 * kMiB, .background_threads = 0}).value();
  Open();
  Table table = Open("t");
  for (uint64_t id = 1; id <= 40; ++id) {
    EXPECT_OK(table.Put("key" + std::to_string(id % 10), std::to_string(id)));
    ASSERT_OK(Save(id));
  }
  EXPECT_EQ(LogLength(), 40u);
  options_.runtime->RunMaintenance();
  EXPECT_LE(LogLength(), 14u);
  EXPECT_EQ(store_->Metrics().write_backs, 0u);
  ASSERT_OK(store_->Drain());
  EXPECT_EQ(LogLength(), 0u);
  for (uint64_t id = 41; id <= 80; ++id) {
    for (int i = 0; i < 1'000; ++i)
      ASSERT_OK(table.Put(std::to_string(id) + "-" + std::to_string(i), std::string(1'000, 'v')));
    ASSERT_OK(Save(id));
  }
  EXPECT_GT(store_->Metrics().write_backs, 1u) << "40 MB in 16 MiB";
  Reopen();
  table = Open("t");
  EXPECT_EQ(Read(table).size(), 10u + 40'000u);
}

// Windows come and go: after they have gone, what they took goes too.
TEST_F(CompactionTest, WhatWasDeletedLeavesTheRepository) {
  options_.space_amplification_max = 1.5;
  Open();
  Table table = Open("t");
  std::mt19937_64 random(3);
  std::deque<std::string> keys;
  const auto add = [&](uint64_t id) {
    for (int i = 0; i < 4'000; ++i) {
      keys.push_back(std::to_string(id) + "-" + std::to_string(i));
      std::string value(100, '\0');
      for (char& byte : value) byte = static_cast<char>(random());
      EXPECT_OK(table.Put(keys.back(), value));
    }
  };
  for (uint64_t id = 1; id <= 60; ++id) {
    add(id);
    while (keys.size() > 40'000) {
      EXPECT_OK(table.Delete(keys.front()));
      keys.pop_front();
    }
    ASSERT_OK(Save(id));
  }
  ASSERT_OK(store_->Drain());
  const uint64_t live_bytes = keys.size() * 110;
  EXPECT_LE(RepositoryBytes(), live_bytes * 3 / 2);
  ExpectAllIntact();
  Reopen();
  table = Open("t");
  EXPECT_EQ(Read(table).size(), keys.size());
}

}  // namespace
}  // namespace tidemark::test
