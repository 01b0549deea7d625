#include <tidemark/map_state.h>

#include "tests/public/store_fixture.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::test {
namespace {

class MapStateTest : public StoreFixture {
 protected:
  using Carts = MapState<std::string, int32_t, double>;
  using Entries = std::vector<std::pair<int32_t, double>>;

  void SetUp() override { Open(); }
  Carts OpenCarts() { return store_->Map<std::string, int32_t, double>("carts").value(); }
  static Entries EntriesOf(Carts& carts, std::string_view key, bool reverse = false) {
    Entries entries;
    auto iterator = carts.Entries(key, reverse).value();
    while (iterator.Next().value()) entries.emplace_back(iterator.key(), iterator.value());
    return entries;
  }
};

TEST_F(MapStateTest, PointAccess) {
  Carts carts = OpenCarts();
  EXPECT_EQ(carts.Get("ada", 1).value(), std::nullopt);
  EXPECT_FALSE(carts.Contains("ada", 1).value());
  EXPECT_OK(carts.Put("ada", 1, 0.5));
  EXPECT_OK(carts.Put("ada", 2, 2.5));
  EXPECT_OK(carts.Put("bob", 1, 9));
  EXPECT_EQ(carts.Get("ada", 1).value(), 0.5);
  EXPECT_TRUE(carts.Contains("ada", 2).value());
  EXPECT_OK(carts.Update("ada", 2, [](double& value) { value += 1; }));
  EXPECT_EQ(carts.Get("ada", 2).value(), 3.5);
  EXPECT_OK(carts.Delete("ada", 1));
  EXPECT_EQ(carts.Get("ada", 1).value(), std::nullopt);
  EXPECT_EQ(carts.Get("bob", 1).value(), 9);
}

TEST_F(MapStateTest, EntriesComeInOrderOfTheirKeysAndOfOneMapOnly) {
  Carts carts = OpenCarts();
  EXPECT_OK(carts.PutAll("ada", std::map<int32_t, double>{{5, 5}, {-3, -3}, {0, 0}}));
  // Names that begin alike, and that are as long, do not mix.
  for (const char* other : {"", "a", "ad", "adb", "adaa"}) EXPECT_OK(carts.Put(other, 1, 1));
  EXPECT_EQ(EntriesOf(carts, "ada"), (Entries{{-3, -3}, {0, 0}, {5, 5}}));
  EXPECT_EQ(EntriesOf(carts, "ada", true), (Entries{{5, 5}, {0, 0}, {-3, -3}}));
  EXPECT_EQ(EntriesOf(carts, ""), (Entries{{1, 1}}));
  EXPECT_EQ(EntriesOf(carts, "nobody"), Entries());
}

TEST_F(MapStateTest, ClearRemovesOneMap) {
  Carts carts = OpenCarts();
  EXPECT_OK(carts.PutAll("ada", std::map<int32_t, double>{{1, 1}, {2, 2}}));
  EXPECT_OK(carts.Put("bob", 1, 1));
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  EXPECT_OK(carts.Put("ada", 3, 3));
  EXPECT_OK(carts.Clear("ada"));
  EXPECT_EQ(EntriesOf(carts, "ada"), Entries());
  EXPECT_EQ(EntriesOf(carts, "bob"), (Entries{{1, 1}}));
  EXPECT_OK(carts.Clear("nobody"));
  EXPECT_OK(store_->Rollback());
  EXPECT_EQ(EntriesOf(carts, "ada"), (Entries{{1, 1}, {2, 2}}));
}

TEST_F(MapStateTest, Invariant02ComesBackAsItWas) {
  {
    Carts carts = OpenCarts();
    EXPECT_OK(carts.PutAll("ada", std::map<int32_t, double>{{1, 1}, {2, 2}}));
    EXPECT_OK(Save(1));
    EXPECT_OK(store_->Drain());
    EXPECT_OK(carts.Clear("ada"));
    EXPECT_OK(carts.Put("ada", 7, 7));
    EXPECT_OK(Save(2));
  }
  Reopen();
  Carts carts = OpenCarts();
  EXPECT_EQ(EntriesOf(carts, "ada"), (Entries{{7, 7}}));
  Reopen(1);
  carts = OpenCarts();
  EXPECT_EQ(EntriesOf(carts, "ada"), (Entries{{1, 1}, {2, 2}}));
}

TEST_F(MapStateTest, ManyMapsThatComeAndGo) {
  auto windows = store_->Map<uint64_t, uint32_t, uint64_t>("windows").value();
  constexpr uint64_t kWindows = 3'000;
  for (uint64_t window = 0; window < kWindows; ++window) {
    for (uint32_t i = 0; i < 5; ++i) EXPECT_OK(windows.Put(window, i, window * i));
    if (window >= 100) {
      EXPECT_OK(windows.Clear(window - 100));
    }
    if (window % 500 == 499) {
      EXPECT_OK(Save(window));
    }
  }
  EXPECT_OK(Save(kWindows));
  Reopen();
  windows = store_->Map<uint64_t, uint32_t, uint64_t>("windows").value();
  uint64_t entries = 0;
  EXPECT_OK(
      windows.table().ForEach([&](std::string_view, std::string_view) { return ++entries > 0; }));
  EXPECT_EQ(entries, 100U * 5);
}

TEST_F(MapStateTest, BadInput) {
  Carts carts = OpenCarts();
  EXPECT_ERROR(carts.Put(std::string(65'530, 'k'), 1, 1), StatusCode::kInvalidArgument,
               "key-too-long");
  EXPECT_OK(carts.Put(std::string(65'529, 'k'), 1, 1));
  for (const size_t size : {size_t{65'536}, size_t{65'538}, size_t{70'000}}) {
    EXPECT_ERROR(carts.Put(std::string(size, 'k'), 1, 1), StatusCode::kInvalidArgument,
                 "key-too-long");
    EXPECT_ERROR(carts.Clear(std::string(size, 'k')), StatusCode::kInvalidArgument, "key-too-long");
  }
  EXPECT_ERROR((store_->Map<std::string, int64_t, double>("carts").error()),
               StatusCode::kInvalidArgument, "table-mismatch");
  EXPECT_ERROR((store_->Value<std::string, double>("carts").error()), StatusCode::kInvalidArgument,
               "table-mismatch");
}

}  // namespace
}  // namespace tidemark::test
