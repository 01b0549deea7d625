// Every file operation that changes something fails, in turn, under Open, Apply, the changelog and
// the export. Whatever was reported as done is there afterwards; whatever was not is there whole or
// not at all; and nothing aborts. A live database that an error left unfit is refused as
// Corruption, never read wrongly: it is disposable.
#include "tests/storage/live_database_fixture.h"

#include <chrono>
#include <functional>
#include <thread>

namespace tidemark::test {
namespace {

struct FaultKind {
  const char* name;
  FileFault fault;
};
const FaultKind kFaultKinds[] = {
    {"once", {}},
    {"from then on, disk full", {.sticky = true, .error = FaultError::kFull}},
    {"answer lost", {.answer_lost = true}},
};
// Sanitizers look at every third place.
constexpr uint64_t kStride = TIDEMARK_SANITIZED != 0 ? 3 : 1;

class LiveDatabaseFaultTest : public LiveDatabaseFixture {
 protected:
  static StateChanges Changes(uint64_t epoch) {
    StateChanges changes;
    for (int i = 0; i < 20; ++i) {
      changes[1]["key" + std::to_string(i)] = "at " + std::to_string(epoch);
    }
    changes[2]["key"] = std::to_string(epoch);
    return changes;
  }
  static format::AppliedMark Mark(uint64_t epoch) { return MarkAt(epoch, {1, 2}); }
  static StateContent Content(uint64_t epoch) {
    StateContent content;
    for (const auto& [table, changes] : Changes(epoch)) {
      for (const auto& [key, value] : changes) content[table][key] = *value;
    }
    return content;
  }

  // A directory that stands at epoch 3, with segments 4 and 5. `runs` sorted runs a table: with
  // three of them the next epoch makes RocksDB merge them, which then fails beside what is tried.
  void PrepareTemplate(uint64_t runs = 2) {
    Open();
    for (uint64_t epoch = 4 - runs; epoch <= 3; ++epoch) {
      ASSERT_TRUE(ApplyChanges(*database_, Changes(epoch), Mark(epoch)).ok());
    }
    const std::vector<SstFile> files{WriteSegment(MakeSegment(4, 4, {1}, {"a"})),
                                     WriteSegment(MakeSegment(5, 5, {1}, {"b"}))};
    ASSERT_TRUE(database_->AddSegments(files).ok());
    database_.reset();
    std::filesystem::rename(options_.directory, temporary_ / "template");
  }
  void CopyTemplate() {
    database_.reset();
    std::filesystem::remove_all(options_.directory);
    std::filesystem::copy(temporary_ / "template", options_.directory,
                          std::filesystem::copy_options::recursive);
  }

  // Runs `step` on a fresh copy with each of its operations failing, until none is left to fail;
  // `check` gets its outcome and the database reopened, if it can be.
  void FailEach(const FaultKind& kind, const std::function<Status()>& step,
                const std::function<void(const Status&)>& check) {
    for (uint64_t call = 1;; call += kStride) {
      SCOPED_TRACE(std::string(kind.name) + ", call " + std::to_string(call));
      ASSERT_LT(call, 500u);
      CopyTemplate();
      Open();
      FileFault fault = kind.fault;
      fault.call = call;
      fs_->plan().Inject(fault);
      const Status status = step();
      const bool fired = fs_->plan().fired() != 0;
      database_.reset();
      fs_->plan().Clear();
      auto reopened = LiveDatabase::Open(options_);
      if (reopened.has_value()) {
        database_ = *std::move(reopened);
        check(status);
      } else {
        EXPECT_EQ(reopened.error().code(), StatusCode::kCorruption) << reopened.error().ToString();
        EXPECT_FALSE(status.ok()) << "was said to be done; " << reopened.error().ToString();
        ++refused_;
      }
      if (HasFatalFailure() || HasNonfatalFailure()) return;
      if (!fired) {
        EXPECT_TRUE(status.ok()) << status.ToString();
        return;
      }
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::kUnavailable ||
                  status.code() == StatusCode::kResourceExhausted)
          << status.ToString();
    }
  }

  static void WaitFor(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  std::vector<uint64_t> SegmentEpochs() {
    std::vector<uint64_t> epochs;
    const auto headers = database_->Segments().value();
    for (const auto& header : headers) epochs.push_back(header.last_epoch);
    return epochs;
  }

  int refused_ = 0;
};

TEST_F(LiveDatabaseFaultTest, Invariant06StateStandsAtAnEpochBoundaryAfterAnyFailedApply) {
  PrepareTemplate();
  for (const FaultKind& kind : kFaultKinds) {
    const auto apply = [&] {
      const Status status = ApplyChanges(*database_, Changes(4), Mark(4));
      // Readers see the one or the other, also before the database is opened again.
      EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(status.ok() ? 4 : 3));
      EXPECT_EQ(database_->mark(), Mark(status.ok() ? 4 : 3));
      return status;
    };
    FailEach(kind, apply, [&](const Status& status) {
      const uint64_t epoch = database_->mark().at.epoch;
      EXPECT_TRUE(epoch == 4 || (epoch == 3 && !status.ok())) << epoch;
      EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(epoch));
      ASSERT_TRUE(ApplyChanges(*database_, Changes(5), Mark(5)).ok());
      EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(5));
    });
    if (HasFailure()) return;
  }
  RecordProperty("refused", refused_);
}

// The story: an epoch was applied, and reopening refused the directory. RocksDB 7.8 deletes what a
// compaction has written when it cannot tell whether the MANIFEST says so, and here it did. The
// directory is disposable: it may be lost as a whole, but not be read wrongly.
TEST_F(LiveDatabaseFaultTest, CompactionInDoubtIsAsItWasOrRefusedAsAWhole) {
  PrepareTemplate(3);
  bool fired = true;
  for (uint64_t call = 1; fired; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    ASSERT_LT(call, 500u);
    CopyTemplate();
    const size_t files = FilesIn("state").size();
    Open();
    fs_->plan().Inject({.call = call, .contains = "/MANIFEST-", .answer_lost = true});
    const Status status = ApplyChanges(*database_, Changes(4), Mark(4));
    WaitFor([&] { return fs_->plan().fired() > 0 || FilesIn("state").size() < files; });
    if (HasFailure()) return;
    fired = fs_->plan().fired() > 0;
    database_.reset();
    fs_->plan().Clear();
    auto reopened = LiveDatabase::Open(options_);
    if (!reopened.has_value()) {
      EXPECT_EQ(reopened.error().code(), StatusCode::kCorruption) << reopened.error().ToString();
      ++refused_;
      continue;
    }
    database_ = *std::move(reopened);
    const uint64_t epoch = database_->mark().at.epoch;
    EXPECT_TRUE(epoch == 4 || (epoch == 3 && !status.ok())) << epoch;
    EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(epoch));
  }
  RecordProperty("refused", refused_);
}

TEST_F(LiveDatabaseFaultTest, AppliesAgainWhenTheDiskHasRoomAgain) {
  PrepareTemplate();
  for (uint64_t call = 1;; call += kStride) {
    SCOPED_TRACE("call " + std::to_string(call));
    CopyTemplate();
    Open();
    fs_->plan().Inject({.call = call, .sticky = true, .error = FaultError::kFull});
    const Status status = ApplyChanges(*database_, Changes(4), Mark(4));
    const bool fired = fs_->plan().fired() != 0;
    fs_->plan().Clear();
    if (!fired) break;
    if (status.ok()) continue;
    EXPECT_EQ(status.name(), "disk-full") << status.ToString();
    const Status again = ApplyChanges(*database_, Changes(4), Mark(4));
    ASSERT_TRUE(again.ok()) << again.ToString();
    EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(4));
    Reopen();
    EXPECT_EQ(database_->mark(), Mark(4));
  }
}

// RocksDB can make a column family, durably, and then fail to open its directory. Nobody got a
// handle to that family, and it used to be in the way of every later try.
TEST_F(LiveDatabaseFaultTest, MakesTablesAgainThatFailedHalfWay) {
  for (const FaultKind& kind : kFaultKinds) {
    for (uint64_t call = 1;; call += kStride) {
      SCOPED_TRACE(std::string(kind.name) + ", call " + std::to_string(call));
      ASSERT_LT(call, 500u);
      database_.reset();
      std::filesystem::remove_all(options_.directory);
      Open();
      FileFault fault = kind.fault;
      fault.call = call;
      fs_->plan().Inject(fault);
      const Status status = ApplyChanges(*database_, Changes(1), Mark(1));
      const bool fired = fs_->plan().fired() != 0;
      fs_->plan().Clear();
      if (!fired) break;
      if (!status.ok()) {
        const Status again = ApplyChanges(*database_, Changes(1), Mark(1));
        ASSERT_TRUE(again.ok()) << again.ToString();
      }
      for (uint64_t epoch = 2; epoch <= 3; ++epoch)
        ASSERT_TRUE(ApplyChanges(*database_, Changes(epoch), Mark(epoch)).ok());
      EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(3));
      Reopen();
      EXPECT_EQ(database_->mark(), Mark(3));
      EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(3));
      if (HasFailure()) return;
    }
  }
}

// The story: RocksDB 7.8 stops after a compaction that failed, and after its recovery ingested
// under file number 0.
TEST_F(LiveDatabaseFaultTest, AppliesWhileCompactionsFailAndAfterwards) {
  Open();
  fs_->plan().Inject({.sticky = true,
                      .error = FaultError::kFull,
                      .contains = "/state/0",
                      .operations = {FileOperation::kAppend}});
  for (uint64_t epoch = 1; epoch <= 18; ++epoch) {
    ASSERT_TRUE(ApplyChanges(*database_, Changes(epoch), Mark(epoch)).ok());
    if (epoch == 14) WaitFor([&] { return fs_->plan().fired() > 0; });
  }
  EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(18));
  fs_->plan().Clear();
  const size_t files = FilesIn("state").size();
  WaitFor([&] { return FilesIn("state").size() < files; });
  ASSERT_TRUE(ApplyChanges(*database_, Changes(19), Mark(19)).ok());
  EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(19));
  const auto set = database_->ExportFileSet(nullptr);
  ASSERT_TRUE(set.has_value()) << set.error().ToString();
  database_->ReleaseFileSet(*set);
  Reopen();
  EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(19));
}

TEST_F(LiveDatabaseFaultTest, WaitsForCompactionOnlySoLong) {
  options_.compaction_patience = std::chrono::milliseconds(50);
  Open();
  fs_->plan().Inject(
      {.sticky = true, .contains = "/state/0", .operations = {FileOperation::kAppend}});
  Status status;
  uint64_t epoch = 0;
  while (status.ok() && epoch < 100) {
    ++epoch;
    status = ApplyChanges(*database_, Changes(epoch), Mark(epoch));
  }
  EXPECT_GT(epoch, 20u);
  EXPECT_LT(epoch, 25u);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(status.name(), "compaction-behind");
  EXPECT_EQ(database_->compaction_waits().begun, 1u);
  EXPECT_GE(database_->compaction_waits().time, options_.compaction_patience);
  EXPECT_NE(status.message().find("Input/output error"), std::string_view::npos)
      << status.ToString();
  EXPECT_EQ(database_->mark().at.epoch, epoch - 1);
  EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(epoch - 1));
  EXPECT_TRUE(FilesIn("tmp").empty());

  fs_->plan().Clear();
  options_.compaction_patience = std::chrono::seconds(60);
  Reopen();
  EXPECT_TRUE(ApplyChanges(*database_, Changes(epoch), Mark(epoch)).ok());
}

TEST_F(LiveDatabaseFaultTest, MakesNoBaseOfAManifestInDoubt) {
  Open();
  ASSERT_TRUE(ApplyChanges(*database_, Changes(1), Mark(1)).ok());
  fs_->plan().Inject({.contains = "/MANIFEST-"});
  ASSERT_EQ(ApplyChanges(*database_, Changes(2), Mark(2)).name(), "io-error");
  const auto refused = database_->ExportFileSet(nullptr);
  ASSERT_FALSE(refused.has_value());
  EXPECT_FALSE(database_->Shape().exportable);
  EXPECT_EQ(refused.error().name(), "file-set-unsettled");
  EXPECT_EQ(refused.error().code(), StatusCode::kUnavailable);
  ASSERT_TRUE(ApplyChanges(*database_, Changes(3), Mark(3)).ok());
  EXPECT_TRUE(database_->Shape().exportable);
  const auto set = database_->ExportFileSet(nullptr);
  ASSERT_TRUE(set.has_value()) << set.error().ToString();
  EXPECT_EQ(set->mark, Mark(3));
  // Nothing holds files any more either: what compactions replace goes.
  database_->ReleaseFileSet(*set);
  for (uint64_t epoch = 4; epoch <= 60; ++epoch) {
    ASSERT_TRUE(ApplyChanges(*database_, Changes(epoch), Mark(epoch)).ok());
  }
  EXPECT_LT(FilesIn("state").size(), 80u);
}

TEST_F(LiveDatabaseFaultTest, SegmentsComeAndGoWholeOrNotAtAll) {
  PrepareTemplate();
  for (const FaultKind& kind : kFaultKinds) {
    const auto add = [&]() -> Status {
      std::vector<SstFile> files;
      for (const uint64_t epoch : {6, 7}) {
        TIDEMARK_ASSIGN_OR_RETURN(
            SstFile file, storage::WriteSegmentFile(options_.fs, database_->TemporaryPath(".sst"),
                                                    MakeSegment(epoch, epoch, {1}, {"c"})));
        files.push_back(std::move(file));
      }
      return database_->AddSegments(files);
    };
    FailEach(kind, add, [&](const Status& status) {
      const auto epochs = SegmentEpochs();
      if (status.ok() || epochs.size() != 2) {
        EXPECT_EQ(epochs, (std::vector<uint64_t>{4, 5, 6, 7}));
      }
    });
    FailEach(
        kind, [&] { return database_->DropSegments(0, 5); },
        [&](const Status& status) {
          const auto epochs = SegmentEpochs();
          if (status.ok() || epochs.empty()) {
            EXPECT_TRUE(epochs.empty());
          } else {
            EXPECT_EQ(epochs, (std::vector<uint64_t>{4, 5}));
          }
          ASSERT_TRUE(database_->DropSegments(0, 5).ok());
          EXPECT_TRUE(SegmentEpochs().empty());
        });
    if (HasFailure()) return;
  }
}

TEST_F(LiveDatabaseFaultTest, ExportChangesNothing) {
  PrepareTemplate();
  for (const FaultKind& kind : kFaultKinds) {
    const auto export_files = [&]() -> Status {
      TIDEMARK_ASSIGN_OR_RETURN(const storage::FileSet set, database_->ExportFileSet(nullptr));
      EXPECT_EQ(set.mark, Mark(3));
      database_->ReleaseFileSet(set);
      return {};
    };
    FailEach(kind, export_files, [&](const Status&) {
      EXPECT_TRUE(FilesIn("tmp").empty());
      EXPECT_EQ(database_->mark(), Mark(3));
      EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(3));
      EXPECT_EQ(SegmentEpochs(), (std::vector<uint64_t>{4, 5}));
    });
    if (HasFailure()) return;
  }
  EXPECT_EQ(refused_, 0);
}

TEST_F(LiveDatabaseFaultTest, OpenFailsOrOpensTheSame) {
  PrepareTemplate();
  for (const FaultKind& kind : kFaultKinds) {
    for (uint64_t call = 1;; call += kStride) {
      SCOPED_TRACE(std::string(kind.name) + ", call " + std::to_string(call));
      ASSERT_LT(call, 500u);
      CopyTemplate();
      FileFault fault = kind.fault;
      fault.call = call;
      fs_->plan().Inject(fault);
      auto opened = LiveDatabase::Open(options_);
      const bool fired = fs_->plan().fired() != 0;
      if (opened.has_value()) {
        EXPECT_EQ(ReadAll(*(*opened)->View(), {1, 2}), Content(3));
        if ((*opened)->MarkReady().ok()) {
          EXPECT_TRUE(std::filesystem::exists(options_.directory + "/READY"));
        }
        opened->reset();
      }
      fs_->plan().Clear();
      Open();
      ASSERT_EQ(database_->mark(), Mark(3));
      EXPECT_EQ(ReadAll(*database_->View(), {1, 2}), Content(3));
      EXPECT_EQ(SegmentEpochs(), (std::vector<uint64_t>{4, 5}));
      if (HasFailure()) return;
      if (!fired) break;
    }
  }
}

}  // namespace
}  // namespace tidemark::test
