// Merged segments against an oracle that replays records the slow and obvious way, over real
// segment files.
#include "compaction/log_merge.h"

#include "storage/file_system.h"
#include "tests/compaction/record_list.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace tidemark::compaction {
namespace {

using format::Op;
using format::Record;
using storage::SegmentReader;
using Reader = std::shared_ptr<const SegmentReader>;
using Content = std::map<std::string, std::string>;
using State = std::map<uint32_t, Content>;
// What one epoch changed: by table, in the order of a segment.
using Epoch = std::map<uint32_t, std::vector<OwnedRecord>>;

constexpr uint32_t kTables = 3;

// Range deletes come first: they delete what is below the segment, never what is in it.
void Replay(format::RecordStream& records, Content* content) {
  std::vector<OwnedRecord> points;
  while (records.Next().value()) {
    const Record& record = records.record();
    if (record.op == Op::kRangeDelete) {
      content->erase(content->lower_bound(std::string(record.key)),
                     content->lower_bound(std::string(record.value)));
    } else {
      points.push_back(
          {std::string(record.key), std::string(record.value), record.epoch, record.op});
    }
  }
  for (const OwnedRecord& point : points) {
    std::string& value = (*content)[point.key];
    if (point.op == Op::kMerge) {
      value += point.value;
    } else if (format::SetsValue(point.op)) {
      value = point.value;
    } else {
      content->erase(point.key);
    }
  }
}

void Replay(const SegmentReader& segment, State* state) {
  for (const uint32_t table : segment.header().tables)
    Replay(*segment.Records(table), &(*state)[table]);
}

class LogMergeTest : public ::testing::Test {
 protected:
  Reader Open(const std::string& path) {
    auto reader = SegmentReader::Open(fs_, path);
    EXPECT_TRUE(reader.has_value()) << reader.error().ToString();
    std::filesystem::remove(path);  // as a merge does
    return *reader;
  }

  Reader Write(uint64_t epoch, const Epoch& changes) {
    format::SegmentHeader header;
    header.first_epoch = header.last_epoch = epoch;
    for (const auto& [table, records] : changes) {
      header.tables.push_back(table);
      header.records += records.size();
    }
    std::vector<format::SegmentEntry> entries = {
        {format::EncodeSegmentKey(epoch, 0, ""), format::EncodeSegmentHeader(header)}};
    format::BatchEncoder encoder(Compression::kLz4, 1);
    for (const auto& [table, records] : changes) {
      const auto stream = StreamOf(records);
      EXPECT_TRUE(format::EncodeTable(epoch, table, *stream, encoder, [&](auto entry) {
                    entries.push_back(std::move(entry));
                    return Status();
                  }).has_value());
    }
    const std::string path = NewPath();
    EXPECT_TRUE(storage::WriteSegmentFile(fs_, path, entries).has_value());
    return Open(path);
  }

  Reader Merge(const std::vector<Reader>& inputs) { return Merge(inputs, Options()); }
  Reader Merge(const std::vector<Reader>& inputs, const SegmentMergeOptions& options) {
    const std::string path = NewPath();
    auto merged = MergeSegments(fs_, path, inputs, format::SegmentHeader(), options);
    EXPECT_TRUE(merged.has_value()) << merged.error().ToString();
    totals_ = merged->totals;
    return Open(path);
  }

  static SegmentMergeOptions Options() {
    SegmentMergeOptions options;
    options.keeps = [](uint32_t) { return true; };
    return options;
  }

  static std::vector<OwnedRecord> RecordsOf(const SegmentReader& segment, uint32_t table) {
    std::vector<OwnedRecord> records;
    const auto stream = segment.Records(table);
    while (stream->Next().value()) {
      const Record& record = stream->record();
      records.push_back({std::string(record.key), std::string(record.value), record.epoch,
                         record.op, record.expiry_ms});
    }
    return records;
  }

  std::string NewPath() { return temporary_ / (std::to_string(++files_) + ".sst"); }

  const test::TempDir temporary_;
  const storage::FileSystemPtr fs_ = storage::DefaultFileSystem();
  int files_ = 0;
  format::RecordTotals totals_;
};

std::string Key(std::string_view key) { return std::string(2, '\0') + std::string(key); }

TEST_F(LogMergeTest, EveryRecordKeepsItsEpoch) {
  const Reader merged = Merge({Write(4, {{1, {{Key("a"), "1", 4}, {Key("b"), "1", 4}}}}),
                               Write(5, {{1, {{Key("b"), "2", 5}, {Key("c"), "2", 5}}}})});
  EXPECT_EQ(merged->header().first_epoch, 4u);
  EXPECT_EQ(merged->header().last_epoch, 5u);
  EXPECT_EQ(RecordsOf(*merged, 1),
            (std::vector<OwnedRecord>{{Key("a"), "1", 4}, {Key("b"), "2", 5}, {Key("c"), "2", 5}}));
  EXPECT_EQ(totals_.records, 3u);
  EXPECT_EQ(totals_.bytes, 12u);
  EXPECT_EQ(merged->header().records, 4u) << "an upper bound";
}

TEST_F(LogMergeTest, WhatWasCreatedAndDeletedLeavesNoTrace) {
  const Reader created = Write(1, {{1, {{Key("k"), "1", 1, Op::kInsert}}}});
  const Reader deleted = Write(2, {{1, {{Key("k"), "", 2, Op::kDelete}}}});
  EXPECT_EQ(RecordsOf(*Merge({created, deleted}), 1), std::vector<OwnedRecord>());
  // Not if it may have been there before.
  const Reader put = Write(1, {{1, {{Key("k"), "1", 1, Op::kPut}}}});
  EXPECT_EQ(RecordsOf(*Merge({put, deleted}), 1).size(), 1u);
  // ... unless nothing can be below.
  SegmentMergeOptions bottom = Options();
  bottom.nothing_below = true;
  EXPECT_EQ(RecordsOf(*Merge({put, deleted}, bottom), 1), std::vector<OwnedRecord>());
}

TEST_F(LogMergeTest, RangeDeletesStayForWhatIsBelow) {
  const Reader put = Write(1, {{1, {{Key("b"), "1", 1}, {Key("z"), "1", 1}}}});
  const Reader range = Write(2, {{1, {{Key("a"), Key("m"), 2, Op::kRangeDelete}}}});
  const Reader later =
      Write(3, {{1, {{Key("a"), Key("c"), 3, Op::kRangeDelete}, {Key("b"), "3", 3}}}});
  const std::vector<OwnedRecord> expected = {{Key("a"), Key("c"), 3, Op::kRangeDelete},
                                             {Key("a"), Key("m"), 2, Op::kRangeDelete},
                                             {Key("b"), "3", 3},
                                             {Key("z"), "1", 1}};
  EXPECT_EQ(RecordsOf(*Merge({put, range, later}), 1), expected);
  // A merge of merges finds each with its own epoch.
  EXPECT_EQ(RecordsOf(*Merge({Merge({put, range}), later}), 1), expected);
  EXPECT_EQ(RecordsOf(*Merge({put, Merge({range, later})}), 1), expected);
}

TEST_F(LogMergeTest, TablesThatWereDroppedAreLeftOut) {
  const Reader first = Write(1, {{1, {{Key("a"), "1", 1}}}, {2, {{Key("a"), "1", 1}}}});
  const Reader second = Write(2, {{2, {{Key("b"), "1", 2}}}});
  SegmentMergeOptions options = Options();
  options.keeps = [](uint32_t table) { return table != 2; };
  const Reader merged = Merge({first, second}, options);
  EXPECT_EQ(merged->header().tables, std::vector<uint32_t>{1});
  EXPECT_EQ(totals_.records, 1u);
}

TEST_F(LogMergeTest, CountsAreThoseOfTheNewest) {
  const auto counted = [&](uint64_t epoch, format::TableCounts counts) {
    format::SegmentHeader header;
    header.first_epoch = header.last_epoch = epoch;
    header.counts = std::move(counts);
    const std::string path = NewPath();
    EXPECT_TRUE(storage::WriteSegmentFile(
                    fs_, path,
                    std::vector<format::SegmentEntry>{{format::EncodeSegmentKey(epoch, 0, ""),
                                                       format::EncodeSegmentHeader(header)}})
                    .has_value());
    return Open(path);
  };
  const Reader merged = Merge({counted(1, {{1, 10}, {2, 20}}), counted(2, {{2, 21}, {3, 30}})});
  EXPECT_EQ(merged->header().counts, (format::TableCounts{{1, 10}, {2, 21}, {3, 30}}));
}

// ---- Random histories ----

// Makes the records of one epoch out of a state that it changes: inserts are said to be inserts
// now and then only, but never of a key that is there.
class History {
 public:
  explicit History(uint64_t seed) : random_(seed) {}

  Epoch Next() {
    ++epoch_;
    Epoch changes;
    for (uint32_t table = 1; table <= kTables; ++table) {
      if (Below(4) == 0) continue;
      std::vector<OwnedRecord> records = Change(&state_[table]);
      if (!records.empty()) changes[table] = std::move(records);
    }
    return changes;
  }
  uint64_t epoch() const { return epoch_; }
  const State& state() const { return state_; }
  uint64_t Below(uint64_t n) { return random_() % n; }

 private:
  std::string RandomKey() {
    return Key(std::string(1 + Below(3), static_cast<char>('a' + Below(8))));
  }

  std::vector<OwnedRecord> Change(Content* content) {
    std::multimap<std::string, OwnedRecord> sorted;  // ranges first: they are put in first
    std::string after;
    for (uint64_t ranges = Below(3); ranges > 0; --ranges) {
      std::string from = RandomKey();
      std::string to = RandomKey();
      if (to < from) std::swap(from, to);
      if (from == to || from < after) continue;  // those of one epoch are disjoint
      content->erase(content->lower_bound(from), content->lower_bound(to));
      sorted.emplace(from, OwnedRecord{from, to, epoch_, Op::kRangeDelete});
      after = to;
    }
    std::set<std::string> changed;
    for (uint64_t points = Below(12); points > 0; --points) {
      const std::string key = RandomKey();
      if (!changed.insert(key).second) continue;
      sorted.emplace(key, ChangeKey(key, content));
    }
    std::vector<OwnedRecord> records;
    for (auto& [key, record] : sorted) records.push_back(std::move(record));
    return records;
  }

  OwnedRecord ChangeKey(const std::string& key, Content* content) {
    const bool absent = !content->contains(key);
    const std::string value = std::to_string(epoch_) + ".";
    switch (Below(4)) {
      case 0:
        content->erase(key);
        return {key, "", epoch_, Op::kDelete};
      case 1:
        (*content)[key] += value;
        return {key, value, epoch_, Op::kMerge};
      default:
        (*content)[key] = value;
        return {key, value, epoch_, absent && Below(4) > 0 ? Op::kInsert : Op::kPut};
    }
  }

  std::mt19937_64 random_;
  uint64_t epoch_ = 0;
  State state_;
};

State WithoutEmptyTables(State state) {
  std::erase_if(state, [](const auto& table) { return table.second.empty(); });
  return state;
}

// Whatever neighbours are merged, and merged again: replaying the chain gives the same state.
TEST_F(LogMergeTest, Invariant02MergedChainsGiveTheSameState) {
  const int rounds = TIDEMARK_SANITIZED ? 20 : 100;
  for (int seed = 1; seed <= rounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(static_cast<uint64_t>(seed));
    // The base: what some epochs made, which no segment tells of any more.
    for (uint64_t epochs = history.Below(3); epochs > 0; --epochs) history.Next();
    const State base = history.state();
    std::vector<Reader> chain;
    std::map<uint64_t, State> states;
    while (chain.size() < 2 + static_cast<size_t>(seed) % 7) {
      const Epoch changes = history.Next();
      chain.push_back(Write(history.epoch(), changes));
      states[history.epoch()] = history.state();
    }
    SegmentMergeOptions options = Options();
    while (chain.size() > 1) {
      const size_t first = history.Below(chain.size() - 1);
      const size_t count = 2 + history.Below(chain.size() - first - 1);
      const auto begin = chain.begin() + static_cast<ptrdiff_t>(first);
      const auto end = begin + static_cast<ptrdiff_t>(count);
      options.nothing_below = (*begin)->header().first_epoch == 1;
      *begin = Merge({begin, end}, options);
      chain.erase(begin + 1, end);
      State replayed = base;
      for (const Reader& segment : chain) {
        Replay(*segment, &replayed);
        ASSERT_EQ(WithoutEmptyTables(replayed),
                  WithoutEmptyTables(states.at(segment->header().last_epoch)));
      }
    }
  }
}

// A segment of many frames, whose batches a merge must cut anew.
TEST_F(LogMergeTest, StreamsManyFrames) {
  const auto segment = [&](uint64_t epoch) {
    std::vector<OwnedRecord> records;
    for (int i = 0; i < 4'000; ++i) {
      std::string number = std::to_string(100'000 + 3 * i + static_cast<int>(epoch));
      records.push_back({Key(number), std::string(200, static_cast<char>('a' + i % 20)), epoch});
    }
    return Write(epoch, {{7, records}});
  };
  const Reader merged = Merge({segment(1), segment(2), segment(3)});
  const std::vector<OwnedRecord> records = RecordsOf(*merged, 7);
  ASSERT_EQ(records.size(), 12'000u);
  EXPECT_TRUE(std::is_sorted(records.begin(), records.end(),
                             [](const auto& a, const auto& b) { return a.key < b.key; }));
  EXPECT_EQ(totals_.records, 12'000u);
}

TEST_F(LogMergeTest, AFullOrBrokenPlaceLeavesNoFile) {
  const std::string path = temporary_ / "absent/merged.sst";
  const auto merged = MergeSegments(fs_, path, {Write(1, {{1, {{Key("a"), "1", 1}}}})},
                                    format::SegmentHeader(), Options());
  ASSERT_FALSE(merged.has_value());
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace tidemark::compaction
