#include <tidemark/value_state.h>

#include "tests/public/store_fixture.h"

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

namespace tidemark::test {
namespace {

struct Position {
  int64_t offset = 0;
  double weight = 0;
};

class ValueStateTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }

  template <class K, class V>
  ValueState<K, V> Value(std::string_view name) {
    auto state = store_->Value<K, V>(name);
    EXPECT_TRUE(state.has_value()) << state.error().ToString();
    return *std::move(state);
  }
};

TEST_F(ValueStateTest, PutGetDelete) {
  auto ages = Value<std::string, int32_t>("ages");
  EXPECT_EQ(ages.Get("ada").value(), std::nullopt);
  EXPECT_OK(ages.Put("ada", 36));
  EXPECT_EQ(ages.Get("ada").value(), 36);
  EXPECT_OK(ages.Put("ada", -1));
  EXPECT_EQ(ages.Get("ada").value(), -1);
  EXPECT_OK(ages.Delete("ada"));
  EXPECT_EQ(ages.Get("ada").value(), std::nullopt);
  EXPECT_OK(ages.Delete("nobody"));
}

TEST_F(ValueStateTest, UpdateBeginsWithAnEmptyValue) {
  auto counts = Value<std::string, uint64_t>("counts");
  for (int i = 0; i < 3; ++i) EXPECT_OK(counts.Update("word", [](uint64_t& n) { ++n; }));
  EXPECT_EQ(counts.Get("word").value(), 3u);

  auto lines = Value<uint64_t, std::string>("lines");
  EXPECT_OK(lines.Update(7, [](std::string& line) { line += "one"; }));
  EXPECT_OK(lines.Update(7, [](std::string& line) { line += ", two"; }));
  EXPECT_EQ(lines.Get(7).value(), "one, two");
}

TEST_F(ValueStateTest, AnUpdateThatThrowsChangesNothing) {
  auto counts = Value<std::string, uint64_t>("counts");
  EXPECT_OK(counts.Put("word", 5));
  EXPECT_THROW((void)counts.Update("word",
                                   [](uint64_t& n) {
                                     n = 99;
                                     throw std::runtime_error("no");
                                   }),
               std::runtime_error);
  EXPECT_EQ(counts.Get("word").value(), 5u);
}

TEST_F(ValueStateTest, StructsAndTheirDefaults) {
  auto positions = Value<std::string, Position>("positions");
  EXPECT_OK(positions.Update("a", [](Position& p) { p.offset += 10, p.weight += 0.5; }));
  EXPECT_OK(positions.Update("a", [](Position& p) { p.offset += 10, p.weight += 0.5; }));
  const auto position = positions.Get("a").value();
  ASSERT_TRUE(position.has_value());
  EXPECT_EQ(position->offset, 20);
  EXPECT_EQ(position->weight, 1.0);
}

TEST_F(ValueStateTest, ForEachDecodesKeysAndValues) {
  auto squares = Value<int64_t, int64_t>("squares");
  std::map<int64_t, int64_t> expected;
  for (int64_t i = -20; i <= 20; ++i) {
    EXPECT_OK(squares.Put(i, i * i));
    expected[i] = i * i;
  }
  std::map<int64_t, int64_t> got;
  EXPECT_OK(
      squares.ForEach([&](int64_t key, int64_t value) { return got.emplace(key, value).second; }));
  EXPECT_EQ(got, expected);
  int seen = 0;
  EXPECT_OK(squares.ForEach([&](int64_t, int64_t) { return ++seen < 5; }));
  EXPECT_EQ(seen, 5);
}

TEST_F(ValueStateTest, ComesBackAfterACheckpoint) {
  {
    auto counts = Value<std::string, uint64_t>("counts");
    EXPECT_OK(counts.Put("word", 5));
    EXPECT_OK(Save(1));
    EXPECT_OK(counts.Put("word", 6));
  }
  Reopen();
  EXPECT_EQ((Value<std::string, uint64_t>("counts").Get("word").value()), 5u);
}

TEST_F(ValueStateTest, BytesThatAreNoSuchValueAreCorruptionAndStay) {
  auto counts = Value<std::string, uint64_t>("counts");
  EXPECT_OK(counts.table().Put("word", "123"));
  EXPECT_EQ(counts.Get("word").error().code(), StatusCode::kCorruption);
  EXPECT_EQ(counts.Update("word", [](uint64_t& n) { ++n; }).code(), StatusCode::kCorruption);
  EXPECT_EQ(counts.ForEach([](auto, auto) { return true; }).code(), StatusCode::kCorruption);
  EXPECT_EQ(Read(counts.table(), "word"), "123");
  EXPECT_OK(counts.Put("word", 1)) << "one bad value does not fail the store";
}

TEST_F(ValueStateTest, AnotherTypeIsAMismatch) {
  (void)Value<std::string, uint64_t>("counts");
  EXPECT_ERROR((store_->Value<std::string, uint32_t>("counts").error()),
               StatusCode::kInvalidArgument, "table-mismatch");
  EXPECT_ERROR((store_->Value<uint64_t, uint64_t>("counts").error()), StatusCode::kInvalidArgument,
               "table-mismatch");
  EXPECT_ERROR(store_->OpenTable("counts").error(), StatusCode::kInvalidArgument, "table-mismatch");
}

}  // namespace
}  // namespace tidemark::test
