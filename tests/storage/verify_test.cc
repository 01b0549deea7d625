#include "storage/verify.h"

#include "tests/storage/repository_fixture.h"

#include <filesystem>
#include <fstream>

namespace tidemark::test {
namespace {

using storage::VerifyLevel;
using storage::VerifyReport;

// Checkpoints 1 and 2 of a base file, two segments of their own, and an inlined one that 2 adds.
class VerifyTest : public RepositoryFixture {
 protected:
  VerifyTest() {
    TestWriter writer = Open();
    writer.Commit(1, {.inlined = false}).Check();
    writer.Commit(2, {.inlined = false, .rebase = true}).Check();
    writer.Commit(3, {.inlined = true, .keep_last = 2}).Check();
    list_ = writer->manifest();
  }

  VerifyReport Verify(uint64_t id, VerifyLevel level) {
    return storage::VerifyCheckpoint(*fault_, list_, *list_.FindCheckpoint(id), level);
  }
  const format::FileMeta& FileOf(format::FileKind kind) {
    for (const auto& [id, file] : list_.files)
      if (file.kind == kind) return file;
    throw std::logic_error("no such file");
  }
  std::string Local(const format::FileMeta& file) {
    return PathOf(format::SubtaskPrefix(0) + file.name);
  }
  void FlipLastByte(const format::FileMeta& file) {
    std::fstream stream(Local(file), std::ios::binary | std::ios::in | std::ios::out);
    stream.seekg(-1, std::ios::end);
    const char last = static_cast<char>(stream.get());
    stream.seekp(-1, std::ios::end);
    stream.put(static_cast<char>(last ^ 1));
  }
  // One finding of this name that names the file.
  void ExpectFinding(const VerifyReport& report, std::string_view name,
                     const format::FileMeta& file) {
    ASSERT_EQ(report.findings.size(), 1u);
    EXPECT_TRUE(report.damaged());
    EXPECT_EQ(report.findings[0].name(), name);
    EXPECT_EQ(report.findings[0].code(), StatusCode::kCorruption);
    const std::string message(report.findings[0].message());
    EXPECT_NE(message.find(Local(file)), std::string::npos) << message;
    EXPECT_NE(message.find("expected"), std::string::npos) << message;
    EXPECT_NE(message.find("got"), std::string::npos) << message;
  }

  format::Manifest list_;
};

TEST_F(VerifyTest, FindsNothingInAnIntactRepository) {
  for (const auto level : {VerifyLevel::kManifest, VerifyLevel::kFiles, VerifyLevel::kChecksum}) {
    for (const uint64_t id : {2, 3}) EXPECT_TRUE(Verify(id, level).intact());
  }
  const VerifyReport manifest = Verify(3, VerifyLevel::kManifest);
  EXPECT_EQ(manifest.files, 3u);
  EXPECT_EQ(manifest.files_checked, 0u);
  const VerifyReport files = Verify(3, VerifyLevel::kFiles);
  EXPECT_EQ(files.files_checked, 3u);
  EXPECT_EQ(files.bytes_checked, FileOf(format::FileKind::kInlined).size);
  const VerifyReport checksum = Verify(3, VerifyLevel::kChecksum);
  EXPECT_EQ(checksum.bytes_checked, checksum.bytes);
  EXPECT_GT(checksum.bytes, 0u);
}

TEST_F(VerifyTest, FindsAMissingFile) {
  for (const auto kind : {format::FileKind::kSegment, format::FileKind::kBaseMeta}) {
    const format::FileMeta& file = FileOf(kind);
    std::filesystem::rename(Local(file), Local(file) + ".away");
    EXPECT_TRUE(Verify(2, VerifyLevel::kManifest).intact());
    ExpectFinding(Verify(2, VerifyLevel::kFiles), "file-missing", file);
    ExpectFinding(Verify(2, VerifyLevel::kChecksum), "file-missing", file);
    std::filesystem::rename(Local(file) + ".away", Local(file));
  }
}

TEST_F(VerifyTest, FindsATruncatedFile) {
  const format::FileMeta& file = FileOf(format::FileKind::kSegment);
  std::filesystem::resize_file(Local(file), file.size - 1);
  ExpectFinding(Verify(2, VerifyLevel::kFiles), "file-size", file);
  ExpectFinding(Verify(2, VerifyLevel::kChecksum), "file-size", file);
}

TEST_F(VerifyTest, FindsAnAlteredFile) {
  const format::FileMeta& file = FileOf(format::FileKind::kBaseMeta);
  FlipLastByte(file);
  EXPECT_TRUE(Verify(2, VerifyLevel::kFiles).intact());
  ExpectFinding(Verify(2, VerifyLevel::kChecksum), "file-checksum", file);
}

TEST_F(VerifyTest, FindsDamageOfAnInlinedSegment) {
  const format::FileMeta file = FileOf(format::FileKind::kInlined);
  list_.files.at(file.id).checksum.bytes[3] ^= 1;
  ExpectFinding(Verify(3, VerifyLevel::kChecksum), "file-checksum", file);
  list_.files.at(file.id).checksum = file.checksum;
  FlipLastByte(file);
  const VerifyReport altered = Verify(3, VerifyLevel::kFiles);
  ASSERT_EQ(altered.findings.size(), 1u);
  EXPECT_TRUE(altered.damaged());
  std::ofstream(Local(file), std::ios::trunc) << "something else altogether";
  EXPECT_TRUE(Verify(3, VerifyLevel::kFiles).damaged());
  std::filesystem::remove(Local(file));
  ExpectFinding(Verify(3, VerifyLevel::kFiles), "file-missing", file);
  EXPECT_TRUE(Verify(2, VerifyLevel::kChecksum).intact());
}

TEST_F(VerifyTest, FindsAListThatDoesNotAddUp) {
  format::Checkpoint broken = *list_.FindCheckpoint(3);
  broken.segments.pop_back();
  const VerifyReport gap =
      storage::VerifyCheckpoint(*fault_, list_, broken, VerifyLevel::kManifest);
  ASSERT_EQ(gap.findings.size(), 1u);
  EXPECT_EQ(gap.findings[0].name(), "manifest-invariant");
  broken.segments.push_back(999);
  broken.base = 999;
  EXPECT_GE(
      storage::VerifyCheckpoint(*fault_, list_, broken, VerifyLevel::kManifest).findings.size(),
      2u);
}

TEST_F(VerifyTest, TellsAnIoErrorFromDamage) {
  fault_->plan().Inject({.sticky = true,
                         .contains = "log/",
                         .operations = {StorageOperation::kRead, StorageOperation::kSize}});
  for (const auto level : {VerifyLevel::kFiles, VerifyLevel::kChecksum}) {
    const VerifyReport report = Verify(2, level);
    ASSERT_EQ(report.findings.size(), 1u);
    EXPECT_EQ(report.findings[0].code(), StatusCode::kUnavailable);
    EXPECT_FALSE(report.damaged());
    EXPECT_FALSE(report.intact());
    EXPECT_EQ(report.files_checked, report.files - 1);
  }
}

TEST_F(VerifyTest, LooksAtSharedFilesOnce) {
  FlipLastByte(FileOf(format::FileKind::kBaseMeta));
  storage::Verifier verifier(*fault_, list_, VerifyLevel::kChecksum);
  const VerifyReport first = verifier.Verify(*list_.FindCheckpoint(2));
  const uint64_t calls = fault_->plan().calls();
  const VerifyReport again = verifier.Verify(*list_.FindCheckpoint(2));
  EXPECT_EQ(fault_->plan().calls(), calls);
  EXPECT_EQ(first.findings.size(), 1u);
  EXPECT_EQ(again.findings.size(), 1u);
  EXPECT_EQ(again.files, first.files);
  const VerifyReport third = verifier.Verify(*list_.FindCheckpoint(3));
  EXPECT_EQ(third.findings.size(), 1u);
  EXPECT_EQ(verifier.total().findings.size(), 1u);
  EXPECT_EQ(verifier.total().files, list_.files.size());
  EXPECT_EQ(verifier.total().files_checked, list_.files.size());
}

}  // namespace
}  // namespace tidemark::test
