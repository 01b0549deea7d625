// Files of our own formats that are made to cost whoever reads them: frames that expand to as much
// as a frame may hold, or claim to, from a few dozen KiB, with checksums that are right. Opening,
// restoring and verifying end in an error, or with what does without the file, in bounded memory.
//
// What a reader holds at once is a frame, and at most what it has made of it (SECURITY.md).
#include "format/checksum.h"
#include "format/frame.h"
#include "format/manifest.h"
#include "format/names.h"
#include "storage/file_system.h"
#include "storage/segment_file.h"
#include "tests/crash/in_child.h"
#include "tests/support/environment.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/inspect.h"
#include "tests/tools/sample_repository.h"

#include <tidemark/pins.h>
#include <tidemark/runtime.h>
#include <tidemark/store.h>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

// TIDEMARK_DAMAGE_STRIDE=1: every bomb in every place, as large as a frame may be.
bool IsLongForm() { return FromEnvironment("TIDEMARK_DAMAGE_STRIDE", 0) == 1; }
uint64_t RawBytes() {
  if (TIDEMARK_SANITIZED != 0) return uint64_t{32} << 20;
  return IsLongForm() ? format::kFrameRawBytesMax : uint64_t{256} << 20;
}
constexpr uint64_t kBesidesBytes = uint64_t{128} << 20;  // of a process that reads no bomb
constexpr unsigned kSecondsMax = 120;

void AppendNumber(uint64_t number, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i) out->push_back(static_cast<char>(number >> (8 * i)));
}

// What zstd takes for `head` and zeros behind it, `raw_bytes` in all: a block of up to 128 KiB of
// one byte takes four.
std::string ZstdOfZeros(uint64_t raw_bytes, std::string_view head = {}) {
  constexpr uint64_t kBlockMax = 128 << 10;
  constexpr uint64_t kRunOfOneByte = 2;  // a block's type, above the bit of the last one
  std::string out;
  AppendNumber(0xFD2FB528, 4, &out);
  AppendNumber(0xE0, 1, &out);  // one segment, eight bytes of size
  AppendNumber(raw_bytes, 8, &out);
  uint64_t left = raw_bytes - head.size();
  if (!head.empty()) {
    AppendNumber(head.size() << 3, 3, &out);
    out.append(head);
  }
  while (left > 0) {
    const uint64_t block = std::min(left, kBlockMax);
    left -= block;
    AppendNumber((block << 3) | kRunOfOneByte | (left == 0 ? 1 : 0), 3, &out);
    out.push_back('\0');
  }
  return out;
}

// A frame whose checksum vouches for it.
std::string FrameOf(format::FrameKind kind, uint64_t raw_bytes, std::string_view payload) {
  std::string frame;
  AppendNumber(static_cast<uint64_t>(Compression::kZstd), 1, &frame);
  AppendNumber(static_cast<uint64_t>(kind), 1, &frame);
  AppendNumber(0, 2, &frame);
  AppendNumber(raw_bytes, 4, &frame);
  AppendNumber(format::Checksum64Of(frame, payload), 8, &frame);
  return frame.append(payload);
}

std::string ReadAll(const std::string& path) {
  return storage::ReadWholeFile(*storage::DefaultFileSystem(), path).value();
}
void Write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// The frame of a bomb: what it holds, and how much it says that it holds.
struct Bomb {
  std::string name;
  uint64_t raw_bytes = 0;
  std::string payload;
};
std::vector<Bomb> Bombs() {
  const std::string zeros = ZstdOfZeros(RawBytes());
  return {{"expands to all that it may", RawBytes(), zeros},
          {"ends early", RawBytes(), zeros.substr(0, zeros.size() / 2)},
          {"expands to more than it says", 1000, zeros},
          {"says more than any may hold", UINT32_MAX, ZstdOfZeros(UINT32_MAX)},
          {"is nothing but a claim", RawBytes(), "x"}};
}

enum class Place { kFormat, kVersion, kSnapshot, kPin, kBatch };
constexpr const char* kPlaceNames[] = {"Format", "Version", "Snapshot", "Pin", "Batch"};

// The quick form tries the first one everywhere, and one more in each place.
bool IsTried(size_t bomb, Place place) {
  return IsLongForm() || bomb == 0 || bomb == 1 + static_cast<size_t>(place) % 4;
}

class BombTest : public ::testing::TestWithParam<Place> {
 protected:
  // Checkpoints 1 to 3, the last one in a segment of its own, and a pin of the first. In a child,
  // as this process makes no threads.
  static void SetUpTestSuite() {
    made_ = new TempDir;
    ASSERT_EQ(
        InChild([] {
          SampleRepository sample(*made_ / "repository");
          sample.Commit({.id = 1}).Commit({.id = 2}).Commit({.id = 3});
          const format::Manifest list = sample.manifest();
          const auto& segment = list.files.at(list.checkpoints.back().segments.back());
          Write(*made_ / "version", format::ManifestName(list.version));
          Write(*made_ / "segment", segment.name);
          sample.Close();
          PinCheckpoint(*OpenLocalDirectory(*made_ / "repository").value(), "kept", 1).value();
        }),
        "");
  }
  static void TearDownTestSuite() {
    delete made_;
    made_ = nullptr;
  }
  std::string NameIn(const std::string& name) const {
    return path_ + "/" + format::SubtaskPrefix(0) + name;
  }
  std::string VersionPath() const { return NameIn(ReadAll(*made_ / "version")); }

  void Plant(const Bomb& bomb) {
    fs::remove_all(path_);
    fs::remove_all(directory_ / "live");
    fs::copy(*made_ / "repository", path_, fs::copy_options::recursive);
    switch (GetParam()) {
      case Place::kFormat:
        return PlantFile(path_ + "/FORMAT", format::FrameKind::kRepository, bomb);
      case Place::kVersion:
        return PlantFile(VersionPath(), format::FrameKind::kManifestVersion, bomb);
      case Place::kSnapshot:
        for (const auto& entry : fs::directory_iterator(NameIn("snapshots")))
          PlantFile(entry.path(), format::FrameKind::kManifestSnapshot, bomb);
        return;
      case Place::kPin:
        return PlantFile(path_ + "/pins/kept", format::FrameKind::kPin, bomb);
      case Place::kBatch:
        return PlantBatch(bomb);
    }
  }
  // Behind the file's own header.
  static void PlantFile(const std::string& path, format::FrameKind kind, const Bomb& bomb) {
    Write(path, ReadAll(path).substr(0, format::kFileHeaderBytes) +
                    FrameOf(kind, bomb.raw_bytes, bomb.payload));
  }
  // In the segment of checkpoint 3, and the manifest version vouches for it.
  void PlantBatch(const Bomb& bomb) {
    ASSERT_EQ(InChild([&] {
                const std::string path = NameIn(ReadAll(*made_ / "segment"));
                const storage::FileSystemPtr disk = storage::DefaultFileSystem();
                auto entries = storage::ReadSegmentFile(disk, path).value();
                entries.back().frame =
                    FrameOf(format::FrameKind::kChangeBatch, bomb.raw_bytes, bomb.payload);
                fs::remove(path);
                const auto segment = storage::WriteSegmentFile(disk, path, entries).value();
                auto version =
                    format::DecodeManifestVersion(ReadAll(VersionPath()), "version").value();
                version.edit.files_added.back().size = segment.size;
                version.edit.files_added.back().checksum = segment.checksum;
                Write(VersionPath(), format::EncodeManifestVersion(version).value());
              }),
              "");
  }

  // Without the version the list ends early; without the pin nothing is lost. A segment that has
  // the checksum that its version names was written so: nothing tells that the others were not.
  void ExpectThatOpeningCopes() {
    const std::string end = InChild(
        [this] {
          StoreOptions options;
          options.directory = directory_ / "live";
          options.repository = path_;
          options.runtime = Runtime::Create({.memory_budget_bytes = 32 << 20}).value();
          const auto store = StateStore::Open(options);
          const bool opens = GetParam() == Place::kVersion || GetParam() == Place::kPin;
          ASSERT_EQ(store.has_value(), opens) << store.error().ToString();
          if (!opens) {
            EXPECT_EQ(store.error().code(), StatusCode::kCorruption) << store.error().ToString();
            return;
          }
          EXPECT_EQ((*store)->restored().checkpoint->id, GetParam() == Place::kPin ? 3U : 2U);
        },
        kSecondsMax);
    EXPECT_EQ(end, "");
  }
  void ExpectThatVerifyFindsIt() {
    const std::string end = InChild(
        [this] {
          const Outcome outcome = Inspect({"verify", path_, "--level", "restore"});
          EXPECT_EQ(outcome.exit_code, 4) << outcome.out << outcome.err;
        },
        kSecondsMax);
    EXPECT_EQ(end, "");
  }
  // The most that one of the processes so far had.
  static uint64_t PeakBytes() {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return static_cast<uint64_t>(usage.ru_maxrss) << 10;
  }

  TempDir directory_;
  const std::string path_ = directory_ / "repository";

 private:
  static TempDir* made_;
};

TempDir* BombTest::made_ = nullptr;

TEST_P(BombTest, EndsInAnErrorWithinTheMemoryOfOneFrame) {
  const std::vector<Bomb> bombs = Bombs();
  for (size_t i = 0; i < bombs.size(); ++i) {
    if (!IsTried(i, GetParam())) continue;
    SCOPED_TRACE("a frame that " + bombs[i].name);
    Plant(bombs[i]);
    ExpectThatVerifyFindsIt();
    ExpectThatOpeningCopes();
    if (TIDEMARK_SANITIZED == 0) {
      EXPECT_LT(PeakBytes(), RawBytes() + kBesidesBytes);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(In, BombTest,
                         ::testing::Values(Place::kFormat, Place::kVersion, Place::kSnapshot,
                                           Place::kPin, Place::kBatch),
                         [](const auto& test) {
                           return kPlaceNames[static_cast<size_t>(test.param)];
                         });

}  // namespace
}  // namespace tidemark::test
