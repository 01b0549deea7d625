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
  constexpr uint64_t kWindows = TIDEMARK_SANITIZED ? 3'000 : 100'000;
  for (uint64_t window = 0; window < kWindows; ++window) {
    for (uint32_t i = 0; i < 5; ++i) EXPECT_OK(windows.Put(window, i, window * i));
    if (window >= 100) {
      EXPECT_OK(windows.Clear(window - 100));
    }
    if (window % (kWindows / 6) == 0) {
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

// Reads the map that is being written to whenever it is asked for an entry.
class LazyEntries {
 public:
  using Carts = MapState<std::string, int32_t, double>;
  explicit LazyEntries(Carts& carts) : carts_(carts) {}
  struct Iterator {
    Carts& carts;
    int32_t at;
    std::pair<int32_t, double> operator*() const {
      return {at, carts.Get("a much longer name than that of the map that is written", at)
                      .value()
                      .value_or(0.5 * at)};
    }
    Iterator& operator++() {
      ++at;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at != other.at; }
  };
  Iterator begin() const { return {carts_, 0}; }
  Iterator end() const { return {carts_, 20}; }

 private:
  Carts& carts_;
};

// Once, all calls of a MapState made their keys in one buffer: who used it while a range was put
// wrote into another map, and who called it from within a change had that change written under a
// wrong key.
TEST_F(MapStateTest, CallsFromWithinCallsDoNotMix) {
  Carts carts = OpenCarts();
  EXPECT_OK(carts.PutAll("ada", LazyEntries(carts)));
  Entries expected;
  for (int32_t i = 0; i < 20; ++i) expected.emplace_back(i, 0.5 * i);
  EXPECT_EQ(EntriesOf(carts, "ada"), expected);

  for (const char* other : {"bob", "a name that is longer than any other name in this test is"}) {
    EXPECT_OK(carts.Update("ada", 3, [&](double& value) {
      EXPECT_ERROR(carts.Put(other, 4, 4), StatusCode::kInvalidArgument, "reentrant-call");
      value += 10;
    }));
    EXPECT_EQ(EntriesOf(carts, other), Entries());
  }
  expected[3].second += 20;
  EXPECT_EQ(EntriesOf(carts, "ada"), expected);
}

TEST_F(MapStateTest, KeysOfAllLengths) {
  Carts carts = OpenCarts();
  for (const size_t size : {0, 1, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 200, 65'529}) {
    const std::string key(size, 'k');
    EXPECT_OK(
        carts.PutAll(key, std::map<int32_t, double>{{1, 1}, {2, 2.0 * static_cast<double>(size)}}));
    EXPECT_EQ(carts.Get(key, 2).value(), 2.0 * static_cast<double>(size)) << size;
    EXPECT_EQ(EntriesOf(carts, key).size(), 2u) << size;
  }
  auto named = store_->Map<std::string, std::string, double>("named").value();
  const std::string longer(100, 'x');
  EXPECT_OK(named.PutAll("k", std::map<std::string, double>{{"", 0}, {longer, 1}, {"y", 2}}));
  EXPECT_EQ(named.Get("k", longer).value(), 1);
  EXPECT_EQ(named.Get("k", "y").value(), 2);
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
