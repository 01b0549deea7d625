#include "compaction/digest.h"

#include "format/key.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::compaction {
namespace {

using Entries = std::map<std::string, std::string>;  // stored keys and values

std::string Key(uint16_t group, std::string_view key) {
  std::string stored;
  format::AppendStoredKey(group, key, &stored);
  return stored;
}

std::string Value(std::string_view value, uint64_t expiry_ms = 0) {
  std::string stored;
  format::AppendValueHeader(expiry_ms, &stored);
  return stored.append(value);
}

// One table in memory, whatever its id.
class EntriesView final : public storage::StateView {
 public:
  explicit EntriesView(Entries entries, Status end = {})
      : entries_(std::move(entries)), end_(std::move(end)) {}

  Status Scan(uint32_t,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    for (const auto& [key, value] : entries_) {
      if (!visit(key, value)) return {};
    }
    return end_;
  }
  Result<bool> Get(uint32_t, std::string_view, std::string*) const override { return Unused(); }
  Status MultiGet(uint32_t, const std::vector<std::string>&,
                  std::vector<std::optional<std::string>>*) const override {
    return Unused();
  }
  uint64_t EstimateKeys(uint32_t) const override { return entries_.size(); }
  std::unique_ptr<storage::StateCursor> NewCursor(uint32_t, std::string_view,
                                                  std::string_view) const override {
    return nullptr;
  }

 private:
  static Status Unused() { return Status(StatusCode::kInternal, "unused", "a digest only scans"); }

  const Entries entries_;
  const Status end_;
};

struct TableContent {
  format::TableMeta meta;
  std::vector<Entries> subtasks;
};

format::TableMeta Meta(std::string name) {
  format::TableMeta meta;
  meta.id = 1;
  meta.name = std::move(name);
  meta.key_codec = meta.value_codec = "bytes";
  return meta;
}

Result<std::string> DigestOf(const std::vector<TableContent>& tables) {
  ContentDigest digest;
  for (const TableContent& table : tables) {
    digest.BeginTable(table.meta);
    for (const Entries& entries : table.subtasks)
      TIDEMARK_RETURN_IF_ERROR(digest.Add(EntriesView(entries), table.meta.id));
    digest.EndTable();
  }
  return digest.Finish();
}

// As docs/FORMAT.md says it, put together in another way.
class Expected {
 public:
  Expected& Integer(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i, value /= 256) bytes_ += static_cast<char>(value % 256);
    return *this;
  }
  Expected& Text(const std::string& text) {
    Integer(text.size(), 4);
    bytes_ += text;
    return *this;
  }
  std::string Sha256() const {
    std::array<unsigned char, 32> hash{};
    EXPECT_EQ(EVP_Digest(bytes_.data(), bytes_.size(), hash.data(), nullptr, EVP_sha256(), nullptr),
              1);
    std::string hex;
    for (const unsigned char byte : hash) {
      char digits[3];
      std::snprintf(digits, sizeof(digits), "%02x", byte);
      hex += digits;
    }
    return hex;
  }

 private:
  std::string bytes_;
};

TEST(ContentDigestTest, OfNothingIsThatOfNoBytes) {
  EXPECT_EQ(DigestOf({}).value(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// The digest is what sha256sum says of the bytes in docs/FORMAT.md.
TEST(ContentDigestTest, OfTheExampleInTheDocumentation) {
  EXPECT_EQ(DigestOf({{Meta("counts"), {{{Key(0x55, "word"), Value("1")}}}}}).value(),
            "3594b0f8082065769cdd8a3745e1191223b0f8c7a8b91b177c944c353a377436");
}

TEST(ContentDigestTest, IsWhatTheFormatSays) {
  const std::string large(200'000, 'x');
  format::TableMeta map = Meta("b map");
  map.kind = TableKind::kMap;
  map.key_codec = "u32+string";
  map.value_codec = "i64";
  const std::vector<TableContent> tables = {{Meta("a"),
                                             {{{Key(0, ""), Value("")},
                                               {Key(0, "later"), Value("gone", 1'700'000'000'000)},
                                               {Key(7, "large"), Value(large)}}}},
                                            {map, {{{Key(3, "k"), Value("v")}}}},
                                            {Meta("empty"), {}}};
  Expected expected;
  expected.Text("a").Integer(1, 1).Text("bytes").Text("bytes");
  expected.Text(Key(0, "")).Text("").Integer(0, 1);
  expected.Text(Key(0, "later")).Text("gone").Integer(1, 1).Integer(1'700'000'000'000, 8);
  expected.Text(Key(7, "large")).Text(large).Integer(0, 1).Integer(0, 4);
  expected.Text("b map").Integer(4, 1).Text("u32+string").Text("i64");
  expected.Text(Key(3, "k")).Text("v").Integer(0, 1).Integer(0, 4);
  expected.Text("empty").Integer(1, 1).Text("bytes").Text("bytes").Integer(0, 4);
  EXPECT_EQ(DigestOf(tables).value(), expected.Sha256());
}

// A job has one digest, however its key groups are shared out.
TEST(ContentDigestTest, SubtasksFollowEachOther) {
  const Entries low = {{Key(0, "a"), Value("1")}, {Key(63, "b"), Value("2")}};
  const Entries high = {{Key(64, "c"), Value("3")}, {Key(127, "d"), Value("4")}};
  Entries all = low;
  all.insert(high.begin(), high.end());
  EXPECT_EQ(DigestOf({{Meta("t"), {low, high}}}).value(), DigestOf({{Meta("t"), {all}}}).value());
  EXPECT_EQ(DigestOf({{Meta("t"), {low, {}, high}}}).value(),
            DigestOf({{Meta("t"), {all}}}).value());
  const Status wrong = DigestOf({{Meta("t"), {high, low}}}).error();
  EXPECT_EQ(wrong.code(), StatusCode::kCorruption);
  EXPECT_EQ(wrong.name(), "key-group-order") << wrong.ToString();
}

TEST(ContentDigestTest, EverythingInTheContentCountsAndNothingElse) {
  const auto digest = [](const format::TableMeta& meta, Entries entries) {
    return DigestOf({{meta, {std::move(entries)}}}).value();
  };
  const Entries entries = {{Key(1, "ab"), Value("c")}};
  const format::TableMeta meta = Meta("t");
  const std::string plain = digest(meta, entries);

  format::TableMeta other = meta;
  other.id = 9;
  other.schema = "schema";
  other.exact_count = true;
  EXPECT_EQ(digest(other, entries), plain);

  std::vector<std::string> different = {plain};
  different.push_back(digest(meta, {{Key(1, "ab"), Value("d")}}));
  different.push_back(digest(meta, {{Key(1, "ac"), Value("c")}}));
  different.push_back(digest(meta, {{Key(2, "ab"), Value("c")}}));
  different.push_back(digest(meta, {{Key(1, "a"), Value("bc")}}));
  different.push_back(digest(meta, {{Key(1, "ab"), Value("c", 5)}}));
  different.push_back(digest(meta, {}));
  different.push_back(digest(Meta("u"), entries));
  other = meta;
  other.kind = TableKind::kValue;
  different.push_back(digest(other, entries));
  other = meta;
  other.key_codec = "string";
  different.push_back(digest(other, entries));
  other = meta;
  other.value_codec = "string";
  different.push_back(digest(other, entries));
  different.push_back(DigestOf({{meta, {entries}}, {Meta("u"), {}}}).value());
  different.push_back(DigestOf({{meta, {}}, {Meta("u"), {entries}}}).value());
  std::sort(different.begin(), different.end());
  EXPECT_EQ(std::adjacent_find(different.begin(), different.end()), different.end());
}

TEST(ContentDigestTest, ErrorsNameTheTable) {
  const auto error = [](Entries entries, Status end = {}) {
    ContentDigest digest;
    digest.BeginTable(Meta("t"));
    return digest.Add(EntriesView(std::move(entries), std::move(end)), 1);
  };
  EXPECT_EQ(error({{"k", Value("v")}}).name(), "stored-key");
  EXPECT_EQ(error({{Key(0, "k"), ""}}).name(), "value-header");
  EXPECT_EQ(error({{Key(0, "k"), "\x02v"}}).name(), "value-header");
  const Status read = error({}, Status(StatusCode::kUnavailable, "io-error", "the disk is away"));
  EXPECT_EQ(read.ToString(), "Unavailable (io-error): table `t`: the disk is away");
}

}  // namespace
}  // namespace tidemark::compaction
