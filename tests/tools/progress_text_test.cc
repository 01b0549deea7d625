// How progress is put into words and bars.
#include "tools/progress.h"

#include <gtest/gtest.h>

namespace tidemark::tools {
namespace {

using std::chrono::milliseconds;

TEST(ProgressTextTest, SaysHowFarItIsAndHowLongItTakes) {
  EXPECT_EQ(ProgressText({"verify", ProgressUnit::kBytes, 1 << 20, 4 << 20, milliseconds(2000)}),
            "verify: 1.0 MiB of 4.0 MiB, 25 %, 6s left");
  EXPECT_EQ(ProgressText({"digest", ProgressUnit::kRecords, 30, 40, milliseconds(3000)}),
            "digest: 30 of 40 records, 75 %, 1s left");
  EXPECT_EQ(ProgressText({"digest", ProgressUnit::kRecords, 40, 40, milliseconds(3000)}),
            "digest: 40 of 40 records, 100 %");
  EXPECT_EQ(ProgressText({"compact", ProgressUnit::kTime, 0, 0, milliseconds(90'000)}),
            "compact: 90s so far");
}

// An estimate that was too low would say 104 %.
TEST(ProgressTextTest, ATotalThatIsUnknownOrSurpassedIsLeftOut) {
  for (const uint64_t total : {0u, 39u})
    EXPECT_EQ(ProgressText({"log", ProgressUnit::kRecords, 40, total, milliseconds(10)}),
              "log: 40 records");
  EXPECT_EQ(ProgressText({"log", ProgressUnit::kRecords, 0, 10, milliseconds(10)}),
            "log: 0 of 10 records");
}

TEST(ProgressTextTest, ABarFitsTheTerminal) {
  const ProgressState state{"verify", ProgressUnit::kBytes, 1 << 20, 4 << 20, milliseconds(2000)};
  EXPECT_EQ(ProgressBar(state, 200), "[#####...............] " + ProgressText(state));
  for (const size_t width : {size_t{0}, size_t{1}, size_t{2}, size_t{40}})
    EXPECT_EQ(ProgressBar(state, width),
              ProgressBar(state, 200).substr(0, width > 0 ? width - 1 : 0));
  EXPECT_EQ(ProgressBar({"log", ProgressUnit::kRecords, 40, 0, milliseconds(10)}, 80),
            "log: 40 records");
}

}  // namespace
}  // namespace tidemark::tools
