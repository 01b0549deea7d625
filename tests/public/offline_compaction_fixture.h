// OfflineCompactionFixture: a repository that a job has left, and its compaction by somebody else.
#pragma once

#include "storage/repository.h"
#include "storage/verify.h"
#include "tests/public/read_view_fixture.h"

#include <tidemark/compact.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace tidemark::test {

class OfflineCompactionFixture : public ReadViewFixture {
 protected:
  using Digests = std::map<uint64_t, std::string>;  // by checkpoint

  OfflineCompactionFixture() {
    options_.runtime =
        Runtime::Create({.memory_budget_bytes = 64 * kMiB, .background_threads = 0}).value();
    options_.write_back_segments = 4'096;  // so that the log may grow
    options_.keep_last = 12;
    compact_.storage = storage_;
    compact_.directory = directory_ / "scratch";
    compact_.memory_budget_bytes = 16 * kMiB;
  }

  void Close() {
    EXPECT_OK(store_->Close());
    store_.reset();
  }

  CompactedSubtask Compact() {
    auto report = CompactRepository(compact_);
    EXPECT_TRUE(report.has_value()) << report.error().ToString();
    if (!report.has_value()) return {};
    EXPECT_EQ(report->subtasks.size(), 1u);
    EXPECT_TRUE(ScratchIsEmpty());
    return report->subtasks.front();
  }
  bool ScratchIsEmpty() const {
    return !std::filesystem::exists(compact_.directory) ||
           std::filesystem::is_empty(compact_.directory);
  }

  // Checkpoints `first` to `last`, of twenty random changes each to the tables `t` and `s`.
  void SaveRandom(uint64_t first, uint64_t last) {
    Table table = Open("t", {.kind = TableKind::kOrderedBytes});
    Table small = Open("s");
    for (uint64_t id = first; id <= last; ++id) {
      for (int change = 0; change < 20; ++change) {
        const std::string key = std::to_string(10 + random_() % 80);
        EXPECT_OK(random_() % 3 == 0 ? table.Delete(key) : table.Put(key, std::to_string(id)));
      }
      if (id % 3 == 0) {
        EXPECT_OK(table.DeleteRange({.from = "30", .to = "40"}));
      }
      EXPECT_OK(small.Put(std::to_string(id % 4), std::to_string(id)));
      ASSERT_OK(Save(id));
    }
  }

  // Of all retained checkpoints, as a reader on another machine sees them.
  Digests ReadDigests() {
    StoreOptions options = options_;
    options.directory = directory_ / "reader";
    auto store = StateStore::Open(options);
    EXPECT_TRUE(store.has_value()) << store.error().ToString();
    Digests digests;
    if (!store.has_value()) return digests;
    for (const CheckpointInfo& info : (*store)->Checkpoints()) {
      auto view = (*store)->OpenView({.checkpoint = info.id, .verification = Verification::kFull});
      EXPECT_TRUE(view.has_value()) << view.error().ToString();
      if (view.has_value()) digests[info.id] = view->Digest().value();
    }
    EXPECT_OK((*store)->Close());
    std::filesystem::remove_all(options.directory);
    return digests;
  }

  format::Manifest List(uint32_t subtask = 0) const {
    const auto info = storage::ReadRepositoryInfo(*storage_);
    EXPECT_TRUE(info.has_value()) << info.error().ToString();
    auto reading = storage::ReadManifest(*storage_, info->id, subtask);
    EXPECT_TRUE(reading.has_value()) << reading.error().ToString();
    return std::move(reading->manifest);
  }

  // Every byte of every retained checkpoint is intact, and no other file of log/ and base/ is
  // there.
  void ExpectIntactAndTidy(uint32_t subtask = 0) const {
    const format::Manifest list = List(subtask);
    storage::Verifier verifier(*storage_, list, storage::VerifyLevel::kChecksum);
    for (const format::Checkpoint& checkpoint : list.checkpoints) {
      const storage::VerifyReport report = verifier.Verify(checkpoint);
      for (const Status& finding : report.findings) ADD_FAILURE() << finding.ToString();
    }
    std::vector<std::string> named;
    for (const auto& [id, file] : list.files)
      if (file.kind != format::FileKind::kInlined) named.push_back(file.name);
    std::sort(named.begin(), named.end());
    EXPECT_EQ(FilesThere(subtask), named);
  }
  std::vector<std::string> FilesThere(uint32_t subtask = 0) const {
    const std::string prefix = "subtasks/0000" + std::to_string(subtask) + "/";
    std::vector<std::string> names;
    for (const char* const folder : {"base/", "log/"})
      for (const ObjectInfo& object : storage_->List(prefix + folder).value())
        names.push_back(object.name.substr(prefix.size()));
    return names;
  }

  std::mt19937_64 random_{11};
  CompactOptions compact_;
};

}  // namespace tidemark::test
