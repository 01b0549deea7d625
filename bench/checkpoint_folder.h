// CheckpointFolder: looks after the checkpoints of a RocksDB peer the way a stream processor does:
// a thread of its own counts what each new one would have had to upload, and deletes those that are
// too old. So neither costs the task anything but a share of the processor.
#pragma once

#include <tidemark/status.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace tidemark::bench {

// Thread safety: one thread at a time.
class CheckpointFolder {
 public:
  // Creates `path`.
  CheckpointFolder(std::string path, uint32_t keep_checkpoints);
  // Finishes what is queued.
  ~CheckpointFolder();
  CheckpointFolder(const CheckpointFolder&) = delete;
  CheckpointFolder& operator=(const CheckpointFolder&) = delete;

  std::string PathOf(uint64_t id) const { return path_ + "/checkpoint-" + std::to_string(id); }
  // Of the checkpoint added last.
  std::string newest() const { return newest_; }

  // Takes over the checkpoint that PathOf(id) now holds.
  void Add(uint64_t id);
  // Blocks until nothing is left to do. Returns the first error.
  Status Drain();

  // When drained: bytes of table files that no earlier checkpoint had, and of all other files.
  uint64_t published_bytes() const { return published_bytes_; }
  void ResetCounters() { published_bytes_ = 0; }

 private:
  void Work();
  void Take(const std::string& checkpoint);
  void CountNewBytes(const std::string& checkpoint);

  const std::string path_;
  const size_t keep_checkpoints_;
  std::string newest_;

  // The thread's, and when drained the caller's.
  std::set<std::string> known_tables_;  // numbers of table files are never used again
  std::deque<std::string> retained_;
  uint64_t published_bytes_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<std::string> added_;
  bool working_ = false;
  bool stopping_ = false;
  Status error_;

  std::thread thread_;
};

}  // namespace tidemark::bench
