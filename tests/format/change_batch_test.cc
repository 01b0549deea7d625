#include "format/change_batch.h"

#include "format/change_batch_generated.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <tuple>

namespace tidemark::format {
namespace {

// A record that owns its bytes.
struct OwnedRecord {
  std::string key{};
  std::string value{};
  uint64_t epoch = 1;
  uint64_t expiry_ms = 0;
  Op op = Op::kPut;

  Record view() const {
    return {.key = key, .value = value, .epoch = epoch, .expiry_ms = expiry_ms, .op = op};
  }
  bool operator==(const OwnedRecord&) const = default;
};

OwnedRecord Owned(const Record& r) {
  return {std::string(r.key), std::string(r.value), r.epoch, r.expiry_ms, r.op};
}

std::string Encode(const std::vector<OwnedRecord>& records, Compression codec = Compression::kNone,
                   uint32_t table_id = 7) {
  BatchEncoder encoder(codec, 1);
  for (const OwnedRecord& record : records) encoder.Add(record.view());
  std::string frame;
  encoder.Finish(table_id, &frame).Check();
  return frame;
}

std::vector<OwnedRecord> ReadAll(BatchReader* reader) {
  std::vector<OwnedRecord> records;
  while (reader->Next().value()) records.push_back(Owned(reader->record()));
  EXPECT_FALSE(reader->Next().value());
  EXPECT_EQ(records.size(), reader->record_count());
  return records;
}

std::vector<OwnedRecord> Decode(std::string_view frame) {
  BatchReader reader;
  reader.Open(frame, "here").Check();
  return ReadAll(&reader);
}

std::string ErrorOf(std::string_view frame) {
  BatchReader reader;
  const Status status = reader.Open(frame, "a.sst, entry 3");
  if (status.ok()) return "";
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_TRUE(status.message().starts_with("a.sst, entry 3: ")) << status.message();
  EXPECT_EQ(reader.record_count(), 0u);
  EXPECT_FALSE(reader.Next().value());
  return std::string(status.name());
}

const std::vector<OwnedRecord> kEveryOp = {
    {.key = {"\0\1apple", 7}, .value = "1", .epoch = 9, .op = Op::kPut},
    {.key = {"\0\1applesauce", 12},
     .value = "",
     .epoch = 7,
     .expiry_ms = 1'700'000'000'000,
     .op = Op::kInsert},
    {.key = {"\0\1b", 3}, .value = "", .epoch = 8, .op = Op::kDelete},
    {.key = {"\0\1b", 3}, .value = "+2", .epoch = 7, .op = Op::kMerge},
    {.key = {"\0\2", 2}, .value = {"\0\3", 2}, .epoch = 9, .op = Op::kRangeDelete},
    {.key = {"\0\2", 2}, .value = "x", .epoch = 9, .expiry_ms = UINT64_MAX, .op = Op::kPut},
};

TEST(ChangeBatchTest, EveryOpRoundTrips) {
  for (const Compression codec : {Compression::kNone, Compression::kLz4, Compression::kZstd})
    EXPECT_EQ(Decode(Encode(kEveryOp, codec)), kEveryOp);
}

TEST(ChangeBatchTest, KnowsItsTable) {
  BatchReader reader;
  ASSERT_TRUE(reader.Open(Encode(kEveryOp, Compression::kNone, 4'000'000'000), "").ok());
  EXPECT_EQ(reader.table_id(), 4'000'000'000u);
  EXPECT_EQ(reader.record_count(), kEveryOp.size());
}

TEST(ChangeBatchTest, KeysOfEveryLengthRoundTrip) {
  // The longest ones share more than a prefix length of 16 bits can say.
  std::vector<OwnedRecord> records;
  for (const size_t bytes : {2u, 3u, 9u, 10u, 255u, 65'535u, 65'536u, 65'537u})
    records.push_back({.key = std::string(bytes, 'k'), .value = std::to_string(bytes)});
  EXPECT_EQ(Decode(Encode(records)), records);
}

TEST(ChangeBatchTest, LargeValuesRoundTrip) {
  std::vector<OwnedRecord> records = {{.key = "aa", .value = std::string(5'000'000, 'v')},
                                      {.key = "ab", .value = ""},
                                      {.key = "ac", .value = std::string(100'000, '\0')}};
  for (const Compression codec : {Compression::kNone, Compression::kLz4, Compression::kZstd})
    EXPECT_EQ(Decode(Encode(records, codec)), records);
}

TEST(ChangeBatchTest, EpochsNeedNotBeNearEachOther) {
  const std::vector<OwnedRecord> records = {{.key = "aa", .epoch = UINT64_MAX},
                                            {.key = "ab", .epoch = UINT64_MAX - UINT32_MAX}};
  EXPECT_EQ(Decode(Encode(records)), records);

  BatchEncoder encoder(Compression::kNone, 0);
  encoder.Add({.key = "aa", .value = "", .epoch = 1});
  encoder.Add({.key = "ab", .value = "", .epoch = 2 + uint64_t{UINT32_MAX}});
  std::string out = "before";
  const Status status = encoder.Finish(7, &out);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.name(), "epoch-span");
  EXPECT_EQ(out, "before");
  EXPECT_TRUE(encoder.empty());
}

TEST(ChangeBatchTest, EncoderStartsAnewAfterEachFrame) {
  BatchEncoder encoder(Compression::kZstd, 1);
  std::string nothing;
  ASSERT_TRUE(encoder.Finish(7, &nothing).ok());
  EXPECT_EQ(nothing, "");
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(encoder.empty());
    EXPECT_EQ(encoder.raw_bytes(), 0u);
    for (const OwnedRecord& record : kEveryOp) encoder.Add(record.view());
    EXPECT_FALSE(encoder.empty());
    EXPECT_GT(encoder.raw_bytes(), 100u);
    EXPECT_EQ(encoder.first_key(), kEveryOp.front().key);
    std::string frame;
    ASSERT_TRUE(encoder.Finish(7, &frame).ok());
    EXPECT_EQ(encoder.first_key(), kEveryOp.front().key);
    EXPECT_EQ(Decode(frame), kEveryOp);
  }
}

TEST(ChangeBatchTest, RawBytesAreThoseOfTheFrame) {
  BatchEncoder encoder(Compression::kNone, 0);
  for (int i = 100'000; i < 105'000; ++i)
    encoder.Add({.key = "k" + std::to_string(i), .value = "value", .epoch = uint64_t(i)});
  const size_t raw_bytes = encoder.raw_bytes();
  std::string frame;
  ASSERT_TRUE(encoder.Finish(1, &frame).ok());
  EXPECT_GE(frame.size(), raw_bytes);
  EXPECT_LT(frame.size(), raw_bytes + 300);
}

TEST(ChangeBatchTest, ReaderIsReusable) {
  BatchReader reader;
  const std::string first = Encode(kEveryOp, Compression::kZstd);
  const std::string second = Encode({{.key = "zz", .value = "v"}});
  ASSERT_TRUE(reader.Open(first, "").ok());
  ASSERT_TRUE(reader.Next().value());
  ASSERT_TRUE(reader.Open(second, "").ok());
  EXPECT_EQ(ReadAll(&reader).front().key, "zz");
  EXPECT_FALSE(reader.Open("damaged", "").ok());
  ASSERT_TRUE(reader.Open(first, "").ok());
  EXPECT_EQ(ReadAll(&reader), kEveryOp);
}

TEST(ChangeBatchDeathTest, EncoderAssertsOrder) {
  BatchEncoder encoder(Compression::kNone, 0);
  encoder.Add({.key = "bb", .value = "", .epoch = 5});
  const auto add = [&](std::string_view key, uint64_t epoch) {
    encoder.Add({.key = key, .value = "", .epoch = epoch});
  };
  EXPECT_DEATH(add("ba", 5), "contract");
  EXPECT_DEATH(add("bb", 5), "contract");
  EXPECT_DEATH(add("bb", 6), "contract");
  EXPECT_DEATH(add("c", 5), "contract");
  EXPECT_DEATH(encoder.Add({.key = "cc", .value = "v", .op = Op::kDelete}), "contract");
  EXPECT_DEATH(encoder.Add({.key = "cc", .value = "cc", .op = Op::kRangeDelete}), "contract");
  const std::string too_long(kStoredKeyBytesMax + 1, 'c');
  EXPECT_DEATH(add(too_long, 5), "contract");
}

TEST(ChangeBatchTest, RandomBatchesRoundTrip) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t n) { return random() % n; };
    std::vector<OwnedRecord> records;
    const uint64_t first_epoch = below(1000) + 1;
    const bool expiries = below(2) == 0;
    for (size_t i = below(400) + 1; i > 0; --i) {
      OwnedRecord record{.key = std::string("\0", 1) + static_cast<char>(below(3)),
                         .epoch = first_epoch + (seed % 3 == 0 ? 0 : below(4)),
                         .op = static_cast<Op>(below(5) + 1)};
      for (size_t n = below(12); n > 0; --n) record.key += static_cast<char>('a' + below(2));
      if (record.op == Op::kRangeDelete)
        record.value = record.key + "z";
      else if (record.op != Op::kDelete)
        record.value.resize(below(30), static_cast<char>('0' + below(10)));
      if (expiries && SetsValue(record.op)) record.expiry_ms = below(3) * 1'700'000'000'000;
      records.push_back(std::move(record));
    }
    // Keys ascend, range deletes come first, epochs descend; one point record a key and epoch.
    const auto order = [](const OwnedRecord& r) {
      return std::tuple(std::string_view(r.key), r.op != Op::kRangeDelete, ~r.epoch);
    };
    std::sort(records.begin(), records.end(),
              [&](const auto& a, const auto& b) { return order(a) < order(b); });
    records.erase(std::unique(records.begin(), records.end(),
                              [&](const auto& a, const auto& b) { return order(a) == order(b); }),
                  records.end());
    const auto codec = static_cast<Compression>(below(3));
    ASSERT_EQ(Decode(Encode(records, codec)), records) << "seed " << seed;
  }
}

TEST(ChangeBatchTest, RejectsEveryFlippedBitAndTruncation) {
  std::string frame = Encode(kEveryOp);
  for (size_t bit = 0; bit < 8 * frame.size(); ++bit) {
    frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ 1 << bit % 8);
    ASSERT_NE(ErrorOf(frame), "") << "bit " << bit;
    frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ 1 << bit % 8);
  }
  for (size_t bytes = 0; bytes < frame.size(); ++bytes)
    ASSERT_NE(ErrorOf(frame.substr(0, bytes)), "") << bytes;
}

// Frames with a right checksum around columns that no encoder writes.
struct RawColumns {
  uint32_t table_id = 7;
  uint32_t record_count = 2;
  std::vector<uint8_t> ops = {1, 1};
  uint64_t base_epoch = 5;
  std::optional<std::vector<uint32_t>> epoch_deltas;
  std::vector<uint16_t> prefixes = {0, 1};
  std::vector<uint32_t> suffixes = {2, 1};
  std::string keys = "aab";
  std::vector<uint32_t> value_lengths = {1, 1};
  std::string values = "vw";
  std::optional<std::vector<uint64_t>> expiries;

  std::string Frame() const {
    flatbuffers::FlatBufferBuilder builder;
    const auto bytes = [](const std::string& s) {
      return std::vector<uint8_t>(s.begin(), s.end());
    };
    const std::vector<uint8_t> key_bytes = bytes(keys);
    const std::vector<uint8_t> value_bytes = bytes(values);
    builder.Finish(fb::CreateChangeBatchDirect(builder, table_id, record_count, &ops, base_epoch,
                                               epoch_deltas ? &*epoch_deltas : nullptr, &prefixes,
                                               &suffixes, &key_bytes, &value_lengths, &value_bytes,
                                               expiries ? &*expiries : nullptr));
    return Framed({reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()});
  }
  static std::string Framed(std::string_view raw) {
    std::string frame;
    AppendFrame(FrameKind::kChangeBatch, raw, Compression::kNone, 0, &frame).Check();
    return frame;
  }
};

std::string ErrorAfter(const std::function<void(RawColumns&)>& change) {
  RawColumns columns;
  change(columns);
  return ErrorOf(columns.Frame());
}

TEST(ChangeBatchTest, ReadsForeignButValidColumns) {
  EXPECT_EQ(ErrorAfter([](auto&) {}), "");
  // A prefix may be shorter than what the keys share.
  EXPECT_EQ(ErrorAfter([](auto& c) { c.prefixes[1] = 0, c.suffixes[1] = 2, c.keys = "aaab"; }), "");
}

TEST(ChangeBatchTest, RejectsBadStructure) {
  EXPECT_EQ(ErrorOf(RawColumns::Framed("")), "batch-structure");
  EXPECT_EQ(ErrorOf(RawColumns::Framed("no FlatBuffer, but long enough for one")),
            "batch-structure");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.table_id = 0; }), "batch-structure");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.record_count = 0; }), "batch-structure");
}

TEST(ChangeBatchTest, RejectsColumnsThatDoNotFit) {
  EXPECT_EQ(ErrorAfter([](auto& c) { c.record_count = 3; }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.record_count = UINT32_MAX; }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.ops = {1}; }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.prefixes = {}; }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.suffixes.push_back(0); }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.value_lengths.pop_back(); }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.epoch_deltas = {1}; }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.expiries = std::vector<uint64_t>(3); }), "batch-columns");
  // Lengths that do not add up, wrap around, or lead outside.
  EXPECT_EQ(ErrorAfter([](auto& c) { c.keys += "x"; }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.values = ""; }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.value_lengths = {UINT32_MAX, 3}; }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.prefixes = {1, 1}; }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.prefixes = {0, 3}; }), "batch-columns");
  // Keys without a key group, and longer than any key.
  EXPECT_EQ(ErrorAfter([](auto& c) { c.suffixes = {1, 2}; }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.prefixes = {0, 0}; }), "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.suffixes = {2, kStoredKeyBytesMax};
              c.keys = "aa" + std::string(kStoredKeyBytesMax, 'z');
            }),
            "batch-columns");
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.base_epoch = UINT64_MAX, c.epoch_deltas = {0, 1};
            }),
            "batch-columns");
}

TEST(ChangeBatchTest, RejectsRecordsOutOfOrder) {
  EXPECT_EQ(ErrorAfter([](auto& c) { c.keys = "bca"; }), "batch-order");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.keys = "aaa"; }), "batch-order");
  const auto same_key = [](RawColumns& c, uint32_t epoch, uint32_t next_epoch) {
    c.keys = "aaa";
    c.epoch_deltas = {epoch, next_epoch};
  };
  EXPECT_EQ(ErrorAfter([&](auto& c) { same_key(c, 3, 4); }), "batch-order");
  EXPECT_EQ(ErrorAfter([&](auto& c) { same_key(c, 3, 2); }), "");
  // A range delete may stand before a point record, of whatever epochs, not after it.
  const auto with_range = [](RawColumns& c, uint8_t first, uint8_t second) {
    c.keys = "aaa";
    c.ops = {first, second};
    c.values = "bbbb";
    c.value_lengths = {2, 2};
  };
  EXPECT_EQ(ErrorAfter([&](auto& c) { with_range(c, 5, 1); }), "");
  EXPECT_EQ(ErrorAfter([&](auto& c) { with_range(c, 5, 5); }), "");
  EXPECT_EQ(ErrorAfter([&](auto& c) { with_range(c, 1, 5); }), "batch-order");
  const auto with_epochs = [&](RawColumns& c, uint8_t first, uint8_t second, uint32_t epoch,
                               uint32_t next_epoch) {
    with_range(c, first, second);
    c.epoch_deltas = {epoch, next_epoch};
  };
  EXPECT_EQ(ErrorAfter([&](auto& c) { with_epochs(c, 5, 1, 3, 4); }), "");
  EXPECT_EQ(ErrorAfter([&](auto& c) { with_epochs(c, 5, 5, 4, 3); }), "");
  EXPECT_EQ(ErrorAfter([&](auto& c) { with_epochs(c, 5, 5, 3, 4); }), "batch-order");
  EXPECT_EQ(ErrorAfter([&](auto& c) { with_epochs(c, 1, 5, 4, 3); }), "batch-order");
}

TEST(ChangeBatchTest, RejectsBadOps) {
  for (const uint8_t op : {0, 6, 255})
    EXPECT_EQ(ErrorAfter([&](auto& c) { c.ops[1] = op; }), "batch-op");
  EXPECT_EQ(ErrorAfter([](auto& c) { c.ops[1] = 3; }), "batch-op");  // a delete with a value
  EXPECT_EQ(ErrorAfter([](auto& c) { c.ops[1] = 5, c.values = "vz"; }), "batch-op");
  EXPECT_EQ(ErrorAfter([](auto& c) {
              c.ops[0] = 5, c.values = "aaw", c.value_lengths = {2, 1};
            }),
            "batch-op");
}

// Whatever bytes stand inside an intact frame: an error or records, never a crash.
TEST(ChangeBatchTest, SurvivesDamageThatTheChecksumHides) {
  const std::string frame = Encode(kEveryOp);
  const std::string raw = frame.substr(kFrameHeaderBytes);
  std::mt19937_64 random(1);
  for (size_t at = 0; at < raw.size(); ++at) {
    for (const int change : {0x01, 0x80, 0xff, static_cast<int>(random() % 255 + 1)}) {
      std::string damaged = raw;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      BatchReader reader;
      const std::string damaged_frame = RawColumns::Framed(damaged);
      if (reader.Open(damaged_frame, "").ok()) (void)ReadAll(&reader);
    }
  }
}

}  // namespace
}  // namespace tidemark::format
