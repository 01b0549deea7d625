// Read views: they show their checkpoint whatever the writer does, and leave nothing behind.
#include "tests/public/read_view_fixture.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::test {
namespace {

constexpr char kPartition[] = {0, 1, 'p', 0};  // of a map's keys

class ReadViewTest : public ReadViewFixture {};

TEST_F(ReadViewTest, ShowsItsCheckpointWhateverTheWriterDoes) {
  options_.keep_last = 2;
  Open();
  Table hashed = Open("hashed");
  Table ordered = Open("ordered", {.kind = TableKind::kOrderedBytes});
  Table map = Open("map", {.kind = TableKind::kMap});
  const std::string partition(kPartition, 3);
  EXPECT_OK(hashed.Put("a", "1"));
  EXPECT_OK(hashed.Put("empty", ""));
  EXPECT_OK(hashed.Put("large", std::string(3 * kMiB, 'l')));
  EXPECT_OK(ordered.Put("", "no bytes"));
  EXPECT_OK(map.Put(partition + "x", "1"));
  EXPECT_OK(Save(1, {{"offset", "17"}}));
  const State first{{"hashed", {{"a", "1"}, {"empty", ""}, {"large", std::string(3 * kMiB, 'l')}}},
                    {"map", {{partition + "x", "1"}}},
                    {"ordered", {{"", "no bytes"}}}};
  EXPECT_OK(store_->Drain());
  EXPECT_OK(hashed.Put("a", "2"));
  EXPECT_OK(hashed.Delete("large"));
  EXPECT_OK(store_->DropTable("ordered"));
  Table late = Open("late");
  EXPECT_OK(late.Put("b", "2"));
  EXPECT_OK(Save(2));
  const State second{{"hashed", {{"a", "2"}, {"empty", ""}}},
                     {"late", {{"b", "2"}}},
                     {"map", {{partition + "x", "1"}}}};
  EXPECT_OK(hashed.Put("a", "in the open epoch"));

  const ReadView older = View(1);
  const ReadView newest = View();
  EXPECT_EQ(older.checkpoint().id, 1u);
  EXPECT_EQ(older.checkpoint().metadata, (Metadata{{"offset", "17"}}));
  EXPECT_EQ(newest.checkpoint().id, 2u);
  EXPECT_EQ(newest.checkpoint().epoch, 2u);
  EXPECT_TRUE(Read(older) == first);
  EXPECT_TRUE(Read(newest) == second);

  // Everything changes, both checkpoints leave, their files are collected.
  for (uint64_t id = 3; id <= 8; ++id) {
    EXPECT_OK(hashed.Put("a", std::to_string(id)));
    EXPECT_OK(id % 2 == 0 ? hashed.Delete("empty") : hashed.Put("empty", "not any more"));
    EXPECT_OK(late.Delete("b"));
    EXPECT_OK(map.Put(partition + "x", std::to_string(id)));
    EXPECT_OK(Save(id));
    EXPECT_OK(store_->Drain());
  }
  EXPECT_OK(store_->DropTable("late"));
  EXPECT_OK(store_->Rollback());
  EXPECT_EQ(Ids(), (std::vector<uint64_t>{7, 8}));
  EXPECT_TRUE(Read(older) == first);
  EXPECT_TRUE(Read(newest) == second);

  EXPECT_OK(store_->Close());
  store_.reset();
  EXPECT_TRUE(Read(older) == first) << "a view outlives its store";
  EXPECT_TRUE(Read(newest) == second);
}

// Every retained checkpoint, again and again, through whatever files it is made of: inlined and
// other segments, one base or another, links and copies.
TEST_F(ReadViewTest, EachRetainedCheckpointIsWhatItWasAtItsBarrier) {
  for (const bool links : {true, false}) {
    SCOPED_TRACE(links ? "links" : "copies");
    std::mt19937 random(links ? 1 : 2);
    const auto below = [&](uint32_t limit) { return random() % limit; };
    options_.directory = directory_ / (links ? "a" : "b");
    storage_ = std::make_shared<FaultStorage>(
        storage::OpenLocalDirectoryOn(options_.directory + ".repository",
                                      storage::DefaultFileSystem())
            .value());
    storage_->DenyLinks(!links);
    options_.storage = storage_;
    options_.keep_last = 6;
    options_.write_back_segments = 3;
    options_.inline_segment_bytes_max = 2000;
    Reopen();
    State current;
    std::map<uint64_t, State> saved;
    for (uint64_t id = 1; id <= 40; ++id) {
      const uint32_t changes = below(4) == 0 ? 200 : 10;
      for (uint32_t i = 0; i < changes; ++i) {
        const std::string name = "t" + std::to_string(below(3));
        const std::string key = "key" + std::to_string(below(300));
        Table table = Open(name);
        if (below(3) == 0) {
          EXPECT_OK(table.Delete(key));
          current[name].erase(key);
        } else {
          const std::string value = std::to_string(id) + std::string(below(60), 'v');
          EXPECT_OK(table.Put(key, value));
          current[name][key] = value;
        }
      }
      if (below(8) == 0 && !current.empty()) {
        EXPECT_OK(store_->DropTable(current.begin()->first));
        current.erase(current.begin());
      }
      ASSERT_OK(Save(id));
      saved[id] = current;
      if (id % 4 != 0) continue;
      for (const uint64_t retained : Ids()) {
        const ReadView view = View(retained);
        EXPECT_EQ(view.checkpoint().id, retained);
        EXPECT_TRUE(Read(view) == saved.at(retained)) << "checkpoint " << retained << " at " << id;
      }
    }
    EXPECT_OK(store_->Drain());
    EXPECT_TRUE(Read(View()) == saved.at(40));
    EXPECT_EQ(ViewDirectories(), 0u);
  }
}

// More segments than are merged in one go, with a table that is dropped between two such parts.
TEST_F(ReadViewTest, ManySegments) {
  options_.write_back_segments = 4096;
  options_.write_back_bytes = uint64_t{1} << 30;
  options_.keep_last = 300;
  Open();
  Table table = Open("t");
  Table leaves = Open("leaves");
  EXPECT_OK(leaves.Put("k", "v"));
  for (uint64_t id = 1; id <= 200; ++id) {
    EXPECT_OK(table.Put("key" + std::to_string(id % 7), std::to_string(id)));
    if (id == 100) {
      EXPECT_OK(store_->DropTable("leaves"));
    }
    ASSERT_OK(Save(id));
  }
  for (const uint64_t id :
       {uint64_t{1}, uint64_t{64}, uint64_t{99}, uint64_t{100}, uint64_t{200}}) {
    State expected{{"t", {}}};
    for (uint64_t i = id < 7 ? 1 : id - 6; i <= id; ++i)
      expected["t"]["key" + std::to_string(i % 7)] = std::to_string(i);
    if (id < 100) expected["leaves"] = {{"k", "v"}};
    EXPECT_TRUE(Read(View(id)) == expected) << id;
  }
}

TEST_F(ReadViewTest, WhatIsNotThere) {
  Open();
  EXPECT_ERROR(store_->OpenView().error(), StatusCode::kNotFound, "checkpoint-not-found");
  Table table = Open("t");
  EXPECT_OK(Save(3));
  EXPECT_OK(Save(5));
  const Status unknown = store_->OpenView({.checkpoint = 4}).error();
  EXPECT_ERROR(unknown, StatusCode::kNotFound, "checkpoint-not-found");
  EXPECT_NE(unknown.message().find("3, 5"), std::string_view::npos) << unknown.ToString();
  EXPECT_ERROR(store_->OpenView({.block_cache_bytes = 1}).error(), StatusCode::kInvalidArgument,
               "option-bounds");
  EXPECT_EQ(ViewDirectories(), 0u);

  const ReadView view = View();
  EXPECT_EQ(view.Tables(), std::vector<std::string>{"t"});
  EXPECT_ERROR(view.Table("u").error(), StatusCode::kNotFound, "table-not-found");
  EXPECT_ERROR((view.Value<uint64_t, uint64_t>("t").error()), StatusCode::kInvalidArgument,
               "table-mismatch");
  EXPECT_ERROR(view.Table("t", {.key_codec = "u64"}).error(), StatusCode::kInvalidArgument,
               "table-mismatch");
  EXPECT_TRUE(view.Table("t", {}).has_value());
  EXPECT_EQ(view.Table("t").value().options().key_codec, "bytes");
  EXPECT_EQ(view.Table("t").value().name(), "t");
  EXPECT_ERROR(view.Table("t").value().Get(std::string(kKeyBytesMax + 1, 'k')).error(),
               StatusCode::kInvalidArgument, "key-too-long");
}

TEST_F(ReadViewTest, CloseReleasesIt) {
  Open();
  EXPECT_OK(Open("t").Put("a", "1"));
  EXPECT_OK(Save(1));
  const uint64_t used = options_.runtime->memory_used_bytes();
  ReadView view = View();
  const ReadView copy = view;
  const ReadTable table = view.Table("t").value();
  EXPECT_EQ(ViewDirectories(), 1u);
  EXPECT_EQ(options_.runtime->memory_used_bytes(), used + 2 * kMiB) << "a 32nd of 64 MiB";
  view.Close();
  EXPECT_EQ(ViewDirectories(), 0u);
  EXPECT_EQ(options_.runtime->memory_used_bytes(), used);
  EXPECT_ERROR(copy.Table("t").error(), StatusCode::kClosed, "view-closed");
  EXPECT_ERROR(table.Get("a").error(), StatusCode::kClosed, "view-closed");
  EXPECT_ERROR(table.ForEach([](auto, auto) { return true; }), StatusCode::kClosed, "view-closed");
  EXPECT_EQ(copy.checkpoint().id, 1u);
  view.Close();

  std::optional<ReadTable> last = View().Table("t").value();
  EXPECT_EQ(last->Get("a").value(), "1") << "a table keeps its view";
  EXPECT_EQ(ViewDirectories(), 1u);
  last.reset();
  EXPECT_EQ(ViewDirectories(), 0u);
  EXPECT_EQ(options_.runtime->memory_used_bytes(), used);
}

TEST_F(ReadViewTest, AReadThatClosesItsViewGoesOn) {
  Open();
  Table live = Open("t");
  for (int i = 0; i < 100; ++i) EXPECT_OK(live.Put("key" + std::to_string(i), "v"));
  EXPECT_OK(Save(1));
  ReadView view = View();
  const ReadTable table = view.Table("t").value();
  int seen = 0;
  EXPECT_OK(table.ForEach([&](auto, auto) {
    if (++seen == 1) {
      view.Close();
      EXPECT_ERROR(table.Get("key1").error(), StatusCode::kClosed, "view-closed");
      EXPECT_EQ(ViewDirectories(), 1u);
    }
    return true;
  }));
  EXPECT_EQ(seen, 100);
  EXPECT_EQ(ViewDirectories(), 0u);
}

TEST_F(ReadViewTest, AClosedStoreOpensNone) {
  Open();
  EXPECT_OK(Open("t").Put("a", "1"));
  EXPECT_OK(Save(1));
  const ReadView view = View();
  EXPECT_OK(store_->Close());
  EXPECT_ERROR(store_->OpenView().error(), StatusCode::kClosed, "store-closed");
  EXPECT_EQ(view.Table("t").value().Get("a").value(), "1");
}

// What a process that died left goes; what a view still uses, though its store is gone, stays.
TEST_F(ReadViewTest, LeftoversGoWithTheNextOpening) {
  Open();
  EXPECT_OK(Open("t").Put("a", "1"));
  EXPECT_OK(Save(1));
  std::optional<ReadView> view = View();
  const std::string left = options_.directory + "/views/0123456789abcdef";
  std::filesystem::create_directories(left + "/live.1/state");
  std::ofstream(left + "/LOCK") << "17\n";
  std::ofstream(left + "/live.1/state/000001.sst") << "bytes";
  EXPECT_EQ(ViewDirectories(), 2u);
  Reopen();
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_EQ(ViewDirectories(), 1u);
  EXPECT_EQ(view->Table("t").value().Get("a").value(), "1");
  view.reset();
  EXPECT_EQ(ViewDirectories(), 0u);
  EXPECT_EQ(Read(View()), (State{{"t", {{"a", "1"}}}}));
}

TEST_F(ReadViewTest, MemoryThatOutlivesTheStoreStaysCounted) {
  Open();
  EXPECT_OK(Save(1));
  std::optional<ReadView> view = store_->OpenView({.block_cache_bytes = 3 * kMiB}).value();
  EXPECT_OK(store_->Close());
  EXPECT_EQ(options_.runtime->memory_used_bytes(), 19 * kMiB)
      << "a quarter of 64 MiB, and the view's";
  view.reset();
  EXPECT_EQ(options_.runtime->memory_used_bytes(), 0u);
}

TEST_F(ReadViewTest, RangesAreThoseOfAScan) {
  Open();
  Table ordered = Open("ordered", {.kind = TableKind::kOrderedBytes});
  Table map = Open("map", {.kind = TableKind::kMap});
  const std::string partition(kPartition, 3);
  for (const char* key : {"", "a", "a\xff", "a\xff\xff", "b", "ba", "\xff", "\xff\xff"}) {
    EXPECT_OK(ordered.Put(key, std::string("o") + key));
    EXPECT_OK(map.Put(partition + key, std::string("m") + key));
    EXPECT_OK(map.Put(std::string({0, 2, 'p', 'q'}) + key, "of another partition"));
  }
  EXPECT_OK(Save(1));
  const ReadView view = View();
  const auto compare = [&](Table live, const ScanOptions& options) {
    std::vector<std::pair<std::string, std::string>> expected;
    std::vector<std::pair<std::string, std::string>> got;
    Iterator entries = live.Scan(options).value();
    while (entries.Next().value()) expected.emplace_back(entries.key(), entries.value());
    EXPECT_OK(view.Table(live.name()).value().ForEach(options, [&](auto key, auto value) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(value.data()) % 8, 0u);
      got.emplace_back(key, value);
      return true;
    }));
    EXPECT_EQ(got, expected);
  };
  for (const bool reverse : {false, true}) {
    for (const ScanOptions& options : std::vector<ScanOptions>{{},
                                                               {.prefix = "a"},
                                                               {.prefix = "a\xff"},
                                                               {.prefix = "\xff"},
                                                               {.prefix = "a", .from = "a\xff"},
                                                               {.from = "a\xff", .to = "ba"},
                                                               {.from = "c", .to = "b"},
                                                               {.to = ""}}) {
      ScanOptions one = options;
      one.reverse = reverse;
      compare(ordered, one);
      one.prefix = partition + options.prefix;
      one.from = partition + options.from;
      if (options.to) one.to = partition + *options.to;
      compare(map, one);
    }
  }
  int seen = 0;
  EXPECT_OK(view.Table("ordered").value().ForEach({}, [&](auto, auto) { return ++seen < 3; }));
  EXPECT_EQ(seen, 3);
  const auto error = [&](const std::string& name, const ScanOptions& options) {
    return view.Table(name).value().ForEach(options, [](auto, auto) { return true; });
  };
  EXPECT_ERROR(error("map", {}), StatusCode::kInvalidArgument, "scan-partition");
  EXPECT_ERROR(view.Table("map").value().Get("x").error(), StatusCode::kInvalidArgument,
               "key-partition");
  Open("hashed");
  EXPECT_OK(Save(2));
  EXPECT_ERROR(View().Table("hashed").value().ForEach({}, [](auto, auto) { return true; }),
               StatusCode::kUnsupported, "table-unordered");
}

TEST_F(ReadViewTest, TypedStates) {
  Open();
  auto ages = store_->Value<std::string, int32_t>("ages").value();
  auto names = store_->Value<int32_t, std::string>("names").value();
  auto carts = store_->Map<std::string, int32_t, double>("carts").value();
  EXPECT_OK(ages.Put("ada", 36));
  EXPECT_OK(names.Put(-1, "a name that is too long to lie in a std::string itself"));
  for (const int32_t i : {5, -3, 0}) EXPECT_OK(carts.Put("ada", i, i + 0.5));
  EXPECT_OK(carts.Put("adb", 1, 1));
  EXPECT_OK(Save(1));
  EXPECT_OK(ages.Put("ada", 37));
  EXPECT_OK(names.Put(-1, "another"));

  std::optional<ReadView> view = View();
  const auto read_ages = view->Value<std::string, int32_t>("ages").value();
  EXPECT_EQ(read_ages.Get("ada").value(), 36);
  EXPECT_EQ(read_ages.Get("bob").value(), std::nullopt);
  const std::string name = *view->Value<int32_t, std::string>("names").value().Get(-1).value();
  std::map<std::string, int32_t> all;
  EXPECT_OK(read_ages.ForEach([&](std::string_view key, int32_t age) {
    all.emplace(key, age);
    return true;
  }));
  EXPECT_EQ(all, (std::map<std::string, int32_t>{{"ada", 36}}));

  const auto read_carts = view->Map<std::string, int32_t, double>("carts").value();
  EXPECT_EQ(read_carts.Get("ada", -3).value(), -2.5);
  EXPECT_EQ(read_carts.Get("ada", 1).value(), std::nullopt);
  EXPECT_TRUE(read_carts.Contains("adb", 1).value());
  EXPECT_FALSE(read_carts.Contains("ad", 1).value());
  std::vector<std::pair<int32_t, double>> entries;
  const auto collect = [&](int32_t entry, double value) {
    entries.emplace_back(entry, value);
    return true;
  };
  EXPECT_OK(read_carts.ForEach("ada", collect));
  EXPECT_EQ(entries, (std::vector<std::pair<int32_t, double>>{{-3, -2.5}, {0, 0.5}, {5, 5.5}}));
  entries.clear();
  EXPECT_OK(read_carts.ForEach("ada", collect, true));
  EXPECT_EQ(entries, (std::vector<std::pair<int32_t, double>>{{5, 5.5}, {0, 0.5}, {-3, -2.5}}));
  view->Close();
  EXPECT_EQ(name, "a name that is too long to lie in a std::string itself");
}

// Operands and range deletes that lie above what they change, in segments and in files.
TEST_F(ReadViewTest, ListsAndRangeDeletes) {
  options_.keep_last = 10;
  Open();
  auto words = store_->List<std::string, std::string>("words").value();
  Table ordered = Open("ordered", {.kind = TableKind::kOrderedBytes});
  const auto append = [&](std::string_view word) { EXPECT_OK(words.Append("k", word)); };
  append("one");
  append("two");
  for (int i = 1000; i < 2000; ++i) EXPECT_OK(ordered.Put(std::to_string(i), "v"));
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  append("three");
  EXPECT_OK(ordered.DeleteRange({.from = "12", .to = "19"}));
  EXPECT_OK(ordered.Put("1500", "again"));
  EXPECT_OK(Save(2));
  append("four");
  EXPECT_OK(ordered.DeleteRange({}));
  EXPECT_OK(Save(3));
  const std::vector<std::vector<std::string>> expected_words{
      {"one", "two"}, {"one", "two", "three"}, {"one", "two", "three", "four"}};
  const size_t expected_entries[] = {1000, 301, 0};
  for (const bool drained : {false, true}) {
    for (uint64_t id = 1; id <= 3; ++id) {
      const ReadView view = View(id);
      const auto lists = view.List<std::string, std::string>("words").value();
      EXPECT_EQ(lists.Get("k").value(), expected_words[id - 1]) << id << drained;
      EXPECT_TRUE(lists.Get("nobody").value().empty());
      size_t seen = 0;
      EXPECT_OK(lists.ForEach("k", [&](std::string_view) { return ++seen < 2; }));
      EXPECT_EQ(seen, 2u);
      const ReadTable entries = view.Table("ordered").value();
      EXPECT_EQ(Read(entries).size(), expected_entries[id - 1]) << id << drained;
      EXPECT_EQ(entries.Get("1300").value().has_value(), id == 1) << id << drained;
      EXPECT_EQ(entries.Get("1500").value().has_value(), id <= 2) << id << drained;
      size_t in_range = 0;
      EXPECT_OK(entries.ForEach({.from = "11", .to = "13"}, [&](auto, auto) {
        ++in_range;
        return true;
      }));
      EXPECT_EQ(in_range, id == 1 ? 200u : id == 2 ? 100u : 0u) << id << drained;
    }
    EXPECT_OK(store_->Drain());
  }
}

TEST_F(ReadViewTest, CountsAreThoseOfTheCheckpoint) {
  options_.keep_last = 10;
  Open();
  auto counted = store_->Value<uint64_t, uint64_t>("counted", true).value();
  Table other = Open("other");
  for (uint64_t id = 1; id <= 3; ++id) {
    for (uint64_t key = 0; key < 100; ++key) EXPECT_OK(counted.Put(id * 1000 + key, key));
    EXPECT_OK(counted.Delete(1000 + id));
    EXPECT_OK(other.Put(std::to_string(id), "v"));
    EXPECT_OK(Save(id));
    if (id == 2) {
      EXPECT_OK(store_->Drain());
    }
  }
  for (uint64_t id = 1; id <= 3; ++id) {
    const ReadView view = View(id);
    const KeyCount count = view.Table("counted").value().Count().value();
    EXPECT_TRUE(count.exact);
    EXPECT_EQ(count.keys, 99 * id) << id;
    EXPECT_EQ(Read(view.Table("counted").value()).size(), 99 * id);
    EXPECT_FALSE(view.Table("other").value().Count().value().exact);
    EXPECT_TRUE((view.Value<uint64_t, uint64_t>("counted").has_value()));
    EXPECT_TRUE(view.Table("counted").value().options().exact_count);
  }
}

TEST_F(ReadViewTest, AValueThatItsCodecCannotDecodeIsNamed) {
  Open();
  Table raw = Open("ages", ValueState<std::string, int32_t>::Options());
  EXPECT_OK(raw.Put("ada", "three"));
  EXPECT_OK(Save(1));
  const auto ages = View().Value<std::string, int32_t>("ages").value();
  for (const Status& status :
       {ages.Get("ada").error(), ages.ForEach([](std::string_view, int32_t) { return true; })}) {
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
    EXPECT_NE(status.message().find("table `ages`, key `ada`"), std::string_view::npos)
        << status.ToString();
  }
}

}  // namespace
}  // namespace tidemark::test
