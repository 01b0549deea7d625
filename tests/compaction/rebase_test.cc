#include "compaction/rebase.h"

#include "tests/storage/live_database_fixture.h"
#include "tests/storage/repository_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::test {
namespace {

using compaction::UploadedBase;

// A live database and the repository that its bases go to.
class RebaseTest : public LiveDatabaseFixture {
 protected:
  void SetUp() override { OpenBoth(); }

  // Whether links work is found out here.
  void OpenBoth() {
    Reopen();
    writer_.reset();
    storage_ = std::make_shared<FaultStorage>(
        storage::OpenLocalDirectoryOn(temporary_ / "repository", fs_).value());
    writer_.emplace(storage::Repository::Open({.storage = storage_}).value());
  }

  storage::Repository& repository() { return writer_->repository(); }
  format::EpochIdentity At(uint64_t epoch) {
    return {repository().attempt(), repository().writer(), epoch};
  }

  // Epoch `epoch` is committed as the checkpoint of this id and applied.
  void CommitAndApply(uint64_t epoch, const StateChanges& changes) {
    const Status committed = writer_->Commit(epoch, {.keep_last = keep_last_});
    ASSERT_TRUE(committed.ok()) << committed.ToString();
    for (const auto& [id, table] : changes) {
      for (const auto& [key, value] : table) {
        value ? void(model_[id][key] = *value) : void(model_[id].erase(key));
      }
    }
    const Status applied = ApplyChanges(*database_, changes, {At(epoch), Tables()});
    ASSERT_TRUE(applied.ok()) << applied.ToString();
  }

  Result<UploadedBase> Upload(const std::function<bool(uint64_t bytes)>& may_put = nullptr) {
    return compaction::UploadBase(*database_, repository(), repository().attempt(), &uploads_,
                                  &obsolete_, may_put);
  }
  // Whether the base could be named.
  Result<bool> Publish(const UploadedBase& uploaded) {
    TIDEMARK_RETURN_IF_ERROR(repository().Prepare());
    format::ManifestEdit edit;
    if (!compaction::AddBase(uploaded, repository().manifest(), &edit)) {
      EXPECT_EQ(edit, format::ManifestEdit());
      return false;
    }
    TIDEMARK_RETURN_IF_ERROR(repository().Publish(std::move(edit), {}));
    uploads_.clear();
    return true;
  }
  uint64_t BytesToPut() {
    return compaction::BytesToPut(database_->Shape(), repository().manifest(), uploads_);
  }
  static uint64_t FreshSstBytesOf(const UploadedBase& uploaded) {
    uint64_t bytes = 0;
    for (const auto& [name, file] : uploaded.fresh)
      bytes += file.kind == format::FileKind::kBaseSst ? file.size : 0;
    return bytes;
  }
  void Rebase() {
    const auto uploaded = Upload();
    ASSERT_TRUE(uploaded.has_value()) << uploaded.error().ToString();
    const auto published = Publish(*uploaded);
    ASSERT_TRUE(published.has_value()) << published.error().ToString();
    EXPECT_TRUE(*published);
  }

  // What a database that is made of the base's files holds.
  StateContent ContentOf(const format::Manifest& list, const format::Base& base) {
    const std::string directory = temporary_ / ("restored." + std::to_string(++restored_));
    std::filesystem::create_directories(directory + "/state");
    for (const format::BaseFile& file : base.files) {
      const format::FileMeta& meta = list.files.at(file.file);
      const std::string path = directory + "/state/" + file.live_name;
      EXPECT_TRUE(storage_->Fetch(repository().ObjectName(meta.name), path, false).has_value());
      const auto digest = storage::DigestFile(*fs_, path).value();
      EXPECT_EQ(digest.size, meta.size);
      EXPECT_EQ(digest.checksum, meta.checksum) << meta.name;
    }
    EXPECT_TRUE(storage::WriteFileDurably(*fs_, directory + "/state/CURRENT", base.current).ok());
    const auto restored = LiveDatabase::Open({.directory = directory, .fs = fs_});
    EXPECT_TRUE(restored.has_value()) << restored.error().ToString();
    EXPECT_EQ((*restored)->mark().at, base.at);
    return ReadAll(*(*restored)->View(), (*restored)->mark().tables);
  }
  void ExpectNewestBaseIsTheState() {
    const format::Manifest list = repository().manifest();
    EXPECT_EQ(format::CheckManifest(list).ToString(), "OK");
    const format::Base& base = list.bases.at(list.checkpoints.back().base);
    EXPECT_EQ(base.at, database_->mark().at);
    EXPECT_EQ(ContentOf(list, base), model_);
    EXPECT_TRUE(FilesIn("tmp").empty());
  }

  static size_t SstsOf(const UploadedBase& uploaded) {
    return static_cast<size_t>(
        std::count_if(uploaded.base.files.begin(), uploaded.base.files.end(),
                      [](const auto& file) { return file.live_name.ends_with(".sst"); }));
  }
  size_t SstsOfNewestBase() {
    const format::Manifest list = repository().manifest();
    return SstsOf({list.bases.at(list.checkpoints.back().base), {}, 0});
  }

  // Names of what was put since the recording began.
  std::set<std::string> PutSinceRecording(std::string_view ending) {
    std::set<std::string> names;
    for (const auto& [operation, name] : storage_->plan().recorded()) {
      if (operation == StorageOperation::kPutFile && name.ends_with(ending)) names.insert(name);
    }
    return names;
  }

  std::shared_ptr<FaultStorage> storage_;
  std::optional<TestWriter> writer_;
  compaction::UploadCache uploads_;
  std::vector<std::string> obsolete_;
  size_t keep_last_ = 100;
  int restored_ = 0;
};

StateChanges Filled(uint32_t table, const std::string& prefix, int keys) {
  StateChanges changes;
  for (int i = 0; i < keys; ++i) changes[table][prefix + std::to_string(i)] = prefix;
  return changes;
}

TEST_F(RebaseTest, ABaseIsTheStateAsOfItsEpoch) {
  CommitAndApply(1, Filled(1, "a", 300));
  CommitAndApply(2, {{1, {{"a1", std::nullopt}, {"a2", "changed"}}}, {2, {{"", ""}}}});
  Rebase();
  ExpectNewestBaseIsTheState();
}

TEST_F(RebaseTest, FilesAreCopiedWhereLinksAreDenied) {
  fs_->DenyLinks(true);
  OpenBoth();
  storage_->DenyLinks(true);
  CommitAndApply(1, Filled(1, "a", 300));
  Rebase();
  ExpectNewestBaseIsTheState();
  CommitAndApply(2, Filled(2, "b", 300));
  Rebase();
  ExpectNewestBaseIsTheState();
  for (const std::string& path : FilesIn("state"))
    EXPECT_EQ(std::filesystem::hard_link_count(path), 1u) << path;
}

TEST_F(RebaseTest, TheEmptyStateIsABaseToo) {
  CommitAndApply(1, {});
  Rebase();
  ExpectNewestBaseIsTheState();
}

TEST_F(RebaseTest, CheckpointsFromItsEpochOnMoveThere) {
  CommitAndApply(1, Filled(1, "a", 10));
  CommitAndApply(2, Filled(1, "b", 10));
  const auto uploaded = Upload();
  ASSERT_TRUE(uploaded.has_value());
  ASSERT_TRUE(writer_->Commit(3).ok());  // a checkpoint on its way meanwhile
  ASSERT_TRUE(Publish(*uploaded).value());
  const format::Manifest list = repository().manifest();
  ASSERT_EQ(list.checkpoints.size(), 3u);
  EXPECT_EQ(list.checkpoints[0].base, 0u);
  EXPECT_EQ(list.checkpoints[0].segments.size(), 1u);
  EXPECT_NE(list.checkpoints[1].base, 0u);
  EXPECT_TRUE(list.checkpoints[1].segments.empty());
  EXPECT_EQ(list.checkpoints[2].base, list.checkpoints[1].base);
  EXPECT_EQ(list.checkpoints[2].segments.size(), 1u);
}

// RocksDB rewrites a file of the last level as soon as no view needs its sequence numbers any more,
// at a moment of its own choice; a view from before the file keeps it as it is.
TEST_F(RebaseTest, PutsOnlySstsThatTheNewestBaseLacks) {
  const auto held = database_->View();
  CommitAndApply(1, Filled(1, "a", 1'000));
  Rebase();
  const auto before = repository().manifest();
  CommitAndApply(2, Filled(2, "b", 1'000));
  storage_->plan().Record();
  Rebase();
  ExpectNewestBaseIsTheState();
  EXPECT_EQ(PutSinceRecording(".sst").size(), 2u) << "the table's file and the mark's";
  const auto after = repository().manifest();
  const auto& files = after.bases.at(after.checkpoints.back().base).files;
  const auto shared = std::count_if(files.begin(), files.end(), [&](const format::BaseFile& file) {
    return before.files.contains(file.file);
  });
  EXPECT_EQ(shared, 2) << "the first table's file, and the mark's that has been overwritten";
}

TEST_F(RebaseTest, WhatItWillPutIsKnownBeforeItRuns) {
  const auto held = database_->View();  // see above
  CommitAndApply(1, Filled(1, "a", 1'000));
  const uint64_t all = BytesToPut();
  EXPECT_EQ(all, FreshSstBytesOf(Upload().value()));
  EXPECT_GT(all, 0u);
  EXPECT_EQ(BytesToPut(), 0u) << "what an unpublished base has put is there";
  Rebase();
  EXPECT_EQ(BytesToPut(), 0u);
  CommitAndApply(2, Filled(2, "b", 100));
  const uint64_t some = BytesToPut();
  EXPECT_GT(some, 0u);
  EXPECT_LT(some, all);
  const UploadedBase uploaded = Upload().value();
  EXPECT_EQ(some, FreshSstBytesOf(uploaded));
  EXPECT_TRUE(Publish(uploaded).value());
  EXPECT_EQ(BytesToPut(), 0u);
}

TEST_F(RebaseTest, WhatAFailedOneHasPutIsNotPutAgain) {
  const auto held = database_->View();  // see above
  CommitAndApply(1, Filled(1, "a", 100));
  CommitAndApply(2, Filled(2, "b", 100));
  CommitAndApply(3, Filled(3, "c", 100));
  storage_->plan().Inject(
      {.call = 3, .contains = ".sst", .operations = {StorageOperation::kPutFile}});
  storage_->plan().Record();
  const auto failed = Upload();
  EXPECT_EQ(failed.error().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(FilesIn("tmp").empty());
  storage_->plan().Clear();
  ASSERT_EQ(PutSinceRecording(".sst").size(), 3u) << "with the one that failed";
  EXPECT_EQ(uploads_.size(), 2u);

  storage_->plan().Record();
  Rebase();
  ExpectNewestBaseIsTheState();
  EXPECT_EQ(PutSinceRecording(".sst").size(), SstsOfNewestBase() - 2);
}

// The first SST that RocksDB lists is the applied mark's, which each write-back replaces: a base
// that was put off after one file copied that one again and again, and got no further; and what it
// had copied in vain stayed in the repository.
TEST_F(RebaseTest, EachTryGetsFurtherAndKeepsNothingThatWasReplaced) {
  const auto held = database_->View();  // see above
  uint64_t epoch = 0;
  for (const uint32_t table : {1, 2, 3}) CommitAndApply(++epoch, Filled(table, "a", 100));
  std::set<std::string> put;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    int files = 0;
    const auto failed = Upload([&](uint64_t) { return files++ == 0; });
    EXPECT_EQ(failed.error().name(), "rebase-interrupted");
    EXPECT_EQ(uploads_.size(), static_cast<size_t>(attempt)) << "one more of those that are there";
    for (const auto& [key, file] : uploads_) put.insert(file.name);
    CommitAndApply(++epoch, Filled(1, "b" + std::to_string(attempt), 1));
  }
  EXPECT_EQ(put.size(), uploads_.size()) << "none was replaced";
  EXPECT_TRUE(obsolete_.empty());

  for (int attempt = 1;
       !Upload([&, files = 0](uint64_t) mutable { return files++ < 3; }).has_value(); ++attempt) {
    for (const auto& [key, file] : uploads_) put.insert(file.name);
    CommitAndApply(++epoch, Filled(1, "c" + std::to_string(attempt), 1));
    ASSERT_LT(attempt, 100);
  }
  for (const auto& [key, file] : uploads_) put.insert(file.name);
  EXPECT_EQ(put.size(), uploads_.size() + obsolete_.size());
  EXPECT_FALSE(obsolete_.empty()) << "marks, and copies of RocksDB's MANIFEST";
  for (const std::string& name : obsolete_)
    EXPECT_FALSE(std::any_of(uploads_.begin(), uploads_.end(),
                             [&](const auto& upload) { return upload.second.name == name; }));
  Rebase();
  ExpectNewestBaseIsTheState();
}

// Copies of RocksDB's MANIFEST used to be put anew with every try, up to a megabyte each, into a
// repository that was full.
TEST_F(RebaseTest, TriesThatCannotBePublishedPutNothingMore) {
  const auto held = database_->View();  // see above
  CommitAndApply(1, Filled(1, "a", 100));
  storage_->plan().Inject({.sticky = true,
                           .error = FaultError::kFull,
                           .operations = {StorageOperation::kCreateIfAbsent}});
  storage_->plan().Record();
  const size_t files = SstsOf(Upload().value()) + 2;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto failed = Publish(Upload().value());
    EXPECT_EQ(failed.error().code(), StatusCode::kResourceExhausted);
  }
  EXPECT_EQ(PutSinceRecording("").size(), files) << "with MANIFEST and OPTIONS";
  storage_->plan().Clear();
  Rebase();
  ExpectNewestBaseIsTheState();
  EXPECT_EQ(PutSinceRecording("").size(), files);
}

// Its scratch files are links to all of the state, and copies where there are no links.
TEST_F(RebaseTest, ScratchFilesThatCannotBeRemovedGoWithTheNextTry) {
  CommitAndApply(1, Filled(1, "a", 100));
  fs_->plan().Inject({.sticky = true,
                      .error = FaultError::kFull,
                      .contains = "/tmp/",
                      .operations = {FileOperation::kSync, FileOperation::kDelete}});
  for (int attempt = 0; attempt < 3; ++attempt)
    EXPECT_EQ(Upload().error().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(FilesIn("tmp").size(), 3u);
  fs_->plan().Clear();
  Rebase();
  ExpectNewestBaseIsTheState();
}

TEST_F(RebaseTest, AnUploadThatFailsNamesNothing) {
  CommitAndApply(1, Filled(1, "a", 100));
  const format::Manifest before = repository().manifest();
  for (uint64_t call = 1; call <= 4; ++call) {
    uploads_.clear();
    storage_->plan().Inject(
        {.call = call, .error = FaultError::kFull, .operations = {StorageOperation::kPutFile}});
    const auto failed = Upload();
    if (storage_->plan().fired() == 0) break;
    EXPECT_EQ(failed.error().code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(repository().manifest(), before);
  }
  storage_->plan().Clear();
  Rebase();
  ExpectNewestBaseIsTheState();
}

// A commit dropped the last checkpoint of the base whose files the new one shares.
TEST_F(RebaseTest, ABaseWhoseSharedFilesHaveGoneIsNotNamed) {
  const auto held = database_->View();  // see above
  CommitAndApply(1, Filled(1, "a", 100));
  Rebase();
  CommitAndApply(2, Filled(2, "b", 100));
  auto uploaded = Upload();
  ASSERT_TRUE(uploaded.has_value());
  ASSERT_TRUE(std::any_of(uploaded->base.files.begin(), uploaded->base.files.end(),
                          [](const format::BaseFile& file) { return file.file != 0; }));
  format::Manifest list = repository().manifest();
  for (const format::BaseFile& file : uploaded->base.files) list.files.erase(file.file);
  format::ManifestEdit edit;
  EXPECT_FALSE(compaction::AddBase(*uploaded, list, &edit));
  EXPECT_EQ(edit, format::ManifestEdit());
}

TEST_F(RebaseTest, IdsFollowThoseOfTheEditThatItJoins) {
  CommitAndApply(1, Filled(1, "a", 10));
  const auto uploaded = Upload().value();
  const format::Manifest list = repository().manifest();
  format::ManifestEdit edit;
  format::FileMeta segment;
  segment.id = list.next_file_id + 4;
  edit.files_added.push_back(segment);
  ASSERT_TRUE(compaction::AddBase(uploaded, list, &edit));
  uint64_t previous = 0;
  for (const format::FileMeta& file : edit.files_added) {
    EXPECT_GT(file.id, previous);
    previous = file.id;
  }
  EXPECT_EQ(edit.files_added.size(), 1 + uploaded.fresh.size());
  EXPECT_EQ(edit.rebase_to, list.next_base_id);
  for (const format::BaseFile& file : edit.bases_added[0].files) {
    EXPECT_GT(file.file, segment.id) << "all files of a first base are new";
  }
}

TEST_F(RebaseTest, FilesSayWhichKeyGroupsTheyHold) {
  CommitAndApply(1, {{1, {{"a", "1"}, {"b", "2"}}}});
  Rebase();
  const auto group = [](const std::string& key) {
    return format::KeyGroupOf(format::HashKey(key), 128);
  };
  const std::pair<uint16_t, uint16_t> groups = std::minmax({group("a"), group("b")});
  bool found = false;
  for (const auto& [id, file] : repository().manifest().files) {
    if (file.kind != format::FileKind::kBaseSst || file.last_group == 0) continue;
    found = true;
    EXPECT_EQ(file.first_group, groups.first);
    EXPECT_EQ(file.last_group, groups.second);
    EXPECT_EQ(file.range_tombstones, 0u);
    EXPECT_EQ(file.sst_unique_id.size(), 16u);
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace tidemark::test
