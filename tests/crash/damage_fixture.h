// DamageFixture: a repository with every kind of file in it, made once, and copies of it with one
// file damaged.
//
//   checkpoint   1  2  3  4  5  6  7  8  9  10
//   attempt      1  1  1  2  2  2  2  2  3  3     the third one's snapshot lists the first eight
//   base               3  3  5  5  5  5  5  5
//   segment      f  f  f  f  f  f  i  i  f  i     f: a file, i: inside the manifest version
#pragma once

#include "format/names.h"
#include "tests/crash/crash_store.h"
#include "tests/crash/in_child.h"
#include "tests/support/fault_storage.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace tidemark::test {

constexpr uint64_t kNewest = 10;

enum class Part {
  kFormat,
  kSnapshot,
  kNewestManifest,
  kTailManifest,    // the one before
  kInlinedSegment,  // of checkpoint 7; the list does not need its version
  kSegment,         // of checkpoint 6
  kBaseSst,         // of the newer base only
  kBaseMeta,
};
enum class Harm { kMissing, kEmpty, kTruncated, kBitFlipped, kByteAppended, kReplaced };

std::string NameOf(Part part);
std::string NameOf(Harm harm);
inline void PrintTo(Part part, std::ostream* out) { *out << NameOf(part); }
inline void PrintTo(Harm harm, std::ostream* out) { *out << NameOf(harm); }

// The content at a checkpoint.
Content TemplateContent(uint64_t id);

class DamageFixture : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  // `root()` does not exist, whatever the test before has left.
  void SetUp() override;

  // A fresh copy of the template in `root()`/repository.
  void CopyTemplate();
  // Where the part lies, relative to the repository.
  static std::string PathOf(Part part);
  void Damage(const std::string& path, Harm harm);
  // Where it lay in the repository before the third attempt.
  static std::string OlderPathOf(const std::string& name);

  std::string root() const { return *directory_ / "case"; }
  std::string PathOf(const std::string& name) const { return root() + "/repository/" + name; }
  StoreOptions Options() const;
  // The repository of `root()` on storage that a test may interfere with.
  std::shared_ptr<FaultStorage> Storage() const {
    return std::make_shared<FaultStorage>(StorageAt(root(), DiskWithoutSyncs()));
  }
  static Result<TestStore> Open(const StoreOptions& options) {
    return TestStore::Open(options, DiskWithoutSyncs());
  }

  // Opens in a child process. The checkpoint is `id`, and what is restored is exactly what was
  // written; what was passed over is told, and some message names `damaged`, with what was expected
  // and what was there. If `damaged` is empty, nothing is told.
  void ExpectRestores(const StoreOptions& options, uint64_t id, const std::string& damaged);
  // Opens in a child process and expects the error, whose message holds each of `says`.
  void ExpectError(const StoreOptions& options, StatusCode code,
                   const std::vector<std::string>& says);

 private:
  static TempDir* directory_;
};

}  // namespace tidemark::test
