// A process that applies epochs as fast as it can is killed with SIGKILL, again and again. What it
// leaves is one epoch, whole, and a changelog that follows it without a gap.
#include "tests/storage/live_database_fixture.h"
#include "tests/test_paths.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

namespace tidemark::test {
namespace {

constexpr int kRounds = TIDEMARK_SANITIZED != 0 ? 8 : 20;

class LiveDatabaseCrashTest : public LiveDatabaseFixture {
 protected:
  // Kills the writer `after` it has made its database ready.
  void RunAndKill(std::chrono::milliseconds after) {
    const std::string ready = options_.directory + "/READY";
    std::filesystem::remove(ready);
    std::string program = TIDEMARK_PROGRAM_LIVE_DATABASE_WRITER;
    char* arguments[] = {program.data(), options_.directory.data(), nullptr};
    pid_t writer = 0;
    ASSERT_EQ(posix_spawn(&writer, program.c_str(), nullptr, nullptr, arguments, environ), 0);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!std::filesystem::exists(ready) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::this_thread::sleep_for(after);
    kill(writer, SIGKILL);
    int outcome = 0;
    waitpid(writer, &outcome, 0);
    ASSERT_TRUE(WIFSIGNALED(outcome)) << "the writer ended by itself";
  }

  // What epoch `epoch` holds, as live_database_writer.cc says.
  static StateContent ContentAt(uint64_t epoch) {
    StateContent content;
    for (int i = 0; i < 50; ++i) {
      content[1]["key" + std::to_string(i)] = std::to_string(epoch);
      content[2]["key" + std::to_string(i)] = std::to_string(epoch);
    }
    content[1]["only-" + std::to_string(epoch)] = "";
    content[100 + static_cast<uint32_t>(epoch / 10)]["key"] = std::to_string(epoch);
    return content;
  }
};

TEST_F(LiveDatabaseCrashTest, Invariant06StateStandsAtAnEpochBoundaryAfterEveryKill) {
  std::mt19937 random(20);
  uint64_t last = 0;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    RunAndKill(std::chrono::milliseconds(random() % 150));
    Open();
    const uint64_t epoch = database_->mark().at.epoch;
    EXPECT_GE(epoch, last);
    last = epoch;
    if (epoch > 0) {
      model_ = ContentAt(epoch);
      ExpectModelAt(epoch);
    }
    const auto segments = database_->Segments();
    ASSERT_TRUE(segments.has_value()) << segments.error().ToString();
    ASSERT_FALSE(segments->empty());
    // The one at the mark may not have been dropped yet.
    EXPECT_LE(segments->front().last_epoch, epoch + 1);
    EXPECT_GE(segments->back().last_epoch, epoch + 1);
    for (size_t i = 0; i < segments->size(); ++i) {
      const uint64_t at = (*segments)[i].last_epoch;
      EXPECT_EQ(at, segments->front().last_epoch + i);
      const auto stream = database_->OpenSegment(at, 1);
      int records = 0;
      while (stream->Next().value()) ++records;
      EXPECT_EQ(records, 3);
    }
    // It can be written to and exported as if nothing had happened.
    const auto set = database_->ExportFileSet(nullptr);
    ASSERT_TRUE(set.has_value()) << set.error().ToString();
    for (const storage::FileSetEntry& file : set->files) {
      const auto digest = storage::DigestFile(*options_.fs, file.path).value();
      EXPECT_EQ(digest.size, file.size);
      EXPECT_EQ(digest.checksum, file.checksum);
    }
    database_.reset();
    if (HasFailure()) return;
  }
  EXPECT_GT(last, 5u) << "the writer hardly got anywhere";
}

}  // namespace
}  // namespace tidemark::test
