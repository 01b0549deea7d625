#include "storage/rocksdb_status.h"

#include <cerrno>
#include <cstring>
#include <string>

namespace tidemark::storage {
namespace {

struct Translation {
  StatusCode code;
  std::string_view name;
  std::string_view advice;
};

// RocksDB has no subcode for a full quota, only the text of the error number.
bool QuotaExceeded(const rocksdb::Status& status) {
  const char* state = status.getState();
  return state != nullptr && std::strstr(state, std::strerror(EDQUOT)) != nullptr;
}

Translation TranslateIoError(const rocksdb::Status& status) {
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit ||
      QuotaExceeded(status)) {
    return {StatusCode::kResourceExhausted, "disk-full", "free space on the disk and retry"};
  }
  if (status.IsPathNotFound()) return {StatusCode::kNotFound, "file-not-found", ""};
  return {StatusCode::kUnavailable, "io-error", "check the medium and retry"};
}

Translation Translate(const rocksdb::Status& status) {
  switch (status.code()) {
    case rocksdb::Status::kNotFound:
      return {StatusCode::kNotFound, "file-not-found", ""};
    case rocksdb::Status::kCorruption:
      return {StatusCode::kCorruption, "rocksdb-corruption", "restore from an intact checkpoint"};
    case rocksdb::Status::kIOError:
      return TranslateIoError(status);
    case rocksdb::Status::kNotSupported:
      return {StatusCode::kUnsupported, "rocksdb-not-supported", ""};
    case rocksdb::Status::kBusy:
      return {StatusCode::kBusy, "rocksdb-busy", "retry"};
    case rocksdb::Status::kShutdownInProgress:
      return {StatusCode::kClosed, "rocksdb-shutdown", ""};
    case rocksdb::Status::kMergeInProgress:
    case rocksdb::Status::kIncomplete:
    case rocksdb::Status::kTimedOut:
    case rocksdb::Status::kAborted:
    case rocksdb::Status::kTryAgain:
      if (status.IsMemoryLimit()) {
        return {StatusCode::kResourceExhausted, "rocksdb-memory-limit", ""};
      }
      return {StatusCode::kUnavailable, "rocksdb-try-again", "retry"};
    default:
      // InvalidArgument among them: we made the call, so it is our bug, not the caller's.
      return {StatusCode::kInternal, "rocksdb-error", ""};
  }
}

}  // namespace

Status FromRocksDb(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return {};
  const Translation translation = Translate(status);
  std::string message(doing);
  message.append(": ").append(status.ToString());
  if (!translation.advice.empty()) message.append("; ").append(translation.advice);
  return Status(translation.code, translation.name, std::move(message));
}

}  // namespace tidemark::storage
