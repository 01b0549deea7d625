// SampleRepository: a repository on disk as a store leaves it, made one checkpoint at a time
// through the storage layer, with real segments.
#pragma once

#include "storage/repository.h"

#include <tidemark/options.h>

#include <cstdint>
#include <memory>
#include <string>

namespace tidemark::test {

struct SampleCheckpoint {
  uint64_t id = 0;
  uint64_t records = 3;
  bool inlined = false;   // the segment: in the manifest version instead of in a file
  bool new_base = false;  // at the checkpoint before, which this and that then stand on
  Metadata metadata = {};
  size_t keep_last = 1000;  // older checkpoints are dropped
};

// Errors are thrown as BadStatus: what makes a sample has to work.
class SampleRepository {
 public:
  // Opens for writing; `path` is created.
  explicit SampleRepository(const std::string& path, uint32_t subtask = 0,
                            uint32_t parallelism = 1);

  SampleRepository& Commit(const SampleCheckpoint& what);
  // Deletes what dropped checkpoints left.
  void Collect();
  // Ends the writer; without this it counts as dead when the object goes.
  void Close();

  storage::Repository& writer() { return *repository_; }
  format::Manifest manifest() const { return repository_->manifest(); }
  // Of the files of a kind, the path of the n-th by age.
  std::string PathOf(format::FileKind kind, size_t index) const;
  std::string PathOf(const std::string& name) const;

 private:
  format::FileMeta AddSegment(const SampleCheckpoint& what, const format::Manifest& list,
                              uint64_t file_id, std::vector<format::SegmentEntry>* inlined);
  void AddBase(const format::Manifest& list, uint64_t* next_file, format::ManifestEdit* edit);
  format::FileMeta PutBaseFile(const format::Manifest& list, uint64_t id, format::FileKind kind,
                               const std::string& content);

  const std::string path_;
  const uint32_t subtask_;
  std::unique_ptr<storage::Repository> repository_;
};

}  // namespace tidemark::test
