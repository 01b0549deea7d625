#include "store/sealed_epoch.h"

#include "format/change_batch.h"
#include "store/segment_encoder.h"
#include "tests/store/version_maker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace tidemark::store {
namespace {

using format::Op;

// What a stream says of a record.
using Seen = std::tuple<std::string, std::string, uint64_t, Op>;  // stored key, value, epoch, op

std::vector<Seen> ReadAll(format::RecordStream& stream) {
  std::vector<Seen> records;
  while (stream.Next().value()) {
    const format::Record& record = stream.record();
    records.emplace_back(record.key, record.value, record.epoch, record.op);
  }
  return records;
}

std::string StoredKey(std::string_view key) {
  std::string stored;
  format::AppendStoredKey(format::KeyGroupOf(format::HashKey(key), VersionMaker::kMaxParallelism),
                          key, &stored);
  return stored;
}

class SealedEpochTest : public ::testing::Test {
 protected:
  SealedPart& Part(uint32_t table_id) {
    epoch_.parts.push_back({});
    epoch_.parts.back().table_id = table_id;
    return epoch_.parts.back();
  }
  Version* Make(std::string_view key, std::string_view value, Op op = Op::kPut,
                bool absent_before = false) {
    return versions_.Make(key, value, epoch_.last_epoch, op, absent_before);
  }

  VersionMaker versions_;
  SealedEpoch epoch_{.first_epoch = 7,
                     .last_epoch = 7,
                     .parts = {},
                     .tables_created = {},
                     .tables = {},
                     .identity = {}};
};

TEST_F(SealedEpochTest, SortsByStoredKey) {
  SealedPart& part = Part(1);
  std::map<std::string, std::string> model;
  std::mt19937 random(1);
  for (int i = 0; i < 5'000; ++i) {
    // Many share their first bytes, and some are prefixes of others.
    const std::string key = std::string(random() % 30, 'a') + std::to_string(i);
    part.versions.push_back(Make(key, "value " + key));
    model[StoredKey(key)] = "value " + key;
  }
  part.versions.push_back(Make("", "of the empty key"));
  model[StoredKey("")] = "of the empty key";

  ASSERT_TRUE(Sort(epoch_).ok());
  const auto records = ReadAll(*StreamOf(epoch_.parts[0]));
  ASSERT_EQ(records.size(), model.size());
  size_t i = 0;
  uint64_t bytes = 0;
  for (const auto& [key, value] : model) {
    EXPECT_EQ(records[i++], Seen(key, value, 7, Op::kPut));
    bytes += key.size() + value.size();
  }
  EXPECT_EQ(epoch_.records, model.size());
  EXPECT_EQ(epoch_.net_change_bytes, bytes);
}

TEST_F(SealedEpochTest, ShortKeysSortByLengthToo) {
  // Zero bytes at the end of a short key must not make it equal to, or larger than, a longer one.
  VersionMaker versions;
  SealedPart& part = Part(1);
  std::map<std::string, int> model;
  for (size_t length = 0; length < 12; ++length) {
    const std::string key(length, '\0');
    part.versions.push_back(versions.Make(key));
    ++model[StoredKey(key)];
  }
  ASSERT_TRUE(Sort(epoch_).ok());
  const auto records = ReadAll(*StreamOf(epoch_.parts[0]));
  ASSERT_EQ(records.size(), 12u);
  size_t i = 0;
  for (const auto& [key, count] : model) EXPECT_EQ(std::get<0>(records[i++]), key);
}

TEST_F(SealedEpochTest, TellsInsertsFromPutsAndLeavesOutWhatVanished) {
  SealedPart& part = Part(1);
  part.versions = {Make("put", "1"), Make("insert", "2", Op::kPut, true),
                   Make("delete", "", Op::kDelete), Make("came and went", "", Op::kDelete, true)};
  ASSERT_TRUE(Sort(epoch_).ok());
  std::map<std::string, Op> ops;
  for (const Seen& seen : ReadAll(*StreamOf(epoch_.parts[0]))) {
    ops[std::get<0>(seen).substr(2)] = std::get<3>(seen);
  }
  EXPECT_EQ(ops, (std::map<std::string, Op>{
                     {"put", Op::kPut}, {"insert", Op::kInsert}, {"delete", Op::kDelete}}));
  EXPECT_EQ(epoch_.records, 3u);
}

// Released in the order of the list, a version frees what is still below it. Those that vanished
// came last once: then a delete that a replayed range delete had made was freed with the put that
// came on top of it, and once more when its own turn came.
TEST_F(SealedEpochTest, WhatVanishedComesBeforeWhatMayBeOnTopOfIt) {
  SealedPart& part = Part(1);
  Version* const hidden = Make("b", "", Op::kDelete, true);
  Version* const on_top = Make("b", "2");
  part.versions = {Make("c", "3"), hidden, on_top, Make("a", "1")};
  ASSERT_TRUE(Sort(epoch_).ok());
  const std::vector<Version*>& versions = epoch_.parts[0].versions;
  EXPECT_EQ(versions[0], hidden);
  EXPECT_NE(std::find(versions.begin(), versions.end(), on_top), versions.end());
  EXPECT_EQ(epoch_.parts[0].records, 3u);
}

TEST_F(SealedEpochTest, SortingTwiceCountsOnce) {
  Part(1).versions = {Make("a", "1"), Make("b", "22")};
  ASSERT_TRUE(Sort(epoch_).ok());
  ASSERT_TRUE(Sort(epoch_).ok());
  EXPECT_EQ(epoch_.records, 2u);
  EXPECT_EQ(epoch_.net_change_bytes, 2u * 3 + 3);
  EXPECT_EQ(ReadAll(*StreamOf(epoch_.parts[0])).size(), 2u);
}

class SegmentEncoderTest : public SealedEpochTest {
 protected:
  std::vector<format::SegmentEntry> Encode(Compression codec = Compression::kZstd) {
    EXPECT_TRUE(Sort(epoch_).ok());
    format::SegmentHeader header;
    header.attempt = 3;
    header.unique = 99;
    std::vector<format::SegmentEntry> entries;
    const Status encoded = EncodeSegment(epoch_, header, codec, 1, [&](format::SegmentEntry entry) {
      entries.push_back(std::move(entry));
      return Status();
    });
    EXPECT_TRUE(encoded.ok()) << encoded.ToString();
    return entries;
  }
};

TEST_F(SegmentEncoderTest, AnEmptyEpochIsAHeader) {
  const auto entries = Encode();
  ASSERT_EQ(entries.size(), 1u);
  const auto header = format::DecodeSegmentHeader(entries[0].frame, "test").value();
  EXPECT_EQ(header.attempt, 3u);
  EXPECT_EQ(header.unique, 99u);
  EXPECT_EQ(header.first_epoch, 7u);
  EXPECT_EQ(header.last_epoch, 7u);
  EXPECT_EQ(header.records, 0u);
  EXPECT_TRUE(header.tables.empty());
}

TEST_F(SegmentEncoderTest, ATableOfWhichAllVanishedIsNotNamed) {
  Part(1).versions = {Make("came and went", "", Op::kDelete, true)};
  Part(2).versions = {Make("a", "1")};
  const auto entries = Encode();
  EXPECT_EQ(entries.size(), 2u);
  const auto header = format::DecodeSegmentHeader(entries[0].frame, "test").value();
  EXPECT_EQ(header.tables, std::vector<uint32_t>{2});
}

TEST_F(SegmentEncoderTest, BatchesOfAllTablesInKeyOrder) {
  std::mt19937_64 random(4);
  std::map<uint32_t, std::map<std::string, std::string>> model;
  for (const uint32_t table : {9u, 2u, 5u}) {  // parts come in any order
    SealedPart& part = Part(table);
    for (int i = 0; i < 2'000; ++i) {
      const std::string key = "key" + std::to_string(random() % 1'000'000);
      std::string value(random() % 500, static_cast<char>('a' + random() % 26));
      if (!model[table].emplace(StoredKey(key), value).second) continue;
      part.versions.push_back(Make(key, value));
    }
  }
  for (const Compression codec : {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    const auto entries = Encode(codec);
    EXPECT_EQ(format::DecodeSegmentHeader(entries[0].frame, "test").value().tables,
              (std::vector<uint32_t>{2, 5, 9}));
    std::map<uint32_t, std::map<std::string, std::string>> decoded;
    std::map<uint32_t, int> batches;
    for (size_t i = 1; i < entries.size(); ++i) {
      ASSERT_LT(entries[i - 1].key, entries[i].key);
      const auto key = format::DecodeSegmentKey(entries[i].key, "test").value();
      EXPECT_EQ(key.last_epoch, 7u);
      format::BatchReader reader;
      ASSERT_TRUE(reader.Open(entries[i].frame, "test").ok());
      EXPECT_EQ(reader.table_id(), key.table_id);
      ++batches[key.table_id];
      bool first = true;
      while (reader.Next().value()) {
        if (std::exchange(first, false)) {
          EXPECT_EQ(reader.record().key, key.first_key);
        }
        EXPECT_EQ(reader.record().epoch, 7u);
        decoded[key.table_id].emplace(reader.record().key, reader.record().value);
      }
    }
    EXPECT_EQ(decoded, model);
    for (const auto& [table, count] : batches) EXPECT_GT(count, 2) << "a batch is about 128 KiB";
  }
}

TEST_F(SegmentEncoderTest, OneHugeValueIsOneBatch) {
  const std::string huge(5'000'000, 'x');
  Part(1).versions = {Make("b", huge), Make("a", "1"), Make("c", "3")};
  const auto entries = Encode();
  uint64_t values = 0;
  for (size_t i = 1; i < entries.size(); ++i) {
    format::BatchReader reader;
    ASSERT_TRUE(reader.Open(entries[i].frame, "test").ok());
    while (reader.Next().value()) values += reader.record().value.size();
  }
  EXPECT_EQ(values, huge.size() + 2);
}

}  // namespace
}  // namespace tidemark::store
