#include "storage/file_system.h"
#include "tests/tools/inspect_fixture.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class VerifyTest : public InspectFixture {
 protected:
  // Verifies everything, or what is given.
  Outcome Verify(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"verify", path_});
    return Inspect(more);
  }
  JsonValue VerifyJson(std::vector<std::string> more = {}) {
    more.push_back("--json");
    return Verify(std::move(more)).json();
  }
  std::string ManifestVersion(int version) const {
    return path_ + "/subtasks/00000/manifest/0000000000000000000" + std::to_string(version);
  }
};

// `10:good 11:damaged ...`
std::string Results(const JsonValue& document) {
  std::string text;
  for (size_t i = 0; i < document["checkpoints"].size(); ++i) {
    const JsonValue& checkpoint = document["checkpoints"][i];
    text += (text.empty() ? "" : " ") + checkpoint["id"].text() + ":" + checkpoint["result"].text();
  }
  return text;
}

TEST_F(VerifyTest, FindsAnIntactRepositoryIntact) {
  MakeSample().Close();
  const Outcome text = Verify();
  EXPECT_EQ(text.exit_code, 0) << text.out << text.err;
  EXPECT_EQ(text.err, "");
  EXPECT_CONTAINS(text.out, "checked  5 of 5 checkpoints; 6 of 6 files; ");
  EXPECT_CONTAINS(text.out, "verdict  intact: every byte that was checked");

  const JsonValue document = VerifyJson();
  EXPECT_EQ(document["schema"].text(), "tidemark.verify/1");
  EXPECT_EQ(document["level"].text(), "checksum");
  EXPECT_EQ(document["verdict"].text(), "intact");
  EXPECT_EQ(document["checked"]["bytes"].number(), document["available"]["bytes"].number());
  EXPECT_EQ(document["checked"]["files"].number(), 6u);
  EXPECT_EQ(Results(document), "10:good 11:good 12:good 13:good 14:good");
  EXPECT_EQ(document["errors"].size(), 0u);
}

TEST_F(VerifyTest, CountsOnlyWhatItWasAskedFor) {
  MakeSample().Close();
  const JsonValue document = VerifyJson({"14", "latest", "latest~1"});
  EXPECT_EQ(Results(document), "13:good 14:good");
  EXPECT_EQ(document["checked"]["checkpoints"].number(), 2u);
  EXPECT_EQ(document["available"]["checkpoints"].number(), 5u);
  EXPECT_EQ(document["checked"]["files"].number(), 4u);
  EXPECT_EQ(document["available"]["files"].number(), 6u);
  EXPECT_LT(document["checked"]["bytes"].number(), document["available"]["bytes"].number());
}

TEST_F(VerifyTest, NeverCallsFineWhatItDidNotRead) {
  SampleRepository sample = MakeSample();
  const std::string segment = sample.PathOf(format::FileKind::kSegment, 0);
  sample.Close();
  FlipByte(segment, 100);

  const Outcome files = Verify({"--level", "files"});
  EXPECT_EQ(files.exit_code, 0);
  EXPECT_LACKS(files.out, "intact");
  EXPECT_CONTAINS(files.out, "6 of 6 files by name and size; ");
  EXPECT_CONTAINS(files.out, "contents were not read");
  EXPECT_CONTAINS(files.out, "sizes match");

  const Outcome manifest = Verify({"--level", "manifest"});
  EXPECT_EQ(manifest.exit_code, 0);
  EXPECT_LACKS(manifest.out, "intact");
  EXPECT_CONTAINS(manifest.out, "0 of 6 files; 0 B of ");
  EXPECT_CONTAINS(manifest.out, "the files were not looked at");

  const JsonValue document = VerifyJson({"--level", "manifest"});
  EXPECT_EQ(document["verdict"].text(), "no-damage-found");
  EXPECT_EQ(document["checked"]["files"].number(), 0u);
  EXPECT_EQ(Verify().exit_code, 4);
}

TEST_F(VerifyTest, SaysWhatAFlippedBitMeans) {
  SampleRepository sample = MakeSample();
  const std::string segment = sample.PathOf(format::FileKind::kSegment, 0);  // of checkpoint 13
  const std::string checksum = format::Checksum128Of(ReadFile(segment)).Hex();
  sample.Close();
  FlipByte(segment, 100);
  const std::string damaged_checksum = format::Checksum128Of(ReadFile(segment)).Hex();

  const Outcome text = Verify();
  EXPECT_EQ(text.exit_code, 4);
  EXPECT_CONTAINS(text.out, "damage   file://" + segment + ": expected XXH3-128 " + checksum +
                                ", got " + damaged_checksum + " (file-checksum)\n");
  EXPECT_CONTAINS(text.out, "affects checkpoints 13, 14 of subtask 0\n");
  EXPECT_CONTAINS(text.out,
                  "verdict  damaged: subtask 0: checkpoints 13, 14 cannot be restored; the newest "
                  "intact checkpoint is 12\n");

  const JsonValue document = VerifyJson();
  EXPECT_EQ(document["verdict"].text(), "damaged");
  ASSERT_EQ(document["errors"].size(), 1u);
  const JsonValue& error = document["errors"][0];
  EXPECT_EQ(error["name"].text(), "file-checksum");
  EXPECT_EQ(error["file"].text(), segment.substr(path_.size() + 1));
  EXPECT_EQ(error["expected"].text(), "XXH3-128 " + checksum);
  EXPECT_EQ(error["got"].text(), damaged_checksum);
  EXPECT_EQ(error["checkpoints"].Joined(), "13 14");
  EXPECT_EQ(document["newest_good"][0]["id"].text(), "12");
}

TEST_F(VerifyTest, NamesAllCheckpointsThatShareADamagedFile) {
  SampleRepository sample = MakeSample();
  const std::string base = sample.PathOf(format::FileKind::kBaseSst, 0);
  sample.Close();
  FlipByte(base, 4000);
  // One checkpoint is asked about; the damage concerns two more, and the way out is looked for.
  const JsonValue document = VerifyJson({"13"});
  EXPECT_EQ(document["errors"][0]["checkpoints"].Joined(), "12 13 14");
  EXPECT_EQ(document["newest_good"][0]["id"].text(), "11");
  EXPECT_EQ(Results(document), "11:good 13:damaged");
  EXPECT_FALSE(document["checkpoints"][0]["asked"].boolean());
  EXPECT_TRUE(document["checkpoints"][1]["asked"].boolean());
}

TEST_F(VerifyTest, LeavesOtherCheckpointsOutOfIt) {
  SampleRepository sample = MakeSample();
  const std::string segment = sample.PathOf(format::FileKind::kSegment, 1);  // of checkpoint 14
  sample.Close();
  FlipByte(segment, 100);
  EXPECT_EQ(Verify({"13"}).exit_code, 0);
  EXPECT_EQ(Verify({"latest"}).exit_code, 4);
}

TEST_F(VerifyTest, FindsTruncatedFiles) {
  SampleRepository sample = MakeSample();
  const std::string segment = sample.PathOf(format::FileKind::kSegment, 1);
  sample.Close();
  Truncate(segment, 1);
  for (const char* level : {"files", "checksum"}) {
    const JsonValue document = VerifyJson({"--level", level});
    EXPECT_EQ(document["errors"][0]["name"].text(), "file-size");
    EXPECT_EQ(Results(document), "10:good 11:good 12:good 13:good 14:damaged");
    EXPECT_LT(document["checked"]["bytes"].number(), document["available"]["bytes"].number());
  }
}

TEST_F(VerifyTest, FindsMissingFilesOfEveryKind) {
  using format::FileKind;
  const std::pair<FileKind, const char*> kinds[] = {{FileKind::kSegment, "14:damaged"},
                                                    {FileKind::kBaseSst, "12:damaged"},
                                                    {FileKind::kBaseMeta, "12:damaged"}};
  for (const auto& [kind, expected] : kinds) {
    fs::remove_all(path_);
    SampleRepository sample = MakeSample();
    const std::string file = sample.PathOf(kind, kind == FileKind::kSegment ? 1 : 0);
    sample.Close();
    fs::remove(file);
    const Outcome verify = Verify({"--level", "files", "--json"});
    EXPECT_EQ(verify.exit_code, 4);
    EXPECT_EQ(verify.json()["errors"][0]["name"].text(), "file-missing");
    EXPECT_EQ(verify.json()["errors"][0]["got"].text(), "none");
    EXPECT_CONTAINS(Results(verify.json()), expected);
  }
}

// A version that readers no longer replay is a file like any other: the one that its segment is in.
TEST_F(VerifyTest, FindsDamagedInlinedSegments) {
  MakeSample().Close();
  { SampleRepository reopened(path_); }  // whose snapshot covers the versions before it
  const std::string intact = ReadFile(ManifestVersion(3));  // checkpoint 11
  FlipByte(ManifestVersion(3), 70);
  const Outcome flipped = Verify({"--level", "files"});
  EXPECT_EQ(flipped.exit_code, 4) << flipped.out << flipped.err;
  EXPECT_CONTAINS(flipped.out, "affects checkpoint 11 of subtask 0");
  EXPECT_EQ(flipped.err, "");

  fs::remove(ManifestVersion(3));
  const JsonValue missing = VerifyJson();
  EXPECT_EQ(missing["errors"][0]["name"].text(), "file-missing");
  EXPECT_EQ(Results(missing), "10:good 11:damaged 12:good 13:good 14:good");
}

TEST_F(VerifyTest, SaysWhatADamagedManifestVersionHides) {
  MakeSample().Close();
  FlipByte(ManifestVersion(6), 60);  // checkpoint 14
  const Outcome text = Verify();
  EXPECT_EQ(text.exit_code, 4);
  EXPECT_CONTAINS(text.err, "manifest/00000000000000000006");
  EXPECT_CONTAINS(text.out, "after manifest version 5: they are not in the list");
  EXPECT_CONTAINS(text.out,
                  "its list of checkpoints is damaged; the newest intact checkpoint is 13");
  EXPECT_EQ(VerifyJson()["verdict"].text(), "damaged");

  fs::remove(ManifestVersion(4));  // checkpoint 12
  const JsonValue document = VerifyJson({"10", "--level", "manifest"});
  EXPECT_EQ(document["verdict"].text(), "damaged");
  EXPECT_EQ(document["newest_good"][0]["id"].text(), "11");
}

TEST_F(VerifyTest, FindsTheLossOfTheWholeList) {
  MakeSample().Close();
  const std::string subtask = path_ + "/subtasks/00000/";
  for (const auto& snapshot : fs::directory_iterator(subtask + "snapshots"))
    FlipByte(snapshot.path(), 40);
  EXPECT_EQ(Verify().exit_code, 4);
  EXPECT_CONTAINS(Verify().err, "(manifest-unreadable)");
  EXPECT_EQ(VerifyJson()["verdict"].text(), "damaged");

  fs::remove_all(subtask + "manifest");
  EXPECT_EQ(Verify().exit_code, 4) << "snapshots say that there were versions";
  fs::remove_all(subtask + "snapshots");
  const Outcome lost = Verify();
  EXPECT_EQ(lost.exit_code, 4) << "segments say that there were versions";
  EXPECT_CONTAINS(lost.err, "(manifest-missing)");
}

TEST_F(VerifyTest, FindsADamagedOrLostFormatFile) {
  MakeSample().Close();
  const std::string format = path_ + "/FORMAT";
  const std::string intact = ReadFile(format);
  for (const size_t offset :
       {size_t{0}, size_t{9}, size_t{11}, size_t{13}, size_t{20}, size_t{40}}) {
    FlipByte(format, offset);
    const Outcome verify = Verify();
    EXPECT_EQ(verify.exit_code, 4) << offset << verify.err;
    EXPECT_CONTAINS(verify.err, format);
    WriteFile(format, intact);
  }
  Truncate(format, 5);
  EXPECT_EQ(Verify().exit_code, 4);
  fs::remove(format);
  const Outcome lost = Verify();
  EXPECT_EQ(lost.exit_code, 4);
  EXPECT_CONTAINS(lost.err, "(repository-info-missing)");
}

TEST_F(VerifyTest, WithNothingToCheckIsIncomplete) {
  { SampleRepository sample(path_); }
  const Outcome empty = Verify();
  EXPECT_EQ(empty.exit_code, 3);
  EXPECT_CONTAINS(empty.err, "(nothing-to-verify)");
  EXPECT_EQ(VerifyJson()["verdict"].text(), "nothing-to-check");
  EXPECT_EQ(Verify({"latest"}).exit_code, 5);
  fs::remove_all(path_ + "/subtasks");
  EXPECT_EQ(Verify().exit_code, 3);
}

// A file that cannot be read proves nothing: that is incomplete, not damaged.
TEST_F(VerifyTest, TellsUnreadableFromDamaged) {
  const RunOptions without_rights{.as_nobody = geteuid() == 0};
  if (Inspect({"--version"}, without_rights).exit_code != 0) GTEST_SKIP() << "root may read all";
  SampleRepository sample = MakeSample();
  const std::string segment = sample.PathOf(format::FileKind::kSegment, 1);
  sample.Close();
  fs::permissions(segment, fs::perms::none);
  fs::permissions(directory_.path(), fs::perms(0755));
  const Outcome text = Inspect({"verify", path_}, without_rights);
  EXPECT_EQ(text.exit_code, 3) << text.out;
  EXPECT_CONTAINS(text.out, "unread   ");
  EXPECT_CONTAINS(text.out, "verdict  incomplete\n");
  EXPECT_LACKS(text.out, "damage   ");
  const JsonValue document = Inspect({"verify", path_, "--json"}, without_rights).json();
  EXPECT_EQ(document["verdict"].text(), "incomplete");
  EXPECT_EQ(document["checked"]["files"].number(), 5u);
  EXPECT_CONTAINS(Results(document), "14:incomplete");

  FlipByte(sample.PathOf(format::FileKind::kSegment, 0), 100);
  EXPECT_EQ(Inspect({"verify", path_}, without_rights).exit_code, 4)
      << "what is proven goes before what is not known";
}

// A link in the place of a file is damage, wherever it leads: what is there has the right bytes.
TEST_F(VerifyTest, ALinkInThePlaceOfAFileIsDamage) {
  SampleRepository sample = MakeSample();
  const std::string segment = sample.PathOf(format::FileKind::kSegment, 1);
  sample.Close();
  fs::rename(segment, directory_ / "elsewhere");
  fs::create_symlink(directory_ / "elsewhere", segment);
  const Outcome text = Verify();
  EXPECT_EQ(text.exit_code, 4) << text.out;
  EXPECT_CONTAINS(text.out, segment);
  EXPECT_CONTAINS(text.out, "symbolic link");
  EXPECT_CONTAINS(Results(VerifyJson()), "14:damaged");
}

// Whoever looks for the writer reads a line of LOCK: of that file, and of no other.
TEST_F(VerifyTest, NothingIsReadThroughALinkInThePlaceOfTheLock) {
  MakeSample().Close();
  std::ofstream(directory_ / "secret") << "what is nobody's business\n";
  const std::string lock = path_ + "/subtasks/00000/LOCK";
  fs::remove(lock);
  fs::create_symlink(directory_ / "secret", lock);
  const auto held = storage::LockFile(directory_ / "secret", "test");
  ASSERT_TRUE(held.has_value());
  std::ofstream(directory_ / "secret") << "what is nobody's business\n";
  for (const char* command : {"list", "report", "verify", "fsck"}) {
    const Outcome outcome = Inspect({command, path_});
    EXPECT_LACKS(outcome.out + outcome.err, "business") << command;
  }
}

TEST_F(VerifyTest, JudgesEverySubtask) {
  SampleRepository(path_, 0, 2).Commit({.id = 1}).Close();
  SampleRepository other(path_, 1, 2);
  other.Commit({.id = 1}).Commit({.id = 2}).Close();
  FlipByte(other.PathOf(format::FileKind::kSegment, 1), 100);
  const Outcome text = Verify();
  EXPECT_EQ(text.exit_code, 4);
  EXPECT_CONTAINS(text.out,
                  "subtask 1: checkpoint 2 cannot be restored; the newest intact checkpoint is 1");
  EXPECT_LACKS(text.out, "subtask 0: ");
  EXPECT_EQ(Verify({"--subtask", "0"}).exit_code, 0);
  EXPECT_EQ(Verify({"1"}).exit_code, 0);
}

TEST_F(VerifyTest, WorksBesideALiveWriter) {
  SampleRepository sample = MakeSample();
  EXPECT_EQ(Verify().exit_code, 0);
  sample.Commit({.id = 15, .keep_last = 2});
  EXPECT_EQ(Results(VerifyJson()), "14:good 15:good");
}

}  // namespace
}  // namespace tidemark::test
