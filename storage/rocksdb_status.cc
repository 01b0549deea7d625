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

bool Says(const rocksdb::Status& status, const char* text) {
  const char* state = status.getState();
  return state != nullptr && std::strstr(state, text) != nullptr;
}

// RocksDB has no subcodes for a full quota and for too many open files, only the text of the error
// number.
Translation TranslateIoError(const rocksdb::Status& status) {
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit ||
      Says(status, std::strerror(EDQUOT)) || Says(status, std::strerror(ENOSPC))) {
    return {StatusCode::kResourceExhausted, "disk-full", "free space on the disk and retry"};
  }
  if (Says(status, std::strerror(EMFILE)) || Says(status, std::strerror(ENFILE))) {
    return {StatusCode::kUnavailable, "too-many-files",
            "raise the limit of open files (ulimit -n) and retry"};
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
    case rocksdb::Status::kInvalidArgument:
      // What it cannot read while it opens a database it wraps in one of these; so does what keeps
      // it from trying whether the file system knows direct I/O.
      if (Says(status, "IO error: ") || Says(status, "Direct I/O is not supported"))
        return TranslateIoError(status);
      [[fallthrough]];
    default:
      // InvalidArgument otherwise, too: we made the call, so it is our bug, not the caller's.
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
