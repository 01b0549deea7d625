#include "tests/crash/damage_fixture.h"

#include "storage/repository.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

constexpr RoundShape kLarge{.keys = 100, .changes = 60, .value_bytes_max = 100};
constexpr uint64_t kInlineBytesMax = 2048;

bool IsSmall(uint64_t round) { return round == 7 || round == 8 || round == 10; }

std::vector<Change> ChangesOf(uint64_t round) {
  const Change mark{ChangeKind::kPut, "counts", "round", std::to_string(round)};
  if (IsSmall(round)) return {mark};
  std::vector<Change> changes;
  for (uint64_t part = 0; part < 4; ++part)
    for (Change& change : ChangesOfRound(round, 100 + part, kLarge))
      changes.push_back(std::move(change));
  changes.push_back(mark);
  return changes;
}

// The directory that all copies are made of; see the picture in the header.
StoreOptions TemplateOptions(const std::string& directory) {
  StoreOptions options = SmallStore(directory + "/template");
  options.write_back_segments = 1000;
  options.write_back_bytes = 16 << 20;
  options.inline_segment_bytes_max = kInlineBytesMax;
  options.keep_last = kNewest;
  return options;
}

void Commit(TestStore& store, uint64_t first, uint64_t last) {
  for (uint64_t round = first; round <= last; ++round) {
    ASSERT_EQ(store.Run(ChangesOf(round)).ToString(), "OK");
    ASSERT_EQ(store.Checkpoint(round).ToString(), "OK");
  }
}

size_t Snapshots(const std::string& directory) {
  const auto folder = format::SubtaskPrefix(0) + std::string(format::kSnapshotPrefix);
  return StorageAt(directory + "/template")->List(folder).value().size();
}

void MakeTemplate(const std::string& directory) {
  const StoreOptions options = TemplateOptions(directory);
  {
    auto store = TestStore::Open(options, DiskWithoutSyncs()).value();
    Commit(store, 1, 3);
    ASSERT_EQ(store.Drain().ToString(), "OK");
  }
  {
    auto store = TestStore::Open(options, DiskWithoutSyncs()).value();
    Commit(store, 4, 5);
    ASSERT_EQ(store.Drain().ToString(), "OK");
    Commit(store, 6, 8);
  }
  fs::remove_all(directory + "/older");
  fs::copy(directory + "/template/repository", directory + "/older", fs::copy_options::recursive);
  auto store = TestStore::Open(options, DiskWithoutSyncs()).value();
  Commit(store, 9, 10);
  while (Snapshots(directory) > 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  Die();
}

std::string NameOfSegment(const format::Manifest& list, uint64_t checkpoint) {
  const format::Checkpoint* const found = list.FindCheckpoint(checkpoint);
  return list.files.at(found->segments.back()).name;
}

// RocksDB's MANIFEST, or the largest SST, of the newer base, which the older one does not have. The
// largest has rows; the small one with the applied mark is read whenever the database is opened, so
// damage of that one never gets as far as the store.
std::string NameOfBaseFile(const format::Manifest& list, format::FileKind kind) {
  std::set<uint64_t> older;
  for (const format::BaseFile& file : list.bases.begin()->second.files) older.insert(file.file);
  const format::FileMeta* largest = nullptr;
  for (const format::BaseFile& file : list.bases.rbegin()->second.files) {
    const format::FileMeta& meta = list.files.at(file.file);
    const bool is_kind = meta.kind == kind && (kind == format::FileKind::kBaseSst ||
                                               file.live_name.starts_with("MANIFEST"));
    if (is_kind && !older.contains(file.file) && (largest == nullptr || meta.size > largest->size))
      largest = &meta;
  }
  if (largest == nullptr) throw std::runtime_error("the newer base has no file of its own");
  return largest->name;
}

std::string Replacement(size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "this is not what was here before; ";
  text.resize(bytes);
  return text;
}

bool Says(const Status& status, const std::string& text) {
  return status.message().find(text) != std::string_view::npos;
}

// What was passed over, in words.
std::vector<Status> Told(const RestoreReport& report) {
  std::vector<Status> told = report.damaged_manifests;
  for (const RestoreReport::Skipped& skipped : report.skipped) told.push_back(skipped.reason);
  return told;
}

std::string AsText(const std::vector<Status>& statuses) {
  std::string text;
  for (const Status& status : statuses) text += "\n  " + status.ToString();
  return text;
}

}  // namespace

TempDir* DamageFixture::directory_ = nullptr;

std::string NameOf(Part part) {
  static const char* const kNames[] = {"Format",       "Snapshot",       "NewestManifest",
                                       "TailManifest", "InlinedSegment", "Segment",
                                       "BaseSst",      "BaseMeta"};
  return kNames[static_cast<size_t>(part)];
}

std::string NameOf(Harm harm) {
  static const char* const kNames[] = {"Missing",    "Empty",        "Truncated",
                                       "BitFlipped", "ByteAppended", "Replaced"};
  return kNames[static_cast<size_t>(harm)];
}

Content TemplateContent(uint64_t id) {
  Content content;
  for (uint64_t round = 1; round <= id; ++round) ApplyRound(ChangesOf(round), &content);
  return content;
}

// The second base begins with checkpoint 5, unless maintenance was there before that was made.
void DamageFixture::SetUpTestSuite() {
  directory_ = new TempDir(TempDir::InMemory());
  for (int tries = 0; tries < 50; ++tries) {
    fs::remove_all(*directory_ / "template");
    ASSERT_EQ(InChild([] { MakeTemplate(directory_->path()); }), kDied);
    const format::Manifest list = ReadNewest(*StorageAt(*directory_ / "template")).value();
    if (list.FindCheckpoint(4)->base != list.FindCheckpoint(5)->base) return;
  }
  FAIL() << "no template has a base that begins with checkpoint 5";
}

void DamageFixture::SetUp() { fs::remove_all(root()); }

void DamageFixture::TearDownTestSuite() {
  delete directory_;
  directory_ = nullptr;
}

StoreOptions DamageFixture::Options() const {
  StoreOptions options = SmallStore(root());
  options.write_back_segments = 1000;
  options.keep_last = kNewest;
  return options;
}

void DamageFixture::CopyTemplate() {
  fs::remove_all(root());
  fs::create_directories(root());
  fs::copy(*directory_ / "template/repository", root() + "/repository",
           fs::copy_options::recursive);
}

std::string DamageFixture::PathOf(Part part) {
  const format::Manifest list = ReadNewest(*StorageAt(*directory_ / "template")).value();
  const std::string subtask = format::SubtaskPrefix(0);
  switch (part) {
    case Part::kFormat:
      return std::string(format::kFormatName);
    case Part::kSnapshot: {
      const auto folder = subtask + std::string(format::kSnapshotPrefix);
      return StorageAt(*directory_ / "template")->List(folder).value().back().name;
    }
    case Part::kNewestManifest:
      return subtask + format::ManifestName(list.version);
    case Part::kTailManifest:
      return subtask + format::ManifestName(list.version - 1);
    case Part::kInlinedSegment:
      return subtask + NameOfSegment(list, 7);
    case Part::kSegment:
      return subtask + NameOfSegment(list, 6);
    case Part::kBaseSst:
      return subtask + NameOfBaseFile(list, format::FileKind::kBaseSst);
    case Part::kBaseMeta:
      return subtask + NameOfBaseFile(list, format::FileKind::kBaseMeta);
  }
  return {};
}

std::string DamageFixture::OlderPathOf(const std::string& name) {
  return *directory_ / "older/" + name;
}

void DamageFixture::Damage(const std::string& path, Harm harm) {
  const std::string file = PathOf(path);
  std::string bytes = storage::ReadWholeFile(*storage::DefaultFileSystem(), file).value();
  fs::remove(file);
  if (harm == Harm::kMissing) return;
  if (harm == Harm::kEmpty) bytes.clear();
  if (harm == Harm::kTruncated) bytes.resize(bytes.size() / 2);
  if (harm == Harm::kBitFlipped) bytes[bytes.size() / 3] ^= 4;
  if (harm == Harm::kByteAppended) bytes.push_back('x');
  if (harm == Harm::kReplaced) bytes = Replacement(bytes.size());
  std::ofstream(file, std::ios::binary) << bytes;
}

void DamageFixture::ExpectRestores(const StoreOptions& options, uint64_t id,
                                   const std::string& damaged) {
  const std::string end = InChild([&] {
    auto store = Open(options);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    EXPECT_EQ(store->restored_id(), id);
    const auto content = store->ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(TemplateContent(store->restored_id()), *content), "");
    const std::vector<Status> told = Told(store->restored());
    const bool named = std::any_of(told.begin(), told.end(), [&](const Status& status) {
      return status.code() == StatusCode::kCorruption && Says(status, damaged) &&
             Says(status, "expected") && Says(status, "got");
    });
    EXPECT_TRUE(damaged.empty() ? told.empty() : named)
        << "expected to be told what is wrong with `" << damaged << "`, got:" << AsText(told);
    EXPECT_EQ(store->Close().ToString(), "OK");
  });
  EXPECT_EQ(end, "");
}

void DamageFixture::ExpectError(const StoreOptions& options, StatusCode code,
                                const std::vector<std::string>& says) {
  const std::string end = InChild([&] {
    const auto store = Open(options);
    ASSERT_FALSE(store.has_value()) << "restored " << store->restored().checkpoint->id;
    EXPECT_EQ(store.error().code(), code) << store.error().ToString();
    for (const std::string& text : says)
      EXPECT_TRUE(Says(store.error(), text)) << store.error().ToString() << "\nlacks: " << text;
  });
  EXPECT_EQ(end, "");
}

}  // namespace tidemark::test
