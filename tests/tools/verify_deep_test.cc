// ckpt-inspect verify beyond checksums, and of parts.
#include "tests/tools/store_repository.h"

#include <set>

namespace tidemark::test {
namespace {

using VerifyDeepTest = JobFixture;

TEST_F(VerifyDeepTest, ReadsAndRestoresWhatIsAsked) {
  MakeJob();
  const Tree before = LookAt(path_);
  const Outcome read = Inspect({"verify", path_, "--level", "read"});
  EXPECT_EQ(read.exit_code, 0) << read.out << read.err;
  EXPECT_CONTAINS(read.out, "and every record could be read");
  const Outcome restore = Inspect({"verify", path_, "latest", "4", "--level", "restore", "--json"});
  EXPECT_EQ(restore.exit_code, 0) << restore.out << restore.err;
  EXPECT_EQ(restore.json()["level"].text(), "restore");
  EXPECT_EQ(restore.json()["verdict"].text(), "intact");
  EXPECT_EQ(restore.json()["checkpoints"].size(), 2u);
  EXPECT_TRUE(LookAt(path_) == before) << "it only reads";
}

TEST_F(VerifyDeepTest, SaysWhatIsDamagedAndWhichIsTheNewestIntactOne) {
  MakeJob();
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator(path_ + "/subtasks/00000/log"))
    newest = std::max(newest, entry.path());
  FlipByte(newest, 40);
  const Outcome read = Inspect({"verify", path_, "--level", "read", "--json"});
  EXPECT_EQ(read.exit_code, 4) << read.out;
  const JsonValue document = read.json();
  EXPECT_EQ(document["verdict"].text(), "damaged");
  EXPECT_CONTAINS(document["errors"][0]["file"].text(), newest.filename().string());
  EXPECT_FALSE(document["newest_good"][0]["id"].is_null());
}

// Every file is in exactly one of the parts, the same one each time; and a part is never called
// intact.
TEST_F(VerifyDeepTest, PartsAddUpAndAreNoWhole) {
  MakeJob();
  const uint64_t all = Inspect({"verify", path_, "--json"}).json()["checked"]["files"].number();
  uint64_t sum = 0;
  for (const char* part : {"1/3", "2/3", "3/3"}) {
    const Outcome verify = Inspect({"verify", path_, "--subset", part, "--json"});
    EXPECT_EQ(verify.exit_code, 0) << verify.err;
    EXPECT_EQ(verify.json()["verdict"].text(), "no-damage-found");
    EXPECT_EQ(verify.json()["subset"].text(), part);
    EXPECT_EQ(
        Inspect({"verify", path_, "--subset", part, "--json"}).json()["checked"]["files"].number(),
        verify.json()["checked"]["files"].number());
    sum += verify.json()["checked"]["files"].number();
  }
  EXPECT_EQ(sum, all);
  EXPECT_LACKS(Inspect({"verify", path_, "--subset", "1/3"}).out, "intact");
  EXPECT_EQ(
      Inspect({"verify", path_, "--subset", "100%", "--json"}).json()["checked"]["files"].number(),
      all);
  EXPECT_GE(
      Inspect({"verify", path_, "--subset", "5KiB", "--json"}).json()["checked"]["bytes"].number(),
      5u << 10);
  for (const char* bad : {"0/3", "4/3", "x", "0%", "101%", "1/0", "/"})
    EXPECT_EQ(Inspect({"verify", path_, std::string("--subset=") + bad}).exit_code, 2) << bad;
}

// A part of a checkpoint cannot be read as records, so `--subset` was passed over in silence.
TEST_F(VerifyDeepTest, APartIsOfFilesOnly) {
  MakeJob();
  for (const char* level : {"read", "restore"}) {
    const Outcome outcome = Inspect({"verify", path_, "--level", level, "--subset", "1/3"});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_CONTAINS(outcome.err, "needs all that a checkpoint is made of");
  }
}

// Its bases are no databases, though their checksums are right: only reading shows it. The older
// ones have none.
TEST_F(VerifyDeepTest, LooksForAnOlderIntactOneAfterDamageThatOnlyReadingShows) {
  MakeSample().Close();
  EXPECT_EQ(Inspect({"verify", path_}).exit_code, 0);
  const Outcome read = Inspect({"verify", path_, "latest", "--level", "read", "--json"});
  EXPECT_EQ(read.exit_code, 4) << read.out << read.err;
  EXPECT_EQ(read.json()["newest_good"][0]["id"].text(), "11");
  EXPECT_CONTAINS(Inspect({"verify", path_, "13", "--level", "read"}).out,
                  "the newest intact checkpoint is 11");
}

// As RocksDB's MANIFEST says, also where the file is gone.
TEST_F(VerifyDeepTest, NamesTablesAndKeysThatAreLost) {
  MakeJob();
  const JsonValue shown = Inspect({"show", path_, "latest", "--json"}).json()["checkpoints"][0];
  std::set<std::string> tables;
  for (size_t i = 0; i < shown["base"]["files"].size(); ++i) {
    const std::string name = shown["base"]["files"][i]["name"].text();
    if (!name.ends_with(".sst")) continue;
    const std::string path = path_ + "/subtasks/00000/" + name;
    std::filesystem::rename(path, directory_ / "away");
    const JsonValue verified = Inspect({"verify", path_, "latest", "--json"}).json();
    const JsonValue& error = verified["errors"][0];
    EXPECT_EQ(error["name"].text(), "file-missing");
    if (error["lost"].size() == 1) {
      tables.insert(error["lost"][0]["table"].text());
      EXPECT_TRUE(error["lost"][0]["first_key"].text().starts_with("word "));
      EXPECT_TRUE(error["lost"][0]["last_key"].text().starts_with("word "));
    }
    std::filesystem::rename(directory_ / "away", path);
  }
  EXPECT_EQ(tables, (std::set<std::string>{"bytes", "counts"}));
}

TEST_F(VerifyDeepTest, TakesPins) {
  MakeJob();
  ASSERT_EQ(Inspect({"pin", path_, "5", "five"}).exit_code, 0);
  const JsonValue five = Inspect({"verify", path_, "five", "--json"}).json();
  ASSERT_EQ(five["checkpoints"].size(), 1u);
  EXPECT_EQ(five["checkpoints"][0]["id"].text(), "5");
  EXPECT_EQ(Inspect({"verify", path_, "six"}).exit_code, 5);
}

// What is lost with a file, from the list, as the file itself may say nothing any more.
TEST_F(VerifyDeepTest, SaysWhatWasInADamagedFile) {
  MakeJob();
  const JsonValue shown = Inspect({"show", path_, "latest", "--json"}).json()["checkpoints"][0];
  const std::string base = shown["base"]["files"][0]["name"].text();
  FlipByte(path_ + "/subtasks/00000/" + base, 100);
  const Outcome text = Inspect({"verify", path_});
  EXPECT_EQ(text.exit_code, 4);
  EXPECT_CONTAINS(text.out, "it has base records of key group");
  const JsonValue error = Inspect({"verify", path_, "--json"}).json()["errors"][0];
  EXPECT_EQ(error["kind"].text(), "base");
  EXPECT_LE(error["first_key_group"].number(), error["last_key_group"].number());
}

}  // namespace
}  // namespace tidemark::test
