// BackgroundErrors: keeps one RocksDB usable after an I/O error that may pass, a full disk above
// all.
//
// RocksDB reacts to an I/O error of a compaction or of its MANIFEST by stopping, and in 7.8 an
// ingestion after DB::Resume, or after its recovery from a full disk, runs with file number 0: it
// aborts, or without asserts damages the database. So I/O errors are not let through to RocksDB's
// error handler, and nobody calls Resume. What is left to be done, for a database whose changes are
// ingestions only:
//   - after an error of the MANIFEST RocksDB starts a new one with its next change, which holds
//   what it
//     has in memory, so that a change that failed stays out for good. Until then it deletes no
//     files; after that they must be let go (FileDeletionsHeld)
//   - a failed compaction is tried again by RocksDB itself, a second later
// Other errors, proven corruption among them, stop the database as RocksDB means it.
#pragma once

#include <rocksdb/listener.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace tidemark::storage {

// Thread safety: all members may be called concurrently.
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;

  // Counts an error of the foreground too.
  void Add() noexcept { count_.fetch_add(1); }
  // Errors so far.
  uint64_t count() const noexcept { return count_.load(); }
  // How often RocksDB has stopped deleting files, since the last call.
  uint64_t TakeFileDeletionsHeld() noexcept { return deletions_held_.exchange(0); }
  // The last one in the background, for messages; empty if there was none.
  std::string last() const;

 private:
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> deletions_held_{0};
  mutable std::mutex mutex_;
  std::string last_;  // guarded by mutex_
};

}  // namespace tidemark::storage
