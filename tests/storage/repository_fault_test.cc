// Every file operation of opening, publishing and collecting fails once, in turn, and from then on,
// in turn. Afterwards a reader finds exactly the checkpoints that were acknowledged (one whose
// outcome is unknown may be there too), all of their files are intact, and the repository can be
// written to.
#include "tests/storage/repository_fixture.h"

#include <filesystem>
#include <functional>
#include <optional>

namespace tidemark::test {
namespace {

// Sanitizers look for other things, and are slow.
constexpr uint64_t kStride = TIDEMARK_SANITIZED ? 3 : 1;
constexpr uint64_t kPrepared = 12;  // checkpoints in the prepared repository

struct FaultKind {
  const char* name;
  FileFault fault;
};
const FaultKind kFaultKinds[] = {
    {"once", {}},
    {"from then on", {.sticky = true}},
    {"answer lost", {.answer_lost = true}},
};

// What a step has brought about: the checkpoints that were acknowledged, and what the list may be
// instead, one edit on, because the outcome of that edit is unknown.
struct Progress {
  std::vector<uint64_t> acknowledged;
  std::vector<std::vector<uint64_t>> in_doubt;
};

class RepositoryFaultTest : public RepositoryFixture {
 protected:
  // A repository whose writer was killed with much left to collect.
  void PrepareTemplate() {
    TestWriter writer = Open();
    ASSERT_TRUE(writer.CommitRange(1, kPrepared - 1, {.inlined = false, .keep_last = 6}).ok());
    ASSERT_TRUE(writer.Commit(kPrepared, {.keep_last = 6, .rebase = true}).ok());
    std::filesystem::rename(directory_ / "repository", directory_ / "template");
  }
  void CopyTemplate() {
    std::filesystem::remove_all(directory_ / "repository");
    std::filesystem::copy(directory_ / "template", directory_ / "repository",
                          std::filesystem::copy_options::recursive);
    Reopen();
  }
  static std::vector<uint64_t> PreparedIds() { return Range(kPrepared - 5, kPrepared); }

  static std::vector<uint64_t> With(std::vector<uint64_t> ids, uint64_t id) {
    ids.push_back(id);
    return ids;
  }

  // Runs `step` with each call of the file system (of these operations, every `stride`th) failing
  // in turn, until it needs fewer calls than that.
  void ForEveryCall(const std::function<void()>& before, const std::function<Progress()>& step,
                    const std::set<FileOperation>& operations = {}, uint64_t stride = 1) {
    for (const FaultKind& kind : kFaultKinds) {
      uint64_t fired = 1;
      for (uint64_t call = 1; fired > 0; call += stride * kStride) {
        SCOPED_TRACE(std::string(kind.name) + ", call " + std::to_string(call));
        before();
        FileFault fault = kind.fault;
        fault.call = call;
        fault.operations = operations;
        fs_->plan().Inject(fault);
        const Progress progress = step();
        fired = fs_->plan().fired();
        fs_->plan().Clear();
        ExpectConsistent(progress);
        if (HasFailure()) return;
      }
    }
  }

  static void Expect(const std::vector<uint64_t>& found, const Progress& progress) {
    const auto& in_doubt = progress.in_doubt;
    if (std::find(in_doubt.begin(), in_doubt.end(), found) == in_doubt.end()) {
      EXPECT_EQ(found, progress.acknowledged);
    }
  }

  // As after a crash: the handle is gone, a reader looks, and a successor takes over.
  void ExpectConsistent(const Progress& progress) {
    Reopen();
    if (!progress.acknowledged.empty()) {
      const auto reading = Read();
      ASSERT_TRUE(reading.has_value()) << reading.error().ToString();
      EXPECT_TRUE(reading->damaged.empty());
      Expect(Ids(reading->manifest), progress);
      ExpectIntact(reading->manifest);
    }
    auto opened = TryOpen();
    ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
    TestWriter writer(*std::move(opened));
    std::vector<uint64_t> ids = Ids(writer->manifest());
    Expect(ids, progress);
    ASSERT_TRUE(writer->DeleteLeftovers().ok());
    ASSERT_TRUE(writer.Commit(1000, {.inlined = false}).ok());
    ASSERT_TRUE(writer.Collect().ok());
    ids.push_back(1000);
    EXPECT_EQ(ReadIds(), ids);
    ExpectIntact(writer->manifest());
  }
};

TEST_F(RepositoryFaultTest, CreatingARepository) {
  ForEveryCall(
      [&] {
        std::filesystem::remove_all(directory_ / "repository");
        Reopen();
      },
      [&] {
        const auto opened = TryOpen();
        EXPECT_TRUE(opened || opened.error().code() == StatusCode::kUnavailable ||
                    opened.error().code() == StatusCode::kResourceExhausted)
            << opened.error().ToString();
        return Progress{};
      });
}

TEST_F(RepositoryFaultTest, OpeningOneWhoseWriterWasKilled) {
  PrepareTemplate();
  ForEveryCall([&] { CopyTemplate(); },
               [&] {
                 const auto opened = TryOpen();
                 EXPECT_TRUE(opened || opened.error().code() != StatusCode::kInternal);
                 return Progress{PreparedIds(), {}};
               });
}

// Publishes until something fails, and crashes there.
TEST_F(RepositoryFaultTest, PublishingAndCrashingAtTheFirstFailure) {
  PrepareTemplate();
  std::optional<TestWriter> writer;
  ForEveryCall(
      [&] {
        writer.reset();
        CopyTemplate();
        writer.emplace(Open());
      },
      [&] {
        Progress progress{PreparedIds(), {}};
        for (uint64_t id = kPrepared + 1; id <= kPrepared + 2; ++id) {
          if (!writer->Commit(id, {.inlined = id % 2 == 0}).ok()) {
            progress.in_doubt.push_back(With(progress.acknowledged, id));
            break;
          }
          progress.acknowledged.push_back(id);
        }
        writer.reset();
        return progress;
      });
}

// Publishes on after a failure, with the same handle.
TEST_F(RepositoryFaultTest, Invariant11PublishingOnAfterAFailure) {
  PrepareTemplate();
  std::optional<TestWriter> writer;
  ForEveryCall(
      [&] {
        writer.reset();
        CopyTemplate();
        writer.emplace(Open());
      },
      [&] {
        Progress progress{PreparedIds(), {}};
        bool failed = false;
        for (uint64_t id = kPrepared + 1; id <= kPrepared + 4; ++id) {
          const uint64_t attempt = writer->repository().attempt();
          if (!writer->Commit(id, {.inlined = id % 2 == 0}).ok()) {
            progress.in_doubt.push_back(With(progress.acknowledged, id));
            failed = true;
            continue;
          }
          EXPECT_TRUE(failed || attempt == writer->repository().attempt());
          failed = false;
          progress.acknowledged.push_back(id);
          progress.in_doubt.clear();
          EXPECT_EQ(ReadIds(), progress.acknowledged);
          EXPECT_EQ(Read().value().manifest, writer->repository().manifest());
        }
        writer.reset();
        return progress;
      });
}

TEST_F(RepositoryFaultTest, SaysThatTheDiskIsFullAndGoesOnWhenItIsNot) {
  TestWriter writer = Open();
  ASSERT_TRUE(writer.Commit(1).ok());
  fs_->plan().Inject({.sticky = true, .error = FaultError::kFull});
  for (const bool inlined : {true, false, true}) {
    const Status full = writer.Commit(2, {.inlined = inlined});
    EXPECT_EQ(full.code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(full.name(), "disk-full");
  }
  fs_->plan().Clear();
  ASSERT_TRUE(writer.Commit(2).ok());
  EXPECT_EQ(ReadIds(), Range(1, 2));
  EXPECT_EQ(Read().value().manifest, writer->manifest());
}

class RepositoryCollectFaultTest : public RepositoryFaultTest {
 protected:
  // A live writer with enough edits behind it for a new snapshot.
  void PrepareWriter() {
    writer_.reset();
    CopyTemplate();
    writer_.emplace(Open());
    for (int edits = 0; edits < 33; ++edits)
      ASSERT_TRUE(writer_->repository().Publish({}, {}).ok());
  }

  // Drops, writes a snapshot, adopts it, and deletes what both made superfluous; crashes at a
  // failure.
  Progress Collect() {
    Progress progress{PreparedIds(), {}};
    for (uint64_t id = kPrepared + 1; id <= kPrepared + 2; ++id) {
      if (!writer_->repository().DeleteLeftovers().ok() || !writer_->Collect().ok()) break;
      if (!writer_->Commit(id, {.inlined = false, .keep_last = 2, .rebase = true}).ok()) {
        progress.in_doubt = {Range(id - 1, id)};
        break;
      }
      progress.acknowledged = Range(id - 1, id);
    }
    writer_.reset();
    return progress;
  }

  std::optional<TestWriter> writer_;
};

TEST_F(RepositoryCollectFaultTest, Invariant03CrashingWhileWritingWhatReplacesTheOld) {
  PrepareTemplate();
  using enum FileOperation;
  ForEveryCall([&] { PrepareWriter(); }, [&] { return Collect(); },
               {kCreate, kAppend, kSync, kClose, kLink});
}

TEST_F(RepositoryCollectFaultTest, Invariant03CrashingWhileDeletingTheOld) {
  PrepareTemplate();
  ForEveryCall([&] { PrepareWriter(); }, [&] { return Collect(); },
               {FileOperation::kDelete, FileOperation::kSyncDirectory}, 5);
}

}  // namespace
}  // namespace tidemark::test
