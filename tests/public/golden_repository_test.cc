// A whole repository that the first version wrote, opened by every build: a base, segments as files
// and inlined, every kind of table. With TIDEMARK_WRITE_GOLDEN=1 it is written instead.
#include "tests/public/store_fixture.h"
#include "tests/test_paths.h"

#include <tidemark/list_state.h>
#include <tidemark/map_state.h>

#include <cstdlib>
#include <filesystem>

namespace tidemark::test {
namespace {

constexpr uint64_t kBaseId = 1;
constexpr uint64_t kSegmentId = 2;
constexpr uint64_t kInlinedId = 3;
constexpr int kKeys = 300;

std::string KeyOf(int i) { return "key" + std::to_string(i); }

class GoldenRepositoryTest : public StoreFixture {
 protected:
  void OpenTables() {
    Open();
    bytes_.emplace(Open("bytes", {.kind = TableKind::kBytes, .exact_count = true}));
    ordered_.emplace(Open("ordered", {.kind = TableKind::kOrderedBytes}));
    counts_.emplace(store_->Value<std::string, uint64_t>("counts").value());
    map_.emplace(store_->Map<int32_t, std::string, double>("map").value());
    list_.emplace(store_->List<uint64_t, int64_t>("list").value());
  }
  // What checkpoint `id` has and the one before it has not.
  void Change(uint64_t id) {
    const int number = static_cast<int>(id);
    for (int i = 0; i < kKeys; i += number) {
      ASSERT_OK(bytes_->Put(KeyOf(i), "value " + std::to_string(i * number)));
      ASSERT_OK(ordered_->Put(KeyOf(i), std::string(static_cast<size_t>(i % 7), 'x')));
      ASSERT_OK(counts_->Update(KeyOf(i % 50), [](uint64_t& count) { ++count; }));
      ASSERT_OK(map_->Put(-i % 10, KeyOf(i), i * 0.5));
      ASSERT_OK(list_->Append(static_cast<uint64_t>(i % 20), -i));
    }
    if (id == kBaseId) return;
    ASSERT_OK(bytes_->Delete(KeyOf(number)));
    ASSERT_OK(ordered_->DeleteRange({.from = KeyOf(1), .to = KeyOf(2)}));
    ASSERT_OK(map_->Clear(-number));
    ASSERT_OK(list_->Clear(id));
  }
  std::vector<Content> All() {
    return {Read(*bytes_), Read(*ordered_), Read(counts_->table()), Read(map_->table()),
            Read(list_->table())};
  }
  void Write(const std::string& path) {
    options_.write_back_segments = 1;
    options_.inline_segment_bytes_max = 0;
    OpenTables();
    Change(kBaseId);
    ASSERT_OK(Save(kBaseId, {{"offset", "100"}}));
    ASSERT_OK(store_->Drain());
    ASSERT_OK(store_->Close());
    options_.write_back_segments = 1'000;
    OpenTables();
    Change(kSegmentId);
    ASSERT_OK(Save(kSegmentId, {{"offset", "200"}}));
    ASSERT_OK(store_->Close());
    options_.inline_segment_bytes_max = 64 << 10;
    OpenTables();
    Change(kInlinedId);
    ASSERT_OK(Save(kInlinedId, {{"offset", "300"}}));
    ASSERT_OK(store_->Close());
    std::filesystem::remove_all(path);
    std::filesystem::copy(directory_ / "repository", path,
                          std::filesystem::copy_options::recursive);
  }

  std::optional<Table> bytes_;
  std::optional<Table> ordered_;
  std::optional<ValueState<std::string, uint64_t>> counts_;
  std::optional<MapState<int32_t, std::string, double>> map_;
  std::optional<ListState<uint64_t, int64_t>> list_;
};

TEST_F(GoldenRepositoryTest, Version1OpensAndGoesOn) {
  const std::string golden = TIDEMARK_SOURCE_DIR "/tests/golden/v1/repository";
  if (std::getenv("TIDEMARK_WRITE_GOLDEN") != nullptr) return Write(golden);
  // What it must hold, from a store of today that did the same.
  std::vector<std::vector<Content>> expected;
  OpenTables();
  for (const uint64_t id : {kBaseId, kSegmentId, kInlinedId}) {
    Change(id);
    expected.push_back(All());
    ASSERT_OK(Save(id));
  }
  ASSERT_OK(store_->Close());

  for (const uint64_t id : {kInlinedId, kSegmentId, kBaseId}) {
    SCOPED_TRACE(id);
    const std::string repository = directory_ / ("golden" + std::to_string(id));
    std::filesystem::copy(golden, repository, std::filesystem::copy_options::recursive);
    options_.storage = nullptr;
    options_.repository = repository;
    options_.directory = directory_ / ("live" + std::to_string(id));
    options_.restore_checkpoint = id;
    OpenTables();
    const RestoreReport& restored = store_->restored();
    ASSERT_TRUE(restored.checkpoint.has_value());
    EXPECT_EQ(restored.checkpoint->metadata, (Metadata{{"offset", std::to_string(100 * id)}}));
    EXPECT_TRUE(restored.skipped.empty());
    EXPECT_TRUE(All() == expected[id - 1]);
    EXPECT_EQ(bytes_->Count().value().keys, expected[id - 1][0].size());
    Change(4);
    const std::vector<Content> changed = All();
    ASSERT_OK(Save(10));
    ASSERT_OK(store_->Close());
    options_.restore_checkpoint.reset();
    OpenTables();
    EXPECT_EQ(store_->restored().checkpoint->id, 10u);
    EXPECT_TRUE(All() == changed);
    ASSERT_OK(store_->Close());
  }
}

}  // namespace
}  // namespace tidemark::test
