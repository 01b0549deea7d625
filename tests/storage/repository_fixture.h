// A tiny language for tests of the repository: a writer that commits made-up checkpoints, and a
// look at what a reader finds.
#pragma once

#include "format/names.h"
#include "storage/file_system.h"
#include "storage/repository.h"
#include "storage/verify.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/fault_storage.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace tidemark::test {

struct CommitShape {
  bool inlined = true;
  size_t keep_last = 1000;
  bool rebase = false;  // onto a base that ends at the newest checkpoint before this one
};

// Commits through a Repository as a store does.
class TestWriter {
 public:
  explicit TestWriter(std::unique_ptr<storage::Repository> repository)
      : repository_(std::move(repository)) {}

  storage::Repository& repository() { return *repository_; }
  storage::Repository* operator->() { return repository_.get(); }

  // Publishes checkpoint `id`, one epoch after the newest.
  Status Commit(uint64_t id, const CommitShape& shape = {}) {
    TIDEMARK_RETURN_IF_ERROR(repository_->Prepare());
    const format::Manifest list = repository_->manifest();
    format::ManifestEdit edit;
    std::vector<format::SegmentEntry> inlined;
    uint64_t next_file = list.next_file_id;
    if (shape.rebase && !list.checkpoints.empty())
      TIDEMARK_RETURN_IF_ERROR(AddBase(list, &next_file, &edit));
    TIDEMARK_ASSIGN_OR_RETURN(const format::FileMeta segment,
                              MakeSegment(list, next_file, shape.inlined, &inlined));
    edit.files_added.push_back(segment);
    edit.checkpoint_added = MakeCheckpoint(list, id, segment);
    if (list.lineage.empty() || list.lineage.back().attempt != list.attempt) {
      edit.lineage = list.lineage;
      edit.lineage->push_back({list.attempt, list.writer, segment.last_epoch});
    }
    for (size_t i = 0; i + shape.keep_last <= list.checkpoints.size(); ++i)
      edit.checkpoints_removed.push_back(list.checkpoints[i].id);
    return repository_->Publish(std::move(edit), std::move(inlined));
  }

  // Commits first...last.
  Status CommitRange(uint64_t first, uint64_t last, const CommitShape& shape = {}) {
    for (uint64_t id = first; id <= last; ++id) TIDEMARK_RETURN_IF_ERROR(Commit(id, shape));
    return {};
  }

  // All of maintenance.
  Status Collect() {
    TIDEMARK_RETURN_IF_ERROR(repository_->DeleteDropped());
    return repository_->CollectManifests();
  }

 private:
  static format::FileMeta File(const format::Manifest& list, uint64_t id, std::string name,
                               const std::string& bytes) {
    format::FileMeta file;
    file.id = id;
    file.name = std::move(name);
    file.size = bytes.size();
    file.checksum = format::Checksum128Of(bytes);
    file.attempt = list.attempt;
    return file;
  }

  Result<format::FileMeta> MakeSegment(const format::Manifest& list, uint64_t id, bool inlined,
                                       std::vector<format::SegmentEntry>* entries) {
    const uint64_t epoch = list.checkpoints.empty() ? 1 : list.checkpoints.back().at.epoch + 1;
    const uint64_t unique = format::RandomUnique();
    const std::string content = "segment of epoch " + std::to_string(epoch);
    format::FileMeta file;
    if (inlined) {
      *entries = {{"key", content}};
      file = File(list, id, format::ManifestName(list.version + 1), "");
      file.kind = format::FileKind::kInlined;
      file.size = format::InlinedBytes(*entries);
      file.checksum = format::InlinedChecksum(*entries);
    } else {
      file = File(list, id, format::SegmentName(list.attempt, epoch, epoch, unique), content);
      file.kind = format::FileKind::kSegment;
      TIDEMARK_RETURN_IF_ERROR(
          repository_->storage().Put(repository_->ObjectName(file.name), content));
    }
    file.first_epoch = file.last_epoch = epoch;
    file.unique = unique;
    return file;
  }

  Status AddBase(const format::Manifest& list, uint64_t* next_file, format::ManifestEdit* edit) {
    const std::string content = "what RocksDB calls its MANIFEST";
    format::FileMeta file = File(
        list, (*next_file)++, format::BaseMetaName(list.attempt, format::RandomUnique()), content);
    file.kind = format::FileKind::kBaseMeta;
    TIDEMARK_RETURN_IF_ERROR(
        repository_->storage().Put(repository_->ObjectName(file.name), content));
    format::Base base;
    base.id = list.next_base_id;
    base.at = list.checkpoints.back().at;
    base.current = "MANIFEST-000001\n";
    base.files = {{file.id, "MANIFEST-000001"}};
    edit->files_added.push_back(std::move(file));
    edit->bases_added.push_back(std::move(base));
    edit->rebase_to = list.next_base_id;
    return {};
  }

  static format::Checkpoint MakeCheckpoint(const format::Manifest& list, uint64_t id,
                                           const format::FileMeta& segment) {
    format::Checkpoint checkpoint;
    checkpoint.id = id;
    checkpoint.at = {list.attempt, list.writer, segment.last_epoch};
    checkpoint.time_ms = static_cast<int64_t>(id);
    checkpoint.tables = std::make_shared<const std::vector<uint32_t>>();
    if (!list.checkpoints.empty()) {
      checkpoint.base = list.checkpoints.back().base;
      checkpoint.segments = list.checkpoints.back().segments;
    }
    checkpoint.segments.push_back(segment.id);
    return checkpoint;
  }

  std::unique_ptr<storage::Repository> repository_;
};

class RepositoryFixture : public ::testing::Test {
 protected:
  RepositoryFixture() {
    fs_->SkipSyncs(true);  // nothing here pulls the plug; local_directory_test looks at the syncs
    Reopen();
  }

  // As a new process sees the directory.
  void Reopen() {
    fault_ = std::make_shared<FaultStorage>(
        storage::OpenLocalDirectoryOn(directory_ / "repository", fs_).value());
  }

  Result<std::unique_ptr<storage::Repository>> TryOpen(bool take_over = false) {
    return storage::Repository::Open({.storage = fault_, .take_over = take_over});
  }
  TestWriter Open(bool take_over = false) { return TestWriter(TryOpen(take_over).value()); }

  format::WriterId RepositoryId() { return storage::ReadRepositoryInfo(*fault_).value().id; }
  Result<storage::ManifestReading> Read() {
    return storage::ReadManifest(*fault_, RepositoryId(), 0);
  }
  static std::vector<uint64_t> Ids(const format::Manifest& list) {
    std::vector<uint64_t> ids;
    for (const format::Checkpoint& checkpoint : list.checkpoints) ids.push_back(checkpoint.id);
    return ids;
  }
  std::vector<uint64_t> ReadIds() { return Ids(Read().value().manifest); }
  static std::vector<uint64_t> Range(uint64_t first, uint64_t last) {
    std::vector<uint64_t> ids;
    for (uint64_t id = first; id <= last; ++id) ids.push_back(id);
    return ids;
  }

  // The names in a folder of the subtask.
  std::vector<std::string> Names(std::string_view folder) {
    std::vector<std::string> names;
    const std::string prefix = format::SubtaskPrefix(0).append(folder);
    const auto objects = fault_->List(prefix).value();
    for (const ObjectInfo& object : objects) names.push_back(object.name);
    return names;
  }
  std::vector<uint64_t> Versions() {
    std::vector<uint64_t> versions;
    for (const std::string& name : Names(format::kManifestPrefix))
      versions.push_back(*format::ParseManifestName(
          std::string_view(name).substr(format::SubtaskPrefix(0).size())));
    return versions;
  }

  // Every retained checkpoint with every byte of its files.
  void ExpectIntact(const format::Manifest& list) {
    EXPECT_EQ(format::CheckManifest(list).ToString(), "OK");
    storage::Verifier verifier(*fault_, list, storage::VerifyLevel::kChecksum);
    for (const format::Checkpoint& checkpoint : list.checkpoints) {
      const storage::VerifyReport report = verifier.Verify(checkpoint);
      for (const Status& finding : report.findings)
        ADD_FAILURE() << "checkpoint " << checkpoint.id << ": " << finding.ToString();
    }
  }

  std::string PathOf(const std::string& name) const { return directory_ / ("repository/" + name); }

  TempDir directory_;
  std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  std::shared_ptr<FaultStorage> fault_;
};

}  // namespace tidemark::test
