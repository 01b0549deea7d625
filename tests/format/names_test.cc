#include "format/names.h"

#include <gtest/gtest.h>

#include <set>

namespace tidemark::format {
namespace {

TEST(NamesTest, SpellsEveryName) {
  EXPECT_EQ(SubtaskPrefix(7), "subtasks/00007/");
  EXPECT_EQ(SubtaskPrefix(32'767), "subtasks/32767/");
  EXPECT_EQ(LockName(7), "subtasks/00007/LOCK");
  EXPECT_EQ(ManifestName(17), "manifest/00000000000000000017");
  EXPECT_EQ(ManifestName(UINT64_MAX), "manifest/18446744073709551615");
  EXPECT_EQ(SnapshotName(17, 0xabc), "snapshots/00000000000000000017-0000000000000abc");
  EXPECT_EQ(SegmentName(3, 41, 45, UINT64_MAX), "log/3-41-45-ffffffffffffffff.sst");
  EXPECT_EQ(BaseSstName(3, 0xabc), "base/3-0000000000000abc.sst");
  EXPECT_EQ(BaseMetaName(3, 0xabc), "base/3-0000000000000abc.meta");
  for (const std::string& name : {LockName(0), ManifestName(1), SnapshotName(1, 2),
                                  SegmentName(1, 2, 3, 4), BaseSstName(1, 2), BaseMetaName(1, 2)})
    EXPECT_TRUE(IsValidObjectName(name)) << name;
}

TEST(NamesTest, ParsesWhatItSpells) {
  for (const uint64_t n : {uint64_t{0}, uint64_t{1}, uint64_t{123'456}, UINT64_MAX}) {
    EXPECT_EQ(ParseManifestName(ManifestName(n)), n);
    EXPECT_EQ(ParseSnapshotName(SnapshotName(n, n)), n);
    EXPECT_EQ(ParseFileAttempt(SegmentName(n, 1, 2, 3)), n);
    EXPECT_EQ(ParseFileAttempt(BaseSstName(n, 1)), n);
    EXPECT_EQ(ParseFileAttempt(BaseMetaName(n, 1)), n);
  }
}

TEST(NamesTest, ParsesNothingElse) {
  for (const char* name :
       {"", "manifest/", "manifest/17", "manifest/0000000000000000001x",
        "manifest/000000000000000000017", "manifest/99999999999999999999",
        "manifest/-0000000000000000017", "00000000000000000017", "log/00000000000000000017"})
    EXPECT_EQ(ParseManifestName(name), std::nullopt) << name;
  for (const char* name :
       {"", "snapshots/00000000000000000017", "snapshots/00000000000000000017-",
        "snapshots/00000000000000000017-000000000000ABCD",
        "snapshots/00000000000000000017-00000000000000000",
        "snapshots/00000000000000000017_0000000000000abc", "snapshots/../../../../../etc/passwd"})
    EXPECT_EQ(ParseSnapshotName(name), std::nullopt) << name;
  for (const char* name : {"", "log/", "log/3", "log/-1-2", "log/x-1-2-3.sst", "manifest/3-4",
                           "base/99999999999999999999-1.sst"})
    EXPECT_EQ(ParseFileAttempt(name), std::nullopt) << name;
}

TEST(NamesTest, ValidNamesStayInTheirFolder) {
  for (const char* name : {"FORMAT", "a/b/c", "a..b/.c", "...", "A-Z_0.9"})
    EXPECT_TRUE(IsValidObjectName(name)) << name;
  for (const char* name :
       {"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/.", "a b", "a\\b", "a\nb", "\xc3\xa4"})
    EXPECT_FALSE(IsValidObjectName(name)) << name;
  EXPECT_FALSE(IsValidObjectName(std::string_view("a\0b", 3)));
}

TEST(NamesTest, RandomUniquesDiffer) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(RandomUnique());
  EXPECT_EQ(seen.size(), 1000u);
}

}  // namespace
}  // namespace tidemark::format
