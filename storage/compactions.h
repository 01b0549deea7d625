// Compactions: knows whether RocksDB is compacting a database, and tells when it has ended one.
#pragma once

#include <rocksdb/listener.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>

namespace tidemark::storage {

// Thread safety: all members may be called concurrently.
class Compactions final : public rocksdb::EventListener {
 public:
  void OnCompactionBegin(rocksdb::DB* database, const rocksdb::CompactionJobInfo& job) override;
  void OnCompactionCompleted(rocksdb::DB* database, const rocksdb::CompactionJobInfo& job) override;

  // Tells of the end of a job that RocksDB does not tell of as a whole.
  void Ended();

  bool running() const noexcept { return running_.load() > 0; }
  // Called after each one, on the thread that it ended on; null: nobody is. Once this returns the
  // one before is called no more.
  void SetOnEnded(std::function<void()> on_ended);

 private:
  std::atomic<int64_t> running_{0};
  std::mutex mutex_;
  std::function<void()> on_ended_;  // guarded by mutex_
};

}  // namespace tidemark::storage
