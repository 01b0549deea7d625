#include <tidemark/table.h>

#include "tests/public/store_fixture.h"

#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

bool IsAligned(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer) % 8 == 0; }

class TableTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }
};

TEST_F(TableTest, PutGetDelete) {
  Table table = Open("t");
  EXPECT_EQ(Read(table, "a"), std::nullopt);
  EXPECT_OK(table.Put("a", "1"));
  EXPECT_EQ(Read(table, "a"), "1");
  EXPECT_OK(table.Put("a", "a longer value than before, by far, so that it needs another place"));
  EXPECT_EQ(Read(table, "a"), "a longer value than before, by far, so that it needs another place");
  EXPECT_OK(table.Put("a", ""));
  EXPECT_EQ(Read(table, "a"), "");
  EXPECT_OK(table.Delete("a"));
  EXPECT_EQ(Read(table, "a"), std::nullopt);
  EXPECT_OK(table.Put("a", "again"));
  EXPECT_EQ(Read(table, "a"), "again");
}

TEST_F(TableTest, KeysOfAllSizes) {
  Table table = Open("t");
  const std::string longest(65'535, 'k');
  EXPECT_OK(table.Put("", "of the empty key"));
  EXPECT_OK(table.Put(longest, "of the longest"));
  EXPECT_OK(table.Put(std::string(1, '\0'), "of a zero byte"));
  const Content before = Read(table);
  EXPECT_EQ(before.size(), 3u);

  const std::string too_long(65'536, 'k');
  const auto change = [](std::optional<std::string_view>) -> Result<std::string_view> {
    return std::string_view("x");
  };
  for (const Status& status :
       {table.Put(too_long, "x"), table.Delete(too_long), table.Get(too_long).error(),
        table.Mutable(too_long).error(), table.Update(too_long, change)}) {
    EXPECT_ERROR(status, StatusCode::kInvalidArgument, "key-too-long");
    EXPECT_NE(status.message().find("65536"), std::string_view::npos) << status.ToString();
    EXPECT_NE(status.message().find("65535"), std::string_view::npos) << status.ToString();
  }
  EXPECT_EQ(Read(table), before);

  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  Reopen();
  table = Open("t");
  EXPECT_EQ(Read(table), before);
  EXPECT_EQ(Read(table, longest), "of the longest");
  EXPECT_EQ(Read(table, ""), "of the empty key");
}

// As large as they may be by default, out and back.
TEST_F(TableTest, AValueOf256MiB) {
  if (TIDEMARK_SANITIZED) GTEST_SKIP() << "too slow, and too large, under a sanitizer";
  ASSERT_OK(store_->Close());
  store_.reset();
  SetBudget(1'024 * kMiB);
  Reopen();
  Table table = Open("t");
  std::string value(256 * kMiB, 'v');
  std::mt19937_64 random(256);
  for (size_t at = 0; at < value.size() / 2; at += sizeof(uint64_t)) {
    const uint64_t bits = random();
    std::memcpy(value.data() + at, &bits, sizeof(bits));
  }
  EXPECT_OK(table.Put("large", value));
  EXPECT_ERROR(table.Put("larger", value + "x"), StatusCode::kInvalidArgument, "value-too-long");
  EXPECT_OK(Save(1));
  Reopen();
  table = Open("t");
  EXPECT_TRUE(*table.Get("large").value() == value) << "replayed";
  EXPECT_OK(store_->Drain());
  Reopen();
  table = Open("t");
  EXPECT_TRUE(*table.Get("large").value() == value) << "out of RocksDB";
}

TEST_F(TableTest, ValuesOfAllSizes) {
  options_.value_bytes_max = 2 * kMiB;
  Reopen();
  Table table = Open("t");
  const std::string mebibyte(kMiB, 'm');
  const std::string largest(2 * kMiB, 'l');
  const std::string too_long(2 * kMiB + 1, 'x');
  EXPECT_OK(table.Put("empty", ""));
  EXPECT_OK(table.Put("mebibyte", mebibyte));
  EXPECT_OK(table.Put("largest", largest));
  const auto change = [&](std::optional<std::string_view>) -> Result<std::string_view> {
    return std::string_view(too_long);
  };
  for (const Status& status : {table.Put("largest", too_long), table.Update("largest", change)}) {
    EXPECT_ERROR(status, StatusCode::kInvalidArgument, "value-too-long");
    EXPECT_NE(status.message().find("2097153"), std::string_view::npos) << status.ToString();
    EXPECT_NE(status.message().find("2097152"), std::string_view::npos) << status.ToString();
  }
  EXPECT_EQ(Read(table, "largest"), largest);
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  Reopen();
  table = Open("t");
  EXPECT_EQ(Read(table), (Content{{"empty", ""}, {"mebibyte", mebibyte}, {"largest", largest}}));
}

TEST_F(TableTest, ALimitOfZeroAllowsEmptyValues) {
  options_.value_bytes_max = 0;
  Reopen();
  Table table = Open("t");
  EXPECT_OK(table.Put("a", ""));
  EXPECT_ERROR(table.Put("a", "1"), StatusCode::kInvalidArgument, "value-too-long");
  EXPECT_EQ(Read(table, "a"), "");
}

TEST_F(TableTest, UpdateGetsTheValueAndSetsIt) {
  Table table = Open("t");
  std::string buffer;
  const auto append = [&](std::optional<std::string_view> current) -> Result<std::string_view> {
    buffer = std::string(current.value_or("none")) + "+";
    return std::string_view(buffer);
  };
  EXPECT_OK(table.Update("a", append));
  EXPECT_OK(table.Update("a", append));
  EXPECT_EQ(Read(table, "a"), "none++");
  // What comes in may go out.
  EXPECT_OK(table.Update(
      "a", [](auto current) -> Result<std::string_view> { return current->substr(2); }));
  EXPECT_EQ(Read(table, "a"), "ne++");
}

TEST_F(TableTest, AnUpdateThatFailsChangesNothing) {
  Table table = Open("t");
  EXPECT_OK(table.Put("a", "1"));
  const Status refused(StatusCode::kUnsupported, "no-such-thing", "says the caller");
  for (const char* key : {"a", "absent"}) {
    const Status status =
        table.Update(key, [&](auto) -> Result<std::string_view> { return refused; });
    EXPECT_ERROR(status, StatusCode::kUnsupported, "no-such-thing");
    EXPECT_THROW((void)table.Update(
                     key, [](auto) -> Result<std::string_view> { throw std::runtime_error("no"); }),
                 std::runtime_error);
  }
  EXPECT_EQ(Read(table), (Content{{"a", "1"}}));
  EXPECT_OK(Save(1)) << "a throw leaves the store usable";
}

TEST_F(TableTest, CallsFromCallbacksAreRefused) {
  Table table = Open("t");
  EXPECT_OK(table.Put("a", "1"));
  int refused = 0;
  const auto try_all = [&] {
    const std::vector<Status> statuses = {
        table.Put("b", "2"),
        table.Delete("a"),
        table.Get("a").error(),
        table.Mutable("a").error(),
        table.Update("a", [](auto) -> Result<std::string_view> { return std::string_view("x"); }),
        table.ForEach([](auto, auto) { return true; }),
        store_->Checkpoint(1).error(),
        store_->Rollback(),
        store_->Drain(),
        store_->Close(),
        store_->OpenTable("t").error(),
        store_->OpenTable("another").error()};
    for (const Status& status : statuses) {
      EXPECT_ERROR(status, StatusCode::kInvalidArgument, "reentrant-call");
      ++refused;
    }
  };
  EXPECT_OK(table.Update("a", [&](auto current) -> Result<std::string_view> {
    try_all();
    return *current;
  }));
  EXPECT_OK(table.ForEach([&](auto, auto) {
    try_all();
    return true;
  }));
  EXPECT_EQ(refused, 2 * 12);
  EXPECT_THROW((void)table.ForEach([](auto, auto) -> bool { throw std::runtime_error("no"); }),
               std::runtime_error);
  EXPECT_EQ(Read(table), (Content{{"a", "1"}}));
  EXPECT_OK(Save(1));
}

TEST_F(TableTest, MutableChangesInPlace) {
  Table table = Open("t");
  EXPECT_EQ(table.Mutable("absent").value().data(), nullptr);
  EXPECT_OK(table.Put("a", "hello"));
  EXPECT_OK(table.Put("empty", ""));
  auto bytes = table.Mutable("a").value();
  ASSERT_EQ(bytes.size(), 5u);
  EXPECT_TRUE(IsAligned(bytes.data()));
  bytes[0] = 'j';
  EXPECT_EQ(Read(table, "a"), "jello");
  EXPECT_NE(table.Mutable("empty").value().data(), nullptr) << "there, though empty";
  EXPECT_OK(Save(1));
  // The epoch before is sealed: what is written now belongs to the next one.
  std::memcpy(table.Mutable("a").value().data(), "world", 5);
  EXPECT_EQ(Read(table, "a"), "world");
  EXPECT_OK(store_->Rollback());
  EXPECT_EQ(Read(table, "a"), "jello");
  std::memcpy(table.Mutable("a").value().data(), "other", 5);
  EXPECT_OK(Save(2));
  Reopen(1);
  table = Open("t");
  EXPECT_EQ(Read(table, "a"), "jello");
  Reopen(2);
  table = Open("t");
  EXPECT_EQ(Read(table, "a"), "other");
  table.Mutable("a").value()[0] = 'O';  // not in the cache before
  EXPECT_EQ(Read(table, "a"), "Other");
}

TEST_F(TableTest, ViewsAreAligned) {
  Table table = Open("t");
  for (size_t size = 0; size < 40; ++size)
    EXPECT_OK(table.Put(std::string(size, 'k'), std::string(size, 'v')));
  for (int round = 0; round < 2; ++round) {
    for (size_t size = 0; size < 40; ++size) {
      EXPECT_TRUE(IsAligned(table.Get(std::string(size, 'k')).value()->data())) << size;
    }
    EXPECT_OK(Save(static_cast<uint64_t>(round) + 1));
    EXPECT_OK(store_->Drain());
    Reopen();  // now they come from RocksDB
    table = Open("t");
  }
}

TEST_F(TableTest, ViewsMayBeArguments) {
  Table table = Open("t");
  EXPECT_OK(table.Put("a", "b"));
  EXPECT_OK(table.Put("c", *table.Get("a").value()));
  EXPECT_OK(table.Put(*table.Get("a").value(), *table.Get("a").value()));
  EXPECT_EQ(Read(table, *table.Get("a").value()), "b");
  EXPECT_OK(table.Put("a", table.Get("a").value()->substr(1)));
  EXPECT_EQ(Read(table), (Content{{"a", ""}, {"b", "b"}, {"c", "b"}}));
  EXPECT_OK(table.Delete(*table.Get("b").value()));
  EXPECT_EQ(Read(table, "b"), std::nullopt);
}

TEST_F(TableTest, ForEachSeesEveryEntryOnce) {
  Table table = Open("t");
  Content expected;
  for (int i = 0; i < 300; ++i) {
    const std::string key = "key" + std::to_string(i);
    expected[key] = "first";
    EXPECT_OK(table.Put(key, "first"));
  }
  EXPECT_EQ(Read(table), expected);
  EXPECT_OK(Save(1));
  EXPECT_OK(store_->Drain());
  // Entries in RocksDB only, in both, changed, deleted, new, and known to be absent.
  Reopen();
  table = Open("t");
  for (int i = 0; i < 300; ++i) {
    const std::string key = "key" + std::to_string(i);
    switch (i % 6) {
      case 0:
        break;
      case 1:
        EXPECT_EQ(Read(table, key), "first");
        break;
      case 2:
        EXPECT_OK(table.Put(key, "second"));
        expected[key] = "second";
        break;
      case 3:
        EXPECT_OK(table.Delete(key));
        expected.erase(key);
        break;
      case 4:
        EXPECT_OK(table.Delete(key));
        EXPECT_OK(table.Put(key, "third"));
        expected[key] = "third";
        break;
      default:
        EXPECT_EQ(Read(table, key + "absent"), std::nullopt);
        EXPECT_OK(table.Put("new" + key, "new"));
        expected["new" + key] = "new";
    }
  }
  EXPECT_EQ(Read(table), expected);
  EXPECT_OK(Save(2));
  EXPECT_EQ(Read(table), expected);
  EXPECT_OK(store_->Drain());
  EXPECT_EQ(Read(table), expected);
}

TEST_F(TableTest, ForEachStopsWhenAsked) {
  Table table = Open("t");
  for (int i = 0; i < 100; ++i) EXPECT_OK(table.Put(std::to_string(i), "x"));
  EXPECT_OK(Save(1));
  Reopen();
  table = Open("t");
  for (int i = 50; i < 60; ++i)
    EXPECT_OK(table.Put(std::to_string(i), "y"));  // in cache and RocksDB
  for (const int limit : {1, 2, 95, 99, 100}) {
    int seen = 0;
    EXPECT_OK(table.ForEach([&](auto, auto) { return ++seen < limit; }));
    EXPECT_EQ(seen, limit);
  }
}

TEST_F(TableTest, TablesAreApart) {
  Table one = Open("one");
  Table two = Open("two");
  EXPECT_OK(one.Put("a", "1"));
  EXPECT_OK(two.Put("a", "2"));
  EXPECT_OK(one.Delete("b"));
  EXPECT_EQ(Read(one), (Content{{"a", "1"}}));
  EXPECT_EQ(Read(two), (Content{{"a", "2"}}));
  Table again = Open("one");
  EXPECT_OK(again.Put("a", "changed"));
  EXPECT_EQ(Read(one, "a"), "changed") << "two handles, one table";
  EXPECT_EQ(one.name(), "one");
}

TEST_F(TableTest, Names) {
  EXPECT_ERROR(store_->OpenTable("").error(), StatusCode::kInvalidArgument, "table-name");
  EXPECT_ERROR(store_->OpenTable(std::string(256, 'n')).error(), StatusCode::kInvalidArgument,
               "table-name");
  const std::string longest(255, 'n');
  const std::string odd("a b/c\n\xff\0d", 9);
  EXPECT_OK(Open(longest).Put("a", "1"));
  EXPECT_OK(Open(odd).Put("a", "2"));
  EXPECT_OK(Save(1));
  Reopen();
  Table table = Open(longest);
  EXPECT_EQ(Read(table, "a"), "1");
  table = Open(odd);
  EXPECT_EQ(Read(table, "a"), "2");
}

TEST_F(TableTest, AnotherKindOrCodecIsAMismatchAlsoAfterRestore) {
  const TableOptions options{
      .kind = TableKind::kValue, .key_codec = "u64", .value_codec = "i8", .schema = "s"};
  EXPECT_OK(Open("t", options).Put("a", "1"));
  EXPECT_OK(Save(1));
  for (int round = 0; round < 2; ++round) {
    TableOptions kind = options;
    kind.kind = TableKind::kBytes;
    TableOptions key = options;
    key.key_codec = "u32";
    TableOptions value = options;
    value.value_codec = "i16";
    for (const TableOptions& other : {kind, key, value}) {
      const auto opened = store_->OpenTable("t", other);
      EXPECT_ERROR(opened.error(), StatusCode::kInvalidArgument, "table-mismatch");
      EXPECT_NE(opened.error().message().find("u64"), std::string_view::npos)
          << opened.error().ToString();
    }
    TableOptions schema = options;
    schema.schema = "another schema";
    Table table = Open("t", schema);
    EXPECT_EQ(table.options().schema, "s") << "the schema is not compared, and stays";
    EXPECT_EQ(table.options().value_codec, "i8");
    EXPECT_EQ(Read(table, "a"), "1");
    Reopen();
  }
}

TEST_F(TableTest, ReservedKindsAndLargeSchemasAreRefused) {
  EXPECT_ERROR(store_->OpenTable("t", {.kind = TableKind::kTimerQueue}).error(),
               StatusCode::kUnsupported, "table-kind");
  EXPECT_ERROR(store_->OpenTable("t", {.kind = static_cast<TableKind>(99)}).error(),
               StatusCode::kUnsupported, "table-kind");
  EXPECT_ERROR(store_->OpenTable("t", {.schema = std::string(kMiB + 1, 's')}).error(),
               StatusCode::kInvalidArgument, "schema-too-large");
  EXPECT_TRUE(store_->OpenTable("t", {.schema = std::string(kMiB, 's')}).has_value());
  EXPECT_OK(Save(1));
}

}  // namespace
}  // namespace tidemark::test
