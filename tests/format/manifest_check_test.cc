#include "tests/format/manifest_fixture.h"

#include <functional>

namespace tidemark::format {
namespace {

// A list with everything in it: checkpoints 12 to 16, the last one by a second attempt, over a base
// of epoch 3.
Manifest FullList() {
  ManifestWriter writer;
  writer.Do(writer.Open());
  for (uint64_t epoch = 1; epoch <= 5; ++epoch) {
    ManifestVersion version = writer.Commit(10 + epoch, epoch);
    if (epoch % 2 == 1) writer.AddTable(&version, "table" + std::to_string(epoch));
    if (epoch == 4) ManifestWriter::Inline(&version);
    writer.Do(version);
  }
  writer.Do(writer.Rebase(3, 2));
  writer.Do(writer.Open());
  writer.Do(writer.Commit(16, 6));
  writer.Do(writer.Remove({11}));
  return writer.list;
}

std::string ProblemOf(const Status& status, std::string_view name) {
  if (status.ok()) return "";
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.name(), name);
  return std::string(status.message());
}

std::string ProblemAfter(const std::function<void(Manifest&)>& change) {
  Manifest list = FullList();
  change(list);
  return ProblemOf(CheckManifest(list), "manifest-invariant");
}

#define EXPECT_PROBLEM(change, part)                                         \
  do {                                                                       \
    const std::string found = ProblemAfter([](Manifest& m) { change; });     \
    EXPECT_NE(found.find(part), std::string::npos) << "\"" << found << "\""; \
  } while (false)

TEST(CheckManifestTest, AcceptsGoodLists) {
  EXPECT_EQ(ProblemAfter([](Manifest&) {}), "");
  EXPECT_TRUE(CheckManifest(EmptyList()).ok());
}

TEST(CheckManifestTest, ChecksTheShape) {
  EXPECT_PROBLEM(m.max_parallelism = 0, "max_parallelism");
  EXPECT_PROBLEM(m.max_parallelism = 40'000, "max_parallelism");
  EXPECT_PROBLEM(m.parallelism = 129, "max_parallelism 128");
  EXPECT_PROBLEM(m.parallelism = 0, "subtask");
  EXPECT_PROBLEM(m.subtask = 1, "subtask");
}

TEST(CheckManifestTest, ChecksIdsAgainstTheirCounters) {
  EXPECT_PROBLEM(m.next_table_id = 3, "table 3");
  EXPECT_PROBLEM(m.next_file_id = 4, "file");
  EXPECT_PROBLEM(m.next_base_id = 1, "base 1");
  EXPECT_PROBLEM(m.tables.at(1).id = 2, "table 1");
  EXPECT_PROBLEM(m.files.begin()->second.id = 9, "file");
  EXPECT_PROBLEM(m.bases.at(1).id = 2, "base 1");
}

TEST(CheckManifestTest, ChecksFiles) {
  EXPECT_PROBLEM(m.files.at(4).name = "log/../x", "file 4");
  EXPECT_PROBLEM(m.files.at(5).name = m.files.at(2).name, "name of another");
  EXPECT_PROBLEM(m.files.at(5).attempt = 3, "attempt 3");
  EXPECT_PROBLEM(m.version = 3, "inlined in no version");
  EXPECT_PROBLEM(m.files[7].first_group = 500, "key groups");
}

TEST(CheckManifestTest, ChecksChains) {
  EXPECT_PROBLEM(m.checkpoints[3].segments.clear(), "checkpoint 15");
  EXPECT_PROBLEM(m.checkpoints[3].segments.pop_back(), "ends at");
  EXPECT_PROBLEM(m.checkpoints[2].base = 0, "begins with");
  EXPECT_PROBLEM(m.checkpoints[1].base = 9, "base 9");
  EXPECT_PROBLEM(m.checkpoints[4].segments.back() = 6, "segment 6");
  EXPECT_PROBLEM(m.files.at(5).last_epoch = 6, "checkpoint 15");
  EXPECT_PROBLEM(m.files.erase(5), "checkpoint 15");
  EXPECT_PROBLEM(m.bases.clear(), "checkpoint 13");
}

TEST(CheckManifestTest, ChecksTheOrderOfCheckpoints) {
  EXPECT_PROBLEM(m.checkpoints[1].id = 12, "follows checkpoint 12");
  EXPECT_PROBLEM(m.checkpoints[2].time_ms = 1, "older");
  EXPECT_PROBLEM(m.checkpoints[1].at.epoch = 2, "epoch 2");
  EXPECT_PROBLEM(std::swap(m.checkpoints[1], m.checkpoints[2]), "checkpoint 13");
  EXPECT_PROBLEM(m.checkpoints[1].at.attempt = 2, "attempt");
  EXPECT_PROBLEM(m.checkpoints[1].at.writer = WriterOf(3), "writer");
}

TEST(CheckManifestTest, ChecksTables) {
  EXPECT_PROBLEM(m.checkpoints[1].tables = nullptr, "tables");
  EXPECT_PROBLEM(m.tables.at(1).name = m.tables.at(2).name, "two tables");
  EXPECT_PROBLEM(m.tables.erase(2), "table 2");
}

TEST(CheckManifestTest, ChecksTheLineage) {
  EXPECT_PROBLEM(m.lineage.clear(), "lineage");
  EXPECT_PROBLEM(m.lineage.pop_back(), "lineage");
  EXPECT_PROBLEM(m.lineage[0].attempt = 2, "ascend");
  EXPECT_PROBLEM(m.lineage[0].last_epoch = 4, "checkpoint 15");
  EXPECT_PROBLEM(m.lineage.resize(kLineageMax + 1), "limit");
  EXPECT_PROBLEM(m.checkpoints.clear(), "no checkpoint");
}

TEST(CheckManifestTest, EverythingIsNamedByACheckpoint) {
  EXPECT_PROBLEM(
      (m.tables[9] = {.id = 9, .name = "t", .key_codec = "", .value_codec = "", .schema = ""},
       m.next_table_id = 10),
      "table 9 is in no checkpoint");
  EXPECT_PROBLEM((m.files[99] = m.files.at(5), m.files[99].id = 99, m.files[99].name = "log/x",
                  m.next_file_id = 100),
                 "file 99");
  EXPECT_PROBLEM((m.bases[9] = m.bases.at(1), m.bases[9].id = 9, m.next_base_id = 10), "base 9");
}

// ---- CheckTransition ----

std::string TransitionProblem(const std::function<void(Manifest&)>& change) {
  const Manifest from = FullList();
  Manifest to = from;
  ++to.version;
  change(to);
  return ProblemOf(CheckTransition(from, to), "manifest-transition");
}

#define EXPECT_TRANSITION_PROBLEM(change, part)                               \
  do {                                                                        \
    const std::string found = TransitionProblem([](Manifest& m) { change; }); \
    EXPECT_NE(found.find(part), std::string::npos) << "\"" << found << "\"";  \
  } while (false)

TEST(CheckTransitionTest, AcceptsWhatEditsDo) {
  EXPECT_EQ(TransitionProblem([](Manifest&) {}), "");
  ManifestWriter writer;
  writer.list = FullList();
  Manifest before = writer.list;
  const auto step = [&](const ManifestVersion& version) {
    writer.Do(version);
    EXPECT_TRUE(CheckTransition(before, writer.list).ok())
        << CheckTransition(before, writer.list).ToString();
  };
  step(writer.Commit(17, 7));
  step(writer.Rebase(6));
  step(writer.Remove({12, 13}));
  step(writer.Open());
  // A branch that uses the id 16 again.
  step(writer.CommitAfter(writer.list.FindCheckpoint(15), 16, 6));
}

TEST(CheckTransitionTest, RefusesWhatNoWriterDoes) {
  EXPECT_TRANSITION_PROBLEM(m.version -= 1, "version");
  EXPECT_TRANSITION_PROBLEM(m.repository_id = WriterOf(1), "repositories");
  EXPECT_TRANSITION_PROBLEM(m.subtask = 1, "subtasks");
  EXPECT_TRANSITION_PROBLEM(m.max_parallelism = 64, "repositories");
  EXPECT_TRANSITION_PROBLEM(m.attempt = 1, "attempt falls");
  EXPECT_TRANSITION_PROBLEM(m.writer = WriterOf(9), "writer changes");
  EXPECT_TRANSITION_PROBLEM(m.next_table_id = 1, "counter");
  EXPECT_TRANSITION_PROBLEM(m.next_file_id = 1, "counter");
  EXPECT_TRANSITION_PROBLEM(m.next_base_id = 1, "counter");
  EXPECT_TRANSITION_PROBLEM(m.files.at(5).size += 1, "file 5 changes");
  EXPECT_TRANSITION_PROBLEM(m.tables.at(1).name = "x", "table 1 changes");
  EXPECT_TRANSITION_PROBLEM(m.bases.at(1).current = "x", "base 1 changes");
  EXPECT_TRANSITION_PROBLEM(m.files[3].id = 3, "file 3 comes back");
  EXPECT_TRANSITION_PROBLEM(m.checkpoints[1].metadata["a"] = "b", "checkpoint 13 changes");
  EXPECT_TRANSITION_PROBLEM(m.checkpoints[1].time_ms += 1, "checkpoint 13 changes");
  EXPECT_TRANSITION_PROBLEM(m.checkpoints[1].at.epoch += 1, "older attempt");
}

TEST(CheckTransitionTest, ClosedWritersStayClosed) {
  Manifest from = FullList();
  from.writer_open = false;
  Manifest to = from;
  ++to.version;
  to.writer_open = true;
  EXPECT_FALSE(CheckTransition(from, to).ok());
  ++to.attempt;
  EXPECT_TRUE(CheckTransition(from, to).ok());
}

}  // namespace
}  // namespace tidemark::format
