// How many keys a table has, and many keys looked up at once.
#include "tests/public/state_history.h"
#include "tests/public/store_fixture.h"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::test {
namespace {

class CountTest : public StoreFixture {
 protected:
  void SetUp() override {
    options_.keep_last = 100;
    Open();
  }
  static TableOptions Counted(TableKind kind) { return {.kind = kind, .exact_count = true}; }
  static uint64_t KeysOf(const Table& table) {
    const KeyCount count = table.Count().value();
    EXPECT_TRUE(count.exact);
    return count.keys;
  }
};

TEST_F(CountTest, FollowsEveryKindOfChange) {
  Table table = Open("t", Counted(TableKind::kOrderedBytes));
  EXPECT_EQ(KeysOf(table), 0);
  EXPECT_OK(table.Put("a", "1"));
  EXPECT_OK(table.Put("a", "2"));
  EXPECT_OK(table.Put("b", "1"));
  EXPECT_OK(table.Delete("nobody"));
  EXPECT_EQ(KeysOf(table), 2);
  EXPECT_OK(table.Update("c", [](auto) -> Result<std::string_view> { return std::string_view(); }));
  EXPECT_OK(table.Update("c", [](auto) -> Result<std::string_view> { return std::string_view(); }));
  EXPECT_EQ(KeysOf(table), 3);
  EXPECT_OK(table.Delete("a"));
  EXPECT_OK(table.Delete("a"));
  EXPECT_EQ(KeysOf(table), 2);
  EXPECT_OK(table.DeleteRange({.from = "b", .to = "c"}));
  EXPECT_EQ(KeysOf(table), 1);
  EXPECT_OK(store_->Rollback());
  EXPECT_EQ(KeysOf(table), 0);

  auto lists = store_->List<std::string, std::string>("lists", true).value();
  EXPECT_OK(lists.Append("a", "1"));
  EXPECT_OK(lists.Append("a", "2"));
  EXPECT_OK(lists.Append("b", "1"));
  EXPECT_OK(lists.Clear("a"));
  EXPECT_EQ(KeysOf(lists.table()), 1);
}

TEST_F(CountTest, IsAPropertyOfTheTable) {
  Open("plain");
  EXPECT_ERROR(store_->OpenTable("plain", Counted(TableKind::kBytes)).error(),
               StatusCode::kInvalidArgument, "table-mismatch");
  EXPECT_FALSE(Open("plain").Count().value().exact);
  Table counted = Open("counted", Counted(TableKind::kBytes));
  EXPECT_OK(counted.Put("a", "1"));
  EXPECT_OK(Save(1));
  Reopen();
  EXPECT_EQ(KeysOf(Open("counted")), 1) << "it keeps count, asked for or not";
  EXPECT_OK(store_->DropTable("counted"));
  EXPECT_ERROR(counted.Count().error(), StatusCode::kClosed, "store-closed");
}

TEST_F(CountTest, OtherwiseItIsAnEstimate) {
  Table table = Open("t");
  for (int i = 0; i < 1'000; ++i) EXPECT_OK(table.Put("key" + std::to_string(i), "v"));
  EXPECT_EQ(table.Count().value().keys, 1'000);
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  Reopen();
  table = Open("t");
  EXPECT_EQ(table.Count().value().keys, 1'000);
  EXPECT_FALSE(table.Count().value().exact);
}

// Two tables, changed at random, through every way that a store comes to a checkpoint.
TEST_F(CountTest, Invariant02CountsComeBackAsTheyWere) {
  for (uint32_t seed = 0; seed < 4; ++seed) {
    std::mt19937 random(seed);
    store_.reset();
    std::filesystem::remove_all(directory_ / "repository");
    std::filesystem::remove_all(directory_ / "live");
    options_.write_back_segments = 1 + seed % 4;
    storage_ = std::make_shared<FaultStorage>(
        storage::OpenLocalDirectoryOn(directory_ / "repository", storage::DefaultFileSystem())
            .value());
    options_.storage = storage_;
    Open();
    using State = std::map<std::string, Content>;
    StateHistory<State> history;
    State& current = history.current();
    std::map<std::string, Table> tables;
    const auto open_tables = [&] {
      tables.clear();
      tables.emplace("a", Open("a", Counted(TableKind::kBytes)));
      tables.emplace("b", Open("b", Counted(TableKind::kOrderedBytes)));
    };
    open_tables();
    for (int i = 0; i < 600; ++i) {
      const std::string name = random() % 3 == 0 ? "a" : "b";
      const std::string key = "key" + std::to_string(random() % 200);
      switch (random() % 40) {
        case 0:
          EXPECT_OK(Save(history.NextId()));
          history.Saved();
          break;
        case 1:
          EXPECT_OK(store_->Rollback());
          history.RolledBack();
          break;
        case 2:
          EXPECT_OK(store_->Drain());
          break;
        case 3: {
          const auto checkpoint = history.RandomCheckpoint(random);
          if (!checkpoint) break;
          Reopen(checkpoint);
          open_tables();
          history.Restored(*checkpoint);
          break;
        }
        case 4:
          if (name == "b") {
            EXPECT_OK(tables.at(name).DeleteRange({.from = key}));
            current[name].erase(current[name].lower_bound(key), current[name].end());
          }
          break;
        default:
          if (random() % 3 == 0) {
            EXPECT_OK(tables.at(name).Delete(key));
            current[name].erase(key);
          } else {
            EXPECT_OK(tables.at(name).Put(key, "v"));
            current[name][key] = "v";
          }
      }
      for (const auto& [table_name, table] : tables)
        ASSERT_EQ(KeysOf(table), current[table_name].size()) << "seed " << seed;
    }
  }
}

class MultiGetTest : public CountTest {
 protected:
  using Found = std::map<size_t, std::optional<std::string>>;
  static Found Get(Table& table, const std::vector<std::string>& keys) {
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    Found found;
    EXPECT_OK(table.MultiGet(views, [&](size_t index, const auto& value) {
      EXPECT_TRUE(
          found.emplace(index, value ? std::optional(std::string(*value)) : std::nullopt).second)
          << "visited twice: " << index;
    }));
    return found;
  }
};

TEST_F(MultiGetTest, AnswersForEachKeyOnceWhereverItIs) {
  store_.reset();
  SetBudget(16 * kMiB);
  Open();
  Table table = Open("t", {.kind = TableKind::kOrderedBytes});
  const auto value = [](int i) { return std::string(300, static_cast<char>('a' + i % 26)); };
  for (int i = 0; i < 60'000; ++i) ASSERT_TRUE(table.Put("key" + std::to_string(i), value(i)).ok());
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  EXPECT_OK(table.Put("key7", "changed"));
  EXPECT_OK(table.Delete("key8"));
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> keys = {"key7", "key8", "nobody", "", "nobody"};
    Found expected = {{0, "changed"}, {1, std::nullopt}, {2, {}}, {3, {}}, {4, {}}};
    for (int i = 0; i < 300; ++i) {
      const int number = 100 + static_cast<int>(random() % 59'900);
      expected[keys.size()] = value(number);
      keys.push_back("key" + std::to_string(number));
    }
    ASSERT_EQ(Get(table, keys), expected);
  }
  EXPECT_EQ(Get(table, {}), Found());
  // What a range delete covers that RocksDB does not have yet.
  EXPECT_OK(table.DeleteRange({.prefix = "key1"}));
  EXPECT_EQ(Get(table, {"key11", "key12345", "key2"}), (Found{{0, {}}, {1, {}}, {2, value(2)}}));
}

TEST_F(MultiGetTest, RefusesWhatGetRefuses) {
  Table table = Open("t");
  const std::vector<std::string_view> keys = {"a", "b"};
  const auto ignore = [](size_t, const auto&) {};
  const std::string long_key(65'536, 'k');
  const std::vector<std::string_view> too_long = {"a", long_key};
  EXPECT_ERROR(table.MultiGet(too_long, ignore), StatusCode::kInvalidArgument, "key-too-long");
  Status inner;
  EXPECT_OK(table.MultiGet(keys, [&](size_t, const auto&) { inner = table.Put("a", "b"); }));
  EXPECT_ERROR(inner, StatusCode::kInvalidArgument, "reentrant-call");
  EXPECT_OK(store_->DropTable("t"));
  EXPECT_ERROR(table.MultiGet(keys, ignore), StatusCode::kNotFound, "table-dropped");
}

}  // namespace
}  // namespace tidemark::test
