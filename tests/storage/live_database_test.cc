#include "storage/live_database.h"

#include "tests/storage/live_database_fixture.h"

#include <fstream>
#include <random>

#include <unistd.h>

namespace tidemark::test {
namespace {

using LiveDatabaseTest = LiveDatabaseFixture;

TEST_F(LiveDatabaseTest, FreshOneStandsAtEpochZero) {
  Open();
  EXPECT_EQ(database_->mark(), format::AppliedMark());
  const auto view = database_->View();
  EXPECT_EQ(view->epoch(), 0u);
  std::string value;
  EXPECT_FALSE(view->Get(1, StoredKey("a"), &value).value());
  EXPECT_TRUE(database_->Segments().value().empty());
}

TEST_F(LiveDatabaseTest, ReadsWhatWasApplied) {
  Open();
  Apply(1, {{1, {{"a", "1"}, {"b", ""}}}, {7, {{"a", "seven"}}}});
  ExpectModelAt(1);
  Apply(2, {{1, {{"a", std::nullopt}, {"c", "3"}}}});
  ExpectModelAt(2);

  const auto view = database_->View();
  std::string value = "what was there before";
  EXPECT_TRUE(view->Get(1, StoredKey("b"), &value).value());
  EXPECT_EQ(format::ParseStoredValue(value).value().value, "");
  EXPECT_FALSE(view->Get(1, StoredKey("a"), &value).value());
  EXPECT_FALSE(view->Get(2, StoredKey("a"), &value).value()) << "no such table";
}

TEST_F(LiveDatabaseTest, KeepsExpiryAndExtremeSizes) {
  Open();
  const std::string empty_key(2, '\0');
  const std::string long_key(2 + kKeyBytesMax, 'k');
  const std::string long_value(40'000'000, 'v');
  const auto writer = database_->NewStateFiles(1);
  ASSERT_TRUE(writer->Put(empty_key, "of the empty key", 1234).ok());
  ASSERT_TRUE(writer->Put(long_key, long_value, 0).ok());
  ASSERT_TRUE(database_->Apply({writer->Finish().value()}, MarkAt(1, {1})).ok());

  const auto view = database_->View();
  std::string value;
  ASSERT_TRUE(view->Get(1, empty_key, &value).value());
  const auto parsed = format::ParseStoredValue(value).value();
  EXPECT_EQ(parsed.value, "of the empty key");
  EXPECT_EQ(parsed.expiry_ms, 1234u);
  ASSERT_TRUE(view->Get(1, long_key, &value).value());
  EXPECT_TRUE(format::ParseStoredValue(value).value().value == long_value);
}

TEST_F(LiveDatabaseTest, AppliesAMarkAlone) {
  Open();
  Apply(1, {{1, {{"a", "1"}}}});
  for (uint64_t epoch = 2; epoch < 30; ++epoch) Apply(epoch, {});
  ExpectModelAt(29);
  Reopen();
  ExpectModelAt(29);
}

TEST_F(LiveDatabaseTest, Invariant06StateStandsAtAnEpochBoundaryForEveryView) {
  Open();
  std::vector<std::shared_ptr<const StateView>> views;
  std::vector<StateContent> contents;
  std::mt19937 random(6);
  for (uint64_t epoch = 1; epoch <= 40; ++epoch) {
    StateChanges changes;
    for (uint32_t table = 1; table <= 3; ++table) {
      for (int i = 0; i < 30; ++i) {
        const std::string key = "key" + std::to_string(random() % 100);
        changes[table][key] = random() % 4 == 0
                                  ? std::optional<std::string>()
                                  : std::optional(key + " at " + std::to_string(epoch));
      }
    }
    // And one that comes and goes.
    if (epoch % 10 < 5)
      changes[10 + static_cast<uint32_t>(epoch / 10)]["a"] = std::to_string(epoch);
    std::set<uint32_t> dropped;
    if (epoch % 10 == 5) dropped.insert(10 + static_cast<uint32_t>(epoch / 10));
    Apply(epoch, changes, dropped);
    views.push_back(database_->View());
    contents.push_back(model_);
  }
  // Compactions have run meanwhile, and tables were dropped.
  for (size_t i = 0; i < views.size(); ++i) {
    SCOPED_TRACE("epoch " + std::to_string(i + 1));
    EXPECT_EQ(views[i]->epoch(), i + 1);
    StateContent content = ReadAll(*views[i], {1, 2, 3, 10, 11, 12, 13, 14});
    std::erase_if(content, [](const auto& table) { return table.second.empty(); });
    EXPECT_EQ(content, contents[i]);
  }
  views.clear();
  Reopen();
  ExpectModelAt(40);
}

TEST_F(LiveDatabaseTest, ViewsOutliveTablesThatAreDropped) {
  Open();
  Apply(1, {{1, {{"a", "1"}}}, {2, {{"b", "2"}}}});
  const auto before = database_->View();
  Apply(2, {{3, {{"c", "3"}}}}, {2});
  EXPECT_EQ(ReadAll(*before, {1, 2, 3}),
            (StateContent{{1, {{"a", "1"}}}, {2, {{"b", "2"}}}, {3, {}}}));
  EXPECT_EQ(ReadAll(*database_->View(), {1, 2, 3}),
            (StateContent{{1, {{"a", "1"}}}, {2, {}}, {3, {{"c", "3"}}}}));
}

TEST_F(LiveDatabaseTest, OnlyListedTablesAreRead) {
  Open();
  Apply(1, {{1, {{"a", "1"}}}, {2, {{"b", "2"}}}});
  Apply(2, {}, {2});
  Reopen();
  ExpectModelAt(2);
  EXPECT_TRUE(database_->DropUnlistedTables().ok());
  // Ids are never used again, so what a crash left of a table is not its new content.
  Apply(3, {{4, {{"d", "4"}}}});
  ExpectModelAt(3);
}

TEST_F(LiveDatabaseTest, ScanStopsWhenAsked) {
  Open();
  Apply(1, {{1, {{"a", "1"}, {"b", "2"}, {"c", "3"}}}});
  int seen = 0;
  ASSERT_TRUE(database_->View()->Scan(1, [&](auto, auto) { return ++seen < 2; }).ok());
  EXPECT_EQ(seen, 2);
}

TEST_F(LiveDatabaseTest, WritesSeveralFilesOfTheTargetSize) {
  options_.sst_target_bytes = 64 << 10;
  Open();
  TableChanges changes;
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) changes["key" + std::to_string(i)] = std::to_string(random());
  auto tables = WriteStateFiles(*database_, {{1, changes}}).value();
  ASSERT_EQ(tables.size(), 1u);
  const std::vector<SstFile>& files = tables[0].files;
  ASSERT_GT(files.size(), 3u);
  for (size_t i = 0; i < files.size(); ++i) {
    const auto digest = storage::DigestFile(*options_.fs, files[i].path).value();
    EXPECT_EQ(files[i].size, digest.size);
    EXPECT_EQ(files[i].checksum, digest.checksum);
    EXPECT_EQ(files[i].unique_id.size(), 16u);
    EXPECT_LT(files[i].size, 96u << 10);
    if (i == 0) continue;
    EXPECT_LT(files[i - 1].largest, files[i].smallest);
    EXPECT_NE(files[i - 1].unique_id, files[i].unique_id);
  }
  for (const auto& [key, value] : changes) model_[1][key] = *value;
  ASSERT_TRUE(database_->Apply(std::move(tables), MarkAt(1, {1})).ok());
  ExpectModelAt(1);
  EXPECT_TRUE(FilesIn("tmp").empty()) << "the scratch files are consumed";
}

// A stored key of group 0.
std::string InGroup0(std::string_view key) { return std::string(2, '\0').append(key); }

TEST_F(LiveDatabaseTest, RangeDeletesTakeWhatWasThereAndNothingOfTheirWriter) {
  options_.sst_target_bytes = 1;  // a file ends with the block before its last
  Open();
  const auto old = database_->NewStateFiles(1);
  for (const char* key : {"a", "b", "c", "d", "e"})
    ASSERT_TRUE(old->Put(InGroup0(key), "old", 0).ok());
  ASSERT_TRUE(database_->Apply({old->Finish().value()}, MarkAt(1, {1})).ok());
  const auto writer = database_->NewStateFiles(1);
  const std::string large(20'000, 'n');
  ASSERT_TRUE(writer->Put(InGroup0("aa"), large, 0).ok());
  ASSERT_TRUE(writer->Put(InGroup0("b"), large, 0).ok());
  // The file of "b" has ended.
  ASSERT_TRUE(writer->DeleteRange(InGroup0("b"), InGroup0("e")).ok());
  ASSERT_TRUE(writer->Put(InGroup0("c"), large, 0).ok());
  ASSERT_TRUE(writer->DeleteRange(InGroup0("cc"), InGroup0("dd")).ok());
  TableFiles files = writer->Finish().value();
  ASSERT_EQ(files.files.size(), 2u);
  ASSERT_TRUE(database_->Apply({std::move(files)}, MarkAt(2, {1})).ok());
  model_[1] = {{"a", "old"}, {"aa", large}, {"b", large}, {"c", large}, {"e", "old"}};
  ExpectModelAt(2);
  Reopen();
  ExpectModelAt(2);
}

TEST_F(LiveDatabaseTest, AppendsGoToTheEndOfWhatIsThere) {
  Open();
  Apply(1, {{1, {{"a", "1"}, {"d", "1"}}}});
  for (uint64_t epoch = 2; epoch <= 3; ++epoch) {
    for (const char* key : {"a", "b", "c", "d"}) {
      const auto writer = database_->NewStateFiles(1);
      const std::string bytes = *key == 'b' ? "" : std::to_string(epoch);
      ASSERT_TRUE((*key == 'd' && epoch == 2 ? writer->Delete(StoredKey(key))
                                             : writer->Append(StoredKey(key), bytes))
                      .ok());
      ASSERT_TRUE(database_->Apply({writer->Finish().value()}, MarkAt(epoch, {1})).ok());
    }
  }
  model_[1] = {{"a", "123"}, {"b", ""}, {"c", "23"}, {"d", "3"}};
  ExpectModelAt(3);
  Reopen();
  ExpectModelAt(3);
}

TEST_F(LiveDatabaseTest, AbandonedWritersLeaveNoFiles) {
  options_.sst_target_bytes = 4 << 10;
  Open();
  {
    const auto writer = database_->NewStateFiles(1);
    std::mt19937_64 random(1);
    for (int i = 1000; i < 9999; ++i) {
      ASSERT_TRUE(writer->Put("k" + std::to_string(i), std::to_string(random()), 0).ok());
    }
    EXPECT_GT(FilesIn("tmp").size(), 1u);
  }
  EXPECT_TRUE(FilesIn("tmp").empty());
  EXPECT_TRUE(database_->NewStateFiles(1)->Finish().value().files.empty());
}

TEST_F(LiveDatabaseTest, WriterRefusesKeysOutOfOrderForGood) {
  Open();
  const auto writer = database_->NewStateFiles(1);
  ASSERT_TRUE(writer->Put("kb", "", 0).ok());
  EXPECT_EQ(writer->Put("ka", "", 0).code(), StatusCode::kInternal);
  EXPECT_EQ(writer->Put("kc", "", 0).code(), StatusCode::kInternal);
  EXPECT_EQ(writer->Finish().error().code(), StatusCode::kInternal);
}

TEST_F(LiveDatabaseTest, RefusedApplyChangesNothingAndConsumesItsFiles) {
  Open();
  Apply(5, {{1, {{"a", "1"}}}});
  const StateChanges changes{{1, {{"a", "2"}}}, {2, {{"b", "2"}}}};
  EXPECT_EQ(ApplyChanges(*database_, changes, MarkAt(6, {1})).name(), "apply-unlisted-table");
  EXPECT_EQ(ApplyChanges(*database_, changes, MarkAt(4, {1, 2})).name(), "apply-backwards");
  auto tables = WriteStateFiles(*database_, changes).value();
  std::filesystem::remove(tables[1].files[0].path);
  EXPECT_FALSE(database_->Apply(std::move(tables), MarkAt(6, {1, 2})).ok());
  EXPECT_TRUE(FilesIn("tmp").empty());
  ExpectModelAt(5);
  Apply(6, changes);
  ExpectModelAt(6);
}

TEST_F(LiveDatabaseTest, KeepsLevelZeroShallowUnderManyApplies) {
  Open();
  for (uint64_t epoch = 1; epoch <= 100; ++epoch) {
    StateChanges changes;
    for (int i = 0; i < 50; ++i) changes[1]["key" + std::to_string(i)] = std::to_string(epoch);
    Apply(epoch, changes);
    ASSERT_LT(FilesIn("state").size(), 120u);
  }
  ExpectModelAt(100);
}

// Once RocksDB's estimate was all there was: of a large run on level 0 with a small one over it, it
// has the small one only, so the planner had the whole table rewritten for nothing.
TEST_F(LiveDatabaseTest, ALargeRunIsAliveUnderASmallOne) {
  Open();
  const auto held = database_->View();  // RocksDB leaves the files as they are
  StateChanges large;
  for (int i = 0; i < 5'000; ++i) large[1]["key" + std::to_string(i)] = std::string(100, 'v');
  Apply(1, large);
  const storage::TableShape alone = database_->Shape().tables.at(0);
  EXPECT_EQ(alone.live_bytes, alone.bytes);
  Apply(2, {{1, {{"key0", "small"}, {"key4999", "small"}}}});
  const storage::TableShape covered = database_->Shape().tables.at(0);
  EXPECT_GT(covered.bytes, alone.bytes);
  EXPECT_GE(covered.live_bytes, alone.bytes);
}

TEST_F(LiveDatabaseTest, SaysWhoHoldsIt) {
  Open();
  const auto second = LiveDatabase::Open(options_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), StatusCode::kBusy);
  EXPECT_EQ(second.error().name(), "live-locked");
  EXPECT_NE(second.error().message().find(options_.directory + "/LOCK"), std::string_view::npos);
  EXPECT_NE(second.error().message().find(std::to_string(getpid())), std::string_view::npos);
  EXPECT_TRUE(storage::IsLocked(options_.directory + "/LOCK"));
  database_.reset();
  EXPECT_FALSE(storage::IsLocked(options_.directory + "/LOCK"));
  Open();
}

TEST_F(LiveDatabaseTest, IsReadyWhenSaidAndNotAfterQuarantine) {
  const std::string ready = options_.directory + "/READY";
  Open();
  EXPECT_FALSE(std::filesystem::exists(ready));
  EXPECT_TRUE(database_->Retract().ok());
  EXPECT_TRUE(database_->MarkReady().ok());
  EXPECT_TRUE(std::filesystem::exists(ready));
  EXPECT_TRUE(database_->Retract().ok());
  EXPECT_FALSE(std::filesystem::exists(ready));
  EXPECT_TRUE(database_->MarkReady().ok());
  Reopen();
  EXPECT_TRUE(std::filesystem::exists(ready));
  EXPECT_TRUE(database_->Quarantine().ok());
  EXPECT_FALSE(std::filesystem::exists(ready));
  EXPECT_TRUE(database_->MarkReady().ok());
  EXPECT_FALSE(std::filesystem::exists(ready)) << "what was found damaged stays so";
}

TEST_F(LiveDatabaseTest, EmptiesItsTemporariesWhenOpened) {
  Open();
  EXPECT_NE(database_->TemporaryPath(".a"), database_->TemporaryPath(".a"));
  std::filesystem::create_directories(database_->TemporaryPath(".base") + "/deep");
  std::ofstream(database_->TemporaryPath(".sst")) << "left over";
  // What a link in there points to is not ours.
  const std::string elsewhere = temporary_ / "elsewhere";
  std::filesystem::create_directory(elsewhere);
  std::ofstream(elsewhere + "/kept") << "kept";
  std::filesystem::create_directory_symlink(elsewhere, database_->TemporaryPath(".link"));
  Reopen();
  EXPECT_TRUE(FilesIn("tmp").empty());
  EXPECT_TRUE(std::filesystem::exists(elsewhere + "/kept"));
}

TEST_F(LiveDatabaseTest, NeverTakesRemainsForAnEmptyDatabase) {
  Open();
  Apply(1, {{1, {{"a", "1"}}}});
  database_.reset();
  std::filesystem::remove(options_.directory + "/state/CURRENT");
  const auto opened = LiveDatabase::Open(options_);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code(), StatusCode::kCorruption);
  EXPECT_EQ(opened.error().name(), "live-current-missing");
  EXPECT_FALSE(FilesIn("state").empty());
}

TEST_F(LiveDatabaseTest, ReportsMissingFilesAsCorruption) {
  Open();
  Apply(1, {{1, {{"a", "1"}}}});
  database_.reset();
  for (const std::string& path : FilesIn("state")) {
    if (path.ends_with(".sst")) std::filesystem::remove(path);
  }
  const auto opened = LiveDatabase::Open(options_);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code(), StatusCode::kCorruption) << opened.error().ToString();
}

TEST_F(LiveDatabaseTest, CountsItsMemory) {
  Open();
  Apply(1, {{1, {{"a", "1"}}}});
  std::string value;
  ASSERT_TRUE(database_->View()->Get(1, StoredKey("a"), &value).value());
  EXPECT_GT(options_.block_cache->used_bytes(), 0u);
  EXPECT_LT(options_.block_cache->used_bytes(), options_.block_cache->capacity_bytes());
}

}  // namespace
}  // namespace tidemark::test
