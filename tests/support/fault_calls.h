// How FaultFileSystem and its files ask the plan before they pass a call on.
#pragma once

#include "tests/support/fault_file_system.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace tidemark::test {

// What RocksDB makes of the error numbers.
inline rocksdb::IOStatus ErrorOf(FaultError error, const std::string& name) {
  using rocksdb::IOStatus;
  if (error == FaultError::kFull || error == FaultError::kShort)
    return IOStatus::NoSpace(name, std::generic_category().message(ENOSPC));
  if (error == FaultError::kNoFiles)
    return IOStatus::IOError("While open a file: " + name, std::generic_category().message(EMFILE));
  return IOStatus::IOError(name, std::generic_category().message(EIO) + " (injected)");
}

// Runs `call` unless the plan says otherwise.
template <class Call>
rocksdb::IOStatus Guarded(FaultPlan<FileOperation>& plan, FileOperation operation,
                          const std::string& name, Call&& call) {
  const auto fault = plan.Strike(operation, name);
  if (!fault) return call();
  if (fault->answer_lost) call().PermitUncheckedError();
  return ErrorOf(fault->error, name);
}

// The same for what changes nothing: it counts, and fails, only for faults that name it.
template <class Call>
rocksdb::IOStatus GuardedIfNamed(FaultPlan<FileOperation>& plan, FileOperation operation,
                                 const std::string& name, Call&& call) {
  const auto fault = plan.StrikeIfNamed(operation, name);
  return fault ? ErrorOf(fault->error, name) : call();
}

}  // namespace tidemark::test
