#include "storage/background_errors.h"

#include <rocksdb/io_status.h>

namespace tidemark::storage {
namespace {

// Errors that a file system marks as such RocksDB recovers from by itself, and completely.
bool RocksDbRetries(const rocksdb::Status& error) {
  if (error.IsNoSpace()) return false;
  rocksdb::Status copy = error;
  const rocksdb::IOStatus io = rocksdb::status_to_io_status(std::move(copy));
  return io.GetRetryable() || io.GetScope() == rocksdb::IOStatus::kIOErrorScopeFile;
}

}  // namespace

void BackgroundErrors::OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                                         rocksdb::Status* error) {
  count_.fetch_add(1);
  {
    const std::lock_guard lock(mutex_);
    last_ = error->ToString();
  }
  if (!error->IsIOError() || RocksDbRetries(*error)) return;
  if (reason == rocksdb::BackgroundErrorReason::kManifestWrite ||
      reason == rocksdb::BackgroundErrorReason::kManifestWriteNoWAL) {
    deletions_held_.fetch_add(1);
  }
  *error = rocksdb::Status::OK();
}

std::string BackgroundErrors::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace tidemark::storage
