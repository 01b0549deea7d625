// What may happen to the calls of a disk, for tests that let it happen to each of them.
#pragma once

#include "tests/crash/crash_store.h"
#include "tests/support/environment.h"
#include "tests/support/fault_file_system.h"

#include <tidemark/status.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>

namespace tidemark::test {

struct FaultMode {
  const char* name;
  FileFault fault;
};
inline const FaultMode kFaultModes[] = {
    {"EIO once", {}},
    {"EIO from then on", {.sticky = true}},
    {"disk full once", {.error = FaultError::kFull}},
    {"disk full from then on", {.sticky = true, .error = FaultError::kFull}},
    {"short write once", {.error = FaultError::kShort, .operations = {FileOperation::kAppend}}},
    {"short writes from then on",
     {.sticky = true, .error = FaultError::kShort, .operations = {FileOperation::kAppend}}},
    {"answer lost once", {.answer_lost = true}},
    {"answers lost from then on", {.sticky = true, .answer_lost = true}},
    {"no file can be opened once",
     {.error = FaultError::kNoFiles, .operations = {FileOperation::kOpen, FileOperation::kCreate}}},
    {"no file can be opened from then on",
     {.sticky = true,
      .error = FaultError::kNoFiles,
      .operations = {FileOperation::kOpen, FileOperation::kCreate}}},
};
inline void PrintTo(const FaultMode& mode, std::ostream* out) { *out << mode.name; }

constexpr unsigned kHangSeconds = 60;  // then SIGALRM ends the test

// From one call that is tried to the next.
inline uint64_t FaultStride() {
  const uint64_t otherwise = TIDEMARK_SANITIZED != 0 ? 97 : 23;
  return std::max<uint64_t>(1, FromEnvironment("TIDEMARK_FAULT_STRIDE", otherwise));
}

// An error that a medium may cause, said clearly.
inline void ExpectMediumError(const Status& status) {
  EXPECT_TRUE(status.code() == StatusCode::kUnavailable ||
              status.code() == StatusCode::kResourceExhausted)
      << status.ToString();
  EXPECT_FALSE(status.message().empty());
}

// False if it cannot be exported now; then there is no destination.
inline bool TryExport(const std::string& from, const std::string& to,
                      const storage::FileSystemPtr& disk) {
  const auto source = storage::OpenLocalDirectoryOn(from, disk);
  const Status status = source.has_value() ? ExportNewest(**source, to, disk) : source.error();
  if (status.ok()) return true;
  ExpectMediumError(status);
  // Renamed already, it may be there when what fails is the sync of its folder.
  if (std::filesystem::exists(to)) {
    EXPECT_EQ(FindDamageOfExport(to), "");
  }
  std::filesystem::remove_all(to);
  return false;
}

inline std::string NameOfMode(const ::testing::TestParamInfo<FaultMode>& mode) {
  std::string name = mode.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

}  // namespace tidemark::test
