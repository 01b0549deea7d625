// Every kind of file of a repository, damaged in every way: what `verify` calls it, with which exit
// code, and that no command crashes, or answers otherwise than it does of the intact one.
#include "tests/tools/store_repository.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

enum class Harm { kBitFlipped, kTruncated, kMissing, kEmptied, kAppended, kReplaced, kUnreadable };
constexpr Harm kHarms[] = {Harm::kBitFlipped, Harm::kTruncated, Harm::kMissing,   Harm::kEmptied,
                           Harm::kAppended,   Harm::kReplaced,  Harm::kUnreadable};
constexpr const char* kHarmNames[] = {"bit flipped", "truncated", "missing",   "emptied",
                                      "appended",    "replaced",  "unreadable"};

// A file, and another one of its kind that may stand in its place: an older one.
struct Victim {
  std::string name;
  std::string path;
  std::string other;
};

class DamageTest : public JobFixture {
 protected:
  using Command = std::vector<std::string>;

  DamageTest() {
    MakeJob();
    EXPECT_EQ(Inspect({"pin", path_, "7", "seven"}).exit_code, 0);
    EXPECT_EQ(Inspect({"pin", path_, "5", "five"}).exit_code, 0);
    fs::remove(path_ + "/subtasks/00000/LOCK");
    fs::copy(path_, intact_, fs::copy_options::recursive);
    fs::permissions(directory_.path(), fs::perms(0755));
  }

  std::string Version(int number) const {
    std::string digits = std::to_string(number);
    return path_ + "/subtasks/00000/manifest/" + std::string(20 - digits.size(), '0') + digits;
  }
  // The file of the newest checkpoint's base that RocksDB calls so.
  static std::string BaseFile(const JsonValue& checkpoint, const std::string& live_name) {
    const JsonValue& files = checkpoint["base"]["files"];
    for (size_t i = 0; i < files.size(); ++i)
      if (files[i]["live_name"].text().starts_with(live_name)) return files[i]["name"].text();
    throw std::runtime_error("no base file " + live_name);
  }
  std::vector<Victim> Victims() const {
    const std::string subtask = path_ + "/subtasks/00000/";
    const JsonValue shown = Inspect({"show", path_, "8", "--json"}).json()["checkpoints"][0];
    const JsonValue older = Inspect({"show", path_, "4", "--json"}).json()["checkpoints"][0];
    const JsonValue seven = Inspect({"show", path_, "7", "--json"}).json()["checkpoints"][0];
    const auto segment = [&](size_t i) { return subtask + seven["segments"][i]["name"].text(); };
    const auto base = [&](const JsonValue& of, const char* name) {
      return subtask + BaseFile(of, name);
    };
    return {{"format", path_ + "/FORMAT", Version(1)},
            {"newest version", Version(13), Version(10)},
            {"version of the newest checkpoint", Version(12), Version(9)},
            {"older version", Version(5), Version(3)},
            {"snapshot", fs::directory_iterator(subtask + "snapshots")->path(), Version(3)},
            {"segment", segment(2), segment(0)},
            {"SST", base(shown, "000014"), base(shown, "000011")},
            {"MANIFEST", base(shown, "MANIFEST"), base(older, "MANIFEST")},
            {"OPTIONS", base(shown, "OPTIONS"), base(older, "OPTIONS")},
            {"pin", path_ + "/pins/seven", path_ + "/pins/five"}};
  }

  void Damage(const Victim& victim, Harm harm) const {
    const std::string content = ReadFile(victim.path);
    switch (harm) {
      case Harm::kBitFlipped:
        return FlipByte(victim.path, content.size() / 2);
      case Harm::kTruncated:
        return Truncate(victim.path, 1);
      case Harm::kMissing:
        fs::remove(victim.path);
        return;
      case Harm::kEmptied:
        return WriteFile(victim.path, "");
      case Harm::kAppended:
        return WriteFile(victim.path, content + "x");
      case Harm::kReplaced:
        return WriteFile(victim.path, ReadFile(victim.other));
      case Harm::kUnreadable:
        fs::permissions(victim.path, fs::perms(0));
        return;
    }
  }
  void Mend() const {
    fs::remove_all(path_);
    fs::copy(intact_, path_, fs::copy_options::recursive);
  }

  const std::string intact_ = directory_ / "intact";
};

// What `verify` must say: one of the names, and the exit code.
struct Expected {
  int exit_code = 0;
  std::vector<std::string> names;
};

Expected ExpectedOf(const std::string& victim, Harm harm) {
  const bool is_listed =
      victim == "segment" || victim == "SST" || victim == "MANIFEST" || victim == "OPTIONS";
  if (harm == Harm::kUnreadable) return {3, {"io-error"}};
  if (victim == "snapshot") return {4, {"manifest-unreadable"}};
  if (is_listed) {
    switch (harm) {
      case Harm::kBitFlipped:
        return {4, {"file-checksum"}};
      case Harm::kMissing:
        return {4, {"file-missing"}};
      case Harm::kReplaced:
        // RocksDB writes the same options again.
        return victim == "OPTIONS" ? Expected{} : Expected{4, {"file-size", "file-checksum"}};
      default:
        return {4, {"file-size"}};
    }
  }
  switch (harm) {
    case Harm::kBitFlipped:
      return {4, {"frame-checksum"}};
    case Harm::kEmptied:
      return {4, {"file-header"}};
    case Harm::kMissing:
      // The newest version may never have been written, and a pin may have been taken away: see
      // docs/DURABILITY.md.
      if (victim == "newest version" || victim == "pin") return {};
      return {4, {victim == "format" ? "repository-info-missing" : "file-missing"}};
    case Harm::kReplaced:
      if (victim == "format") return {4, {"file-header"}};
      return {4, {victim == "pin" ? "pin-structure" : "manifest-version"}};
    default:
      return {4, {"frame-size"}};
  }
}

std::set<std::string> NamesOf(const Outcome& outcome) {
  std::set<std::string> names;
  for (const JsonValue& error : outcome.json_errors()) names.insert(error["name"].text());
  if (!outcome.out.starts_with("{")) return names;
  const JsonValue errors = outcome.json()["errors"];
  for (size_t i = 0; i < errors.size(); ++i) names.insert(errors[i]["name"].text());
  return names;
}

// Without its folders: messages say where it is in their own ways.
std::string FileNameOf(const Victim& victim) { return fs::path(victim.path).filename(); }

TEST_F(DamageTest, VerifyNamesAllOfIt) {
  const bool is_root = geteuid() == 0;
  const bool can_change_user =
      is_root && Inspect({"--version"}, {.as_nobody = true}).exit_code == 0;
  for (const Victim& victim : Victims()) {
    for (const Harm harm : kHarms) {
      // Sanitizers make each command take half a second.
      if (TIDEMARK_SANITIZED != 0 && harm != Harm::kBitFlipped && harm != Harm::kEmptied) continue;
      const bool as_nobody = harm == Harm::kUnreadable && is_root;
      if (as_nobody && !can_change_user) continue;
      SCOPED_TRACE(victim.name + " " + kHarmNames[static_cast<size_t>(harm)] + ": " + victim.path);
      Damage(victim, harm);
      const Expected expected = ExpectedOf(victim.name, harm);
      const Outcome outcome = Inspect({"verify", path_, "--json"}, {.as_nobody = as_nobody});
      EXPECT_EQ(outcome.exit_code, expected.exit_code) << outcome.out << outcome.err;
      const std::set<std::string> names = NamesOf(outcome);
      EXPECT_EQ(names.empty(), expected.names.empty()) << ::testing::PrintToString(names);
      if (!expected.names.empty()) {
        EXPECT_TRUE(std::any_of(expected.names.begin(), expected.names.end(),
                                [&](const std::string& name) { return names.contains(name); }))
            << ::testing::PrintToString(names);
        EXPECT_CONTAINS(outcome.out + outcome.err, FileNameOf(victim));
      }
      const Outcome text = Inspect({"verify", path_}, {.as_nobody = as_nobody});
      EXPECT_EQ(text.exit_code, expected.exit_code);
      if (expected.exit_code == 4) {
        EXPECT_LACKS(text.out, "intact: ");
      }
      Mend();
    }
  }
}

// What is intact is restored from older checkpoints; `verify` says which one that is.
TEST_F(DamageTest, TheNewestIntactCheckpointIsNamed) {
  const std::map<std::string, std::string> newest_good{
      {"segment", "9"}, {"SST", "7"}, {"MANIFEST", "7"}, {"older version", "3"}};
  for (const Victim& victim : Victims()) {
    const auto good = newest_good.find(victim.name);
    if (good == newest_good.end()) continue;
    SCOPED_TRACE(victim.name);
    Damage(victim, Harm::kBitFlipped);
    const Outcome outcome = Inspect({"verify", path_, "--json"});
    ASSERT_EQ(outcome.json()["newest_good"].size(), 1u);
    EXPECT_EQ(outcome.json()["newest_good"][0]["id"].text(), good->second);
    Mend();
  }
}

// A machine in trouble may have no room for a scratch directory. What the list and the checksums
// say needs none.
TEST_F(DamageTest, WithoutAScratchDirectoryTheListIsStillShownAndVerified) {
  const RunOptions nowhere{.environment = {"TMPDIR=/nowhere"}};
  const Outcome show = Inspect({"show", path_, "latest"}, nowhere);
  EXPECT_EQ(show.exit_code, 0) << show.err;
  EXPECT_CONTAINS(show.out, "counts");
  fs::remove(Victims()[5].path);
  const Outcome verify = Inspect({"verify", path_}, nowhere);
  EXPECT_EQ(verify.exit_code, 4);
  EXPECT_CONTAINS(verify.out, "file-missing");
  EXPECT_EQ(Inspect({"digest", path_, "latest"}, nowhere).exit_code, 3);
}

// Nobody misses what nobody names: only `fsck` tells of it.
TEST_F(DamageTest, AnExtraFileIsNoDamage) {
  const std::string subtask = path_ + "/subtasks/00000/";
  WriteFile(subtask + "log/9-9-9-0123456789abcdef.sst", "of a writer that died");
  WriteFile(subtask + "base/notes.txt", "of somebody");
  for (const Command& command : std::vector<Command>{{"list", path_},
                                                     {"show", path_, "latest"},
                                                     {"verify", path_},
                                                     {"digest", path_, "latest"},
                                                     {"log", path_}})
    EXPECT_EQ(Inspect(command).exit_code, 0) << command[0];
  const Outcome fsck = Inspect({"fsck", path_});
  EXPECT_EQ(fsck.exit_code, 1) << fsck.err;
  EXPECT_CONTAINS(fsck.out, "9-9-9-0123456789abcdef.sst");
  EXPECT_CONTAINS(fsck.out, "base/notes.txt");
}

// They may fail, with an error that has a name; what they answer is right.
TEST_F(DamageTest, NoCommandCrashesOrAnswersWrongly) {
  std::vector<Harm> harms{Harm::kBitFlipped, Harm::kMissing, Harm::kEmptied, Harm::kReplaced};
  if (TIDEMARK_SANITIZED != 0) harms.resize(1);
  // What these say does not depend on how the repository stores it.
  const std::vector<Command> exact{{"dump", path_, "9"},
                                   {"get", path_, "9", "counts", "word 1"},
                                   {"diff", path_, "6", "9", "--values"},
                                   {"digest", path_, "9"},
                                   {"log", path_},
                                   {"history", path_, "counts", "word 1"}};
  const std::string place = directory_ / "place";
  const std::vector<Command> others{{"list", path_},
                                    {"list", path_, "--tree"},
                                    {"show", path_, "9"},
                                    {"stats", path_, "9"},
                                    {"fsck", path_},
                                    {"prune", path_, "--keep-last", "1", "-n"},
                                    {"compact", path_, "-n"},
                                    {"report", path_, "-o", place},
                                    {"export", path_, "9", place}};
  std::map<Command, std::string> right;
  for (const Command& command : exact) right[command] = Inspect(command).out;
  const auto check = [&](const Command& command) {
    SCOPED_TRACE(::testing::PrintToString(command));
    const Outcome outcome = Inspect(command);
    fs::remove_all(place);
    EXPECT_TRUE(outcome.exit_code >= 0 && outcome.exit_code <= 5 && outcome.exit_code != 2)
        << outcome.exit_code << ": " << outcome.err;
    // To these two, damage is an answer.
    if (outcome.exit_code >= 3 && command[0] != "fsck" && command[0] != "report") {
      EXPECT_CONTAINS(outcome.err, "ckpt-inspect: ");
    }
    return outcome;
  };
  for (const Victim& victim : Victims()) {
    for (const Harm harm : harms) {
      SCOPED_TRACE(victim.name + " " + kHarmNames[static_cast<size_t>(harm)] + ": " + victim.path);
      Damage(victim, harm);
      for (const Command& command : exact) {
        const Outcome outcome = check(command);
        if (outcome.exit_code < 2) {
          EXPECT_EQ(outcome.out, right[command]);
        }
      }
      for (const Command& command : others) static_cast<void>(check(command));
      Mend();
    }
  }
}

}  // namespace
}  // namespace tidemark::test
