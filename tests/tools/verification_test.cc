// Verification beside a writer that drops checkpoints at the worst moment.
#include "tools/verification.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/reading_storage.h"
#include "tests/tools/sample_repository.h"

#include <gtest/gtest.h>

#include <functional>
#include <mutex>

namespace tidemark::test {
namespace {

using storage::VerifyLevel;

// Forwards reads; what a test wants to happen comes before a file's size is asked for.
class InterruptedStorage final : public ReadingStorage {
 public:
  using ReadingStorage::ReadingStorage;

  std::function<void()> before_size_of_segment = [] {};

  Result<uint64_t> Size(std::string_view name) const override {
    const std::lock_guard lock(mutex_);  // files are looked at by several threads
    if (name.find("/log/") != std::string_view::npos) before_size_of_segment();
    return ReadingStorage::Size(name);
  }

 private:
  mutable std::mutex mutex_;
};

class VerificationTest : public ::testing::Test {
 protected:
  VerificationTest() : sample_(path_) {
    sample_.Commit({.id = 1}).Commit({.id = 2, .new_base = true}).Commit({.id = 3});
    storage_ = std::make_shared<InterruptedStorage>(OpenLocalDirectory(path_).value());
    catalog_.storage = storage_;
    catalog_.info = storage::ReadRepositoryInfo(*storage_).value();
  }

  tools::SubtaskFindings Verify(const std::vector<std::string>& ids) {
    std::vector<tools::Selector> selectors;
    selectors.reserve(ids.size());
    for (const std::string& id : ids) selectors.push_back(tools::ParseSelector(id).value());
    tools::Subtask subtask = tools::ReadSubtask(*storage_, catalog_.info, 0);
    tools::Verification verification(catalog_, &subtask, VerifyLevel::kChecksum,
                                     [](const tools::Amount&) {});
    return verification.Run(selectors);
  }
  static std::vector<uint64_t> Checked(const tools::SubtaskFindings& findings) {
    std::vector<uint64_t> ids;
    for (const tools::CheckedCheckpoint& checkpoint : findings.checkpoints)
      ids.push_back(checkpoint.id);
    return ids;
  }

  // Once, as soon as the first segment is looked at: a base that replaces segments 2 and 3, which
  // go.
  void InterruptWithDrop() {
    storage_->before_size_of_segment = [this, done = false]() mutable {
      if (done) return;
      done = true;
      sample_.Commit({.id = 4, .new_base = true, .keep_last = 2});
      sample_.Collect();
    };
  }

  TempDir directory_;
  const std::string path_ = directory_ / "job";
  SampleRepository sample_;
  std::shared_ptr<InterruptedStorage> storage_;
  tools::Catalog catalog_;
};

TEST_F(VerificationTest, LooksVanishedFilesUpInTheNewestList) {
  InterruptWithDrop();
  const tools::SubtaskFindings findings = Verify({});
  EXPECT_FALSE(findings.damaged());
  EXPECT_TRUE(findings.findings.empty());
  EXPECT_TRUE(findings.unanswered.empty());
  // 3 stands on the new base now; 4 came after the question.
  EXPECT_EQ(Checked(findings), (std::vector<uint64_t>{3}));
  EXPECT_EQ(findings.dropped, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(findings.available.checkpoints, 2u);
}

TEST_F(VerificationTest, SaysThatWhatWasAskedForIsGone) {
  InterruptWithDrop();
  const tools::SubtaskFindings findings = Verify({"2"});
  EXPECT_FALSE(findings.damaged());
  ASSERT_EQ(findings.unanswered.size(), 1u);
  EXPECT_EQ(tools::ExitCodeOf(findings.unanswered[0]), tools::ExitCode::kChanged);
}

TEST_F(VerificationTest, IsLeftWithNothingByAWriterThatKeepsNothing) {
  storage_->before_size_of_segment = [this, id = uint64_t{4}]() mutable {
    sample_.Commit({.id = id++, .new_base = true, .keep_last = 1});
    sample_.Collect();
  };
  const tools::SubtaskFindings findings = Verify({});
  EXPECT_FALSE(findings.damaged());
  EXPECT_TRUE(findings.checkpoints.empty());
  EXPECT_EQ(findings.dropped, (std::vector<uint64_t>{1, 2, 3}));
}

TEST_F(VerificationTest, CallsAFileDamagedThatTheNewestListStillNames) {
  const std::string segment = sample_.PathOf(format::FileKind::kSegment, 1);
  storage_->before_size_of_segment = [this, segment, done = false]() mutable {
    if (done) return;
    done = true;
    sample_.Commit({.id = 4});
    std::filesystem::remove(segment);
  };
  const tools::SubtaskFindings findings = Verify({});
  EXPECT_TRUE(findings.damaged());
  ASSERT_EQ(findings.findings.size(), 1u);
  EXPECT_EQ(findings.findings[0].checkpoints, (std::vector<uint64_t>{3, 4}));
  EXPECT_EQ(findings.newest_good, 2u);
}

}  // namespace
}  // namespace tidemark::test
