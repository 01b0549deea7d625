// SyncFloor: what a disk takes for the least that a commit to a local directory must sync, with
// plain system calls: the same calls in the same order (docs/DURABILITY.md), as many bytes, and
// nothing else. What a commit takes beyond that is its own work.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tidemark::bench {

// Members throw std::system_error when a call fails.
//
// Thread safety: one thread at a time.
class SyncFloor {
 public:
  // Makes `directory` and the folders in it, which stand for those of a live directory and of a
  // repository.
  explicit SyncFloor(const std::string& directory);
  ~SyncFloor();
  SyncFloor(const SyncFloor&) = delete;
  SyncFloor& operator=(const SyncFloor&) = delete;

  // A commit whose segment, if it has one that is a file, has `segment_bytes` (0: none), and whose
  // manifest version has `version_bytes`. A segment: create, write, sync, link to its name, sync
  // that folder, remove the scratch name. A version: create a temporary name, write, sync, link,
  // remove the temporary name, sync the folder. Four syncs or two.
  std::chrono::nanoseconds Commit(uint64_t segment_bytes, uint64_t version_bytes);
  // The segment's part of it.
  std::chrono::nanoseconds Segment(uint64_t segment_bytes);

 private:
  // The content durable under its first name.
  void Write(const std::string& path, uint64_t bytes) const;
  void MakeSegment(uint64_t bytes);
  void MakeVersion(uint64_t bytes);

  const std::string directory_;
  // Half random: neither a file system nor a disk may make less of it.
  std::string content_;
  // Files stay until the end: blocks that are freed are work for the syncs that follow.
  uint64_t made_ = 0;
};

}  // namespace tidemark::bench
