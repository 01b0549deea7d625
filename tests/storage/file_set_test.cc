// LiveDatabase::ExportFileSet, and opening what it gives as another live database.
#include "tests/storage/live_database_fixture.h"

#include <fstream>
#include <random>

namespace tidemark::test {
namespace {

using storage::FileSet;
using storage::FileSetEntry;

class FileSetTest : public LiveDatabaseFixture {
 protected:
  FileSet Export(const std::set<std::string>& have = {}) {
    auto set = database_->ExportFileSet(
        [&](std::string_view unique_id) { return have.contains(std::string(unique_id)); });
    EXPECT_TRUE(set.has_value()) << set.error().ToString();
    return std::move(set).value();
  }

  // What a repository does with a file set: keeps links, of SSTs by their unique id.
  void Publish(const FileSet& set) {
    for (const FileSetEntry& file : set.files) {
      if (file.path.empty() || std::filesystem::exists(Kept(file))) continue;
      std::filesystem::create_hard_link(file.path, Kept(file));
    }
  }
  std::string Kept(const FileSetEntry& file) const {
    std::string name = file.checksum.Hex() + '-' + file.live_name;
    if (file.is_sst) {
      name.clear();
      for (const unsigned char byte : file.unique_id) name += std::to_string(byte) + '.';
    }
    std::filesystem::create_directories(temporary_ / "kept");
    return temporary_ / ("kept/" + name);
  }

  // What restore does with a base: SSTs by link, everything else by copy, CURRENT last.
  LiveDatabaseOptions Prepare(const FileSet& set, const std::string& name) {
    LiveDatabaseOptions options = options_;
    options.directory = temporary_ / name;
    const std::string state = options.directory + "/state/";
    std::filesystem::create_directories(state);
    for (const FileSetEntry& file : set.files) {
      if (file.is_sst) {
        std::filesystem::create_hard_link(Kept(file), state + file.live_name);
      } else {
        std::filesystem::copy_file(Kept(file), state + file.live_name);
      }
    }
    std::ofstream(state + "CURRENT", std::ios::binary) << set.current;
    return options;
  }

  void ExpectIntact(const FileSet& set) {
    for (const FileSetEntry& file : set.files) {
      SCOPED_TRACE(file.live_name);
      const auto digest = storage::DigestFile(*options_.fs, Kept(file)).value();
      EXPECT_EQ(digest.size, file.size);
      EXPECT_EQ(digest.checksum, file.checksum);
    }
  }

  // Overlapping keys and deletes, so that compaction has work.
  StateChanges RandomChanges() {
    StateChanges changes;
    for (uint32_t table = 1; table <= 3; ++table) {
      for (int i = 0; i < 200; ++i) {
        const std::string key = "key" + std::to_string(random_() % 1000);
        changes[table][key] = random_() % 3 == 0 ? std::optional<std::string>()
                                                 : std::optional(std::to_string(random_()));
      }
    }
    return changes;
  }

  std::mt19937_64 random_{10};
};

TEST_F(FileSetTest, DescribesItsFiles) {
  Open();
  for (uint64_t epoch = 1; epoch <= 6; ++epoch) Apply(epoch, RandomChanges());
  const FileSet set = Export();
  EXPECT_EQ(set.mark, MarkAt(6, {1, 2, 3}));
  EXPECT_TRUE(set.current.starts_with("MANIFEST-"));
  uint64_t sst_bytes = 0;
  int manifests = 0;
  int options = 0;
  std::set<std::string> ids;
  for (const FileSetEntry& file : set.files) {
    SCOPED_TRACE(file.live_name);
    EXPECT_FALSE(file.path.empty());
    const auto digest = storage::DigestFile(*options_.fs, file.path).value();
    EXPECT_EQ(digest.size, file.size);
    EXPECT_EQ(digest.checksum, file.checksum);
    manifests += file.live_name.starts_with("MANIFEST-") ? 1 : 0;
    options += file.live_name.starts_with("OPTIONS-") ? 1 : 0;
    EXPECT_EQ(file.is_sst, file.live_name.ends_with(".sst"));
    if (!file.is_sst) continue;
    sst_bytes += file.size;
    EXPECT_EQ(file.unique_id.size(), 16u);
    EXPECT_TRUE(ids.insert(file.unique_id).second);
    EXPECT_EQ(file.range_tombstones, 0u);
    EXPECT_EQ(file.smallest.empty(), file.largest.empty());
    EXPECT_LE(file.smallest, file.largest);
  }
  EXPECT_EQ(manifests, 1);
  EXPECT_EQ(options, 1);
  EXPECT_EQ(set.live_bytes, sst_bytes);
  database_->ReleaseFileSet(set);
  EXPECT_TRUE(FilesIn("tmp").empty());
}

TEST_F(FileSetTest, OpensElsewhereWithTheSameContent) {
  Open();
  std::vector<FileSet> sets;
  std::vector<StateContent> contents;
  std::set<std::string> have;
  for (uint64_t epoch = 1; epoch <= 30; ++epoch) {
    std::set<uint32_t> dropped;
    StateChanges changes = RandomChanges();
    if (epoch == 10) changes[9]["short-lived"] = "yes";
    if (epoch == 20) dropped.insert(9);
    Apply(epoch, changes, dropped);
    if (epoch % 5 != 0) continue;
    sets.push_back(Export(have));
    Publish(sets.back());
    for (const FileSetEntry& file : sets.back().files) {
      EXPECT_EQ(file.path.empty(), have.contains(file.unique_id));
      if (file.is_sst) have.insert(file.unique_id);
    }
    database_->ReleaseFileSet(sets.back());
    contents.push_back(model_);
  }
  database_.reset();

  const LiveDatabaseOptions original = options_;
  for (size_t i = 0; i < sets.size(); ++i) {
    SCOPED_TRACE("file set " + std::to_string(i));
    model_ = contents[i];
    const uint64_t epoch = 5 * (i + 1);
    options_ = Prepare(sets[i], "restored" + std::to_string(i));
    Open();
    ExpectModelAt(epoch);
    EXPECT_TRUE(database_->MarkReady().ok());

    // It goes on by itself, and what it is linked to stays as it is.
    for (uint64_t more = 1; more <= 10; ++more) Apply(epoch + more, RandomChanges());
    Reopen();
    ExpectModelAt(epoch + 10);
    ExpectIntact(sets[i]);

    // A base made of a base.
    const FileSet second = Export();
    std::filesystem::remove_all(temporary_ / "kept.second");
    std::filesystem::rename(temporary_ / "kept", temporary_ / "kept.second");
    Publish(second);
    database_.reset();
    options_ = Prepare(second, "second" + std::to_string(i));
    Open();
    ExpectModelAt(epoch + 10);
    database_.reset();
    std::filesystem::remove_all(temporary_ / "kept");
    std::filesystem::rename(temporary_ / "kept.second", temporary_ / "kept");
    options_ = original;
  }
}

TEST_F(FileSetTest, EmptyStateIsAFileSetToo) {
  Open();
  const FileSet set = Export();
  Publish(set);
  EXPECT_EQ(set.mark, format::AppliedMark());
  EXPECT_EQ(set.live_bytes, 0u);
  database_.reset();
  options_ = Prepare(set, "restored");
  Open();
  EXPECT_EQ(database_->mark(), format::AppliedMark());
  Apply(1, {{1, {{"a", "1"}}}});
  ExpectModelAt(1);
}

TEST_F(FileSetTest, HoldsFilesWhileCompactionsReplaceThem) {
  Open();
  Apply(1, RandomChanges());
  const FileSet set = Export();
  const StateContent content = model_;
  for (uint64_t epoch = 2; epoch <= 40; ++epoch) Apply(epoch, RandomChanges());
  Publish(set);
  ExpectIntact(set);
  database_.reset();
  options_ = Prepare(set, "restored");
  model_ = content;
  Open();
  ExpectModelAt(1);
}

TEST_F(FileSetTest, CopiesWhereLinksDoNotWork) {
  fs_->DenyLinks(true);
  Open();
  for (uint64_t epoch = 1; epoch <= 10; ++epoch) Apply(epoch, RandomChanges());
  const SstFile segment = WriteSegment(MakeSegment(11, 11, {1}, {"a"}));
  ASSERT_TRUE(database_->AddSegments({&segment, 1}).ok());
  EXPECT_TRUE(FilesIn("tmp").empty());
  const FileSet set = Export();
  ExpectModelAt(10);
  EXPECT_EQ(database_->Segments().value().size(), 1u);
  fs_->DenyLinks(false);
  for (const FileSetEntry& file : set.files) {
    EXPECT_EQ(std::filesystem::hard_link_count(file.path), 1u);
  }
  Publish(set);
  ExpectIntact(set);
}

TEST_F(FileSetTest, RefusesAFileThatIsNotTheOneItWas) {
  Open();
  Apply(1, RandomChanges());
  FileSet set = Export();
  Publish(set);
  database_.reset();
  options_ = Prepare(set, "restored");
  // Two SSTs change places: each is intact by itself.
  std::vector<std::string> ssts;
  for (const FileSetEntry& file : set.files) {
    if (file.is_sst) ssts.push_back(options_.directory + "/state/" + file.live_name);
  }
  ASSERT_GE(ssts.size(), 2u);
  std::filesystem::rename(ssts[0], temporary_ / "a");
  std::filesystem::rename(ssts[1], ssts[0]);
  std::filesystem::rename(temporary_ / "a", ssts[1]);
  const auto opened = LiveDatabase::Open(options_);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code(), StatusCode::kCorruption) << opened.error().ToString();
}

}  // namespace
}  // namespace tidemark::test
