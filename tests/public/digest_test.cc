// ReadView::Digest: what does not change it, and what does.
#include "storage/repository.h"
#include "tests/public/read_view_fixture.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

class DigestTest : public ReadViewFixture {
 protected:
  DigestTest() {
    options_.runtime =
        Runtime::Create({.memory_budget_bytes = 64 * kMiB, .background_threads = 0}).value();
    options_.write_back_segments = 4'096;  // when a test says so
    options_.log_merge_segments = 2;
  }

  std::string Digest(std::optional<uint64_t> checkpoint = std::nullopt) {
    auto digest = View(checkpoint).Digest();
    EXPECT_TRUE(digest.has_value()) << digest.error().ToString();
    return digest.value_or("");
  }

  // Two checkpoints, with tables of all kinds.
  void SaveSample(uint64_t id, const std::string& value = "1", const std::string& key = "word",
                  const std::string& table = "counts") {
    Table counts = Open(table);
    EXPECT_OK(counts.Put(key, value));
    EXPECT_OK(counts.Put("", "of the empty key"));
    Table ordered = Open("ordered", {.kind = TableKind::kOrderedBytes});
    for (int i = 100; i < 900; ++i) EXPECT_OK(ordered.Put(std::to_string(i), "v"));
    EXPECT_OK(ordered.DeleteRange({.from = "200", .to = "700"}));
    auto map = store_->Map<std::string, uint32_t, std::string>("map").value();
    EXPECT_OK(map.Put("partition", 7, "seven"));
    EXPECT_OK(map.Put("partition", 8, "eight"));
    EXPECT_OK(map.Delete("partition", 8));
    auto list = store_->List<std::string, int32_t>("list").value();
    EXPECT_OK(list.Append("key", -1));
    ASSERT_OK(Save(id));
    EXPECT_OK(list.Append("key", 2));  // an operand on what is sealed
    ASSERT_OK(Save(id + 1));
  }
  std::string DigestOfSample(const std::string& value = "1", const std::string& key = "word",
                             const std::string& table = "counts") {
    store_.reset();
    const std::string root = directory_ / std::to_string(++samples_);
    options_.storage = OpenLocalDirectory(root + "/repository").value();
    options_.directory = root + "/live";
    Open();
    SaveSample(1, value, key, table);
    return Digest();
  }

  size_t LogLength() const {
    const auto info = storage::ReadRepositoryInfo(*storage_).value();
    return storage::ReadManifest(*storage_, info.id, 0)
        .value()
        .manifest.checkpoints.back()
        .segments.size();
  }

 private:
  int samples_ = 0;
};

TEST_F(DigestTest, OfACheckpointWithoutTables) {
  Open();
  ASSERT_OK(Save(1));
  EXPECT_EQ(Digest(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// The digest is what sha256sum says of the bytes in docs/FORMAT.md.
TEST_F(DigestTest, OfTheExampleInTheDocumentation) {
  Open();
  Table counts = Open("counts");
  EXPECT_OK(counts.Put("word", "1"));
  EXPECT_OK(counts.Put("gone", "2"));
  ASSERT_OK(Save(1));
  EXPECT_OK(counts.Delete("gone"));
  ASSERT_OK(Save(2));
  EXPECT_EQ(Digest(), "3594b0f8082065769cdd8a3745e1191223b0f8c7a8b91b177c944c353a377436");
  EXPECT_NE(Digest(1), Digest(2));
}

TEST_F(DigestTest, Invariant02NoLayoutChangesIt) {
  storage_->DenyLinks(true);  // so small a log is not worth a base
  options_.keep_last = 3;
  Open();
  SaveSample(1);
  const std::string digest = Digest();
  ASSERT_EQ(LogLength(), 2u);

  options_.runtime->RunMaintenance();
  EXPECT_EQ(LogLength(), 1u) << "merged";
  EXPECT_EQ(Digest(), digest);

  ASSERT_OK(store_->Drain());
  EXPECT_EQ(store_->Metrics().write_backs, 1u);
  EXPECT_EQ(LogLength(), 1u);
  EXPECT_EQ(Digest(), digest) << "of the same files";

  Reopen();
  EXPECT_TRUE(store_->restored().reused_live_database);
  EXPECT_EQ(Digest(), digest);

  storage_->DenyLinks(false);
  Reopen();
  ASSERT_OK(store_->Drain());
  EXPECT_EQ(LogLength(), 0u) << "a base";
  EXPECT_EQ(Digest(), digest);

  std::filesystem::remove_all(options_.directory);
  Reopen();
  ASSERT_OK(Save(9));  // with nothing in it
  EXPECT_EQ(Digest(), digest);
  EXPECT_EQ(Digest(2), digest);
  EXPECT_NE(Digest(1), digest);
}

// Another store, and another order of doing the same.
TEST_F(DigestTest, EqualContentHasEqualDigests) {
  const std::string digest = DigestOfSample();
  EXPECT_EQ(digest.size(), 64u);
  EXPECT_EQ(digest.find_first_not_of("0123456789abcdef"), std::string::npos);
  SaveSample(10, "another value for a while");
  EXPECT_NE(Digest(), digest) << "and twice as long a list";
  auto list = store_->List<std::string, int32_t>("list").value();
  EXPECT_OK(list.Clear("key"));
  ASSERT_OK(store_->Drain());
  ASSERT_OK(Save(20));
  SaveSample(30);
  EXPECT_EQ(Digest(), digest);

  EXPECT_NE(DigestOfSample("2"), digest);
  EXPECT_NE(DigestOfSample("1", "worm"), digest);
  EXPECT_NE(DigestOfSample("1", "word", "counters"), digest);
  EXPECT_EQ(DigestOfSample(), digest);
}

TEST_F(DigestTest, AClosedViewHasNone) {
  Open();
  ASSERT_OK(Save(1));
  ReadView view = View();
  view.Close();
  EXPECT_ERROR(view.Digest().error(), StatusCode::kClosed, "view-closed");
}

TEST_F(DigestTest, DamageIsTold) {
  Open();
  Table table = Open("counts");
  for (int i = 0; i < 1'000; ++i) EXPECT_OK(table.Put(std::to_string(i), "value"));
  ASSERT_OK(Save(1));
  ReadView view = View();
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory_ / "live/views")) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file << "????";
  }
  EXPECT_EQ(view.Digest().error().code(), StatusCode::kCorruption)
      << view.Digest().error().ToString();
}

}  // namespace
}  // namespace tidemark::test
