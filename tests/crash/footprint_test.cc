// The demo's job in the memory that its budget promises: 64 MiB, and 64 MiB more for code, threads,
// its text, and what allocators keep.
#include "tests/crash/child_process.h"
#include "tests/support/temp_dir.h"
#include "tests/test_paths.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <random>
#include <string>

namespace tidemark::test {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// About 9 MiB of words, of which 30,000 are different; some of them in most lines.
void WriteText(const std::string& path) {
  std::mt19937 random(20'000);
  std::geometric_distribution<uint32_t> often(0.0005);
  std::ofstream text(path);
  for (int i = 0; i < 1'400'000; ++i) {
    uint32_t word = i % 2 == 0 ? often(random) : random() % 30'000;
    do {
      text << static_cast<char>('a' + word % 26);
    } while ((word /= 26) > 0);
    text << (i % 12 == 11 ? ".\n" : " the ");
  }
}

TEST(FootprintTest, TheDemoWithinItsBudget) {
  if (TIDEMARK_SANITIZED) GTEST_SKIP() << "sanitizers take memory of their own";
  const TempDir directory;
  WriteText(directory / "text");
  ChildProcess job({TIDEMARK_PROGRAM_WORD_COUNT, "--input", directory / "text", "--passes", "5",
                    "--output", directory / "counts", "--checkpoint-dir", directory / "checkpoints",
                    "--state-dir", directory / "state", "--save-interval", "20", "--memory", "64"});
  EXPECT_EQ(job.Wait(), 0);
  EXPECT_LE(job.peak_resident_bytes(), 128 * kMiB);
  EXPECT_GT(job.peak_resident_bytes(), 16 * kMiB) << "is it measured at all?";
}

}  // namespace
}  // namespace tidemark::test
