#include "compaction/merge.h"

#include "tests/compaction/record_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace tidemark::compaction {
namespace {

using format::Op;
using Records = std::vector<OwnedRecord>;

Records Merge(std::vector<Records> inputs, uint64_t after_epoch = 0) {
  std::vector<std::unique_ptr<format::RecordStream>> streams;
  for (Records& input : inputs) streams.push_back(StreamOf(std::move(input)));
  const auto merged = MergeNewest(std::move(streams), after_epoch);
  Records records;
  while (merged->Next().value()) {
    const format::Record& record = merged->record();
    records.push_back({std::string(record.key), std::string(record.value), record.epoch, record.op,
                       record.expiry_ms});
  }
  EXPECT_FALSE(merged->Next().value()) << "the end stays the end";
  return records;
}

Status ErrorOf(std::vector<std::unique_ptr<format::RecordStream>> streams) {
  const auto merged = MergeNewest(std::move(streams), 0);
  while (true) {
    const auto more = merged->Next();
    if (!more.has_value()) return more.error();
    if (!*more) return {};
  }
}

TEST(MergeTest, NothingOfNothing) {
  EXPECT_EQ(Merge({}), Records());
  EXPECT_EQ(Merge({{}, {}}), Records());
}

TEST(MergeTest, KeysOfAllStreamsAscend) {
  EXPECT_EQ(Merge({{{"b", "2", 1}, {"d", "4", 1}}, {{"a", "1", 2}, {"c", "3", 2}, {"e", "5", 2}}}),
            (Records{{"a", "1", 2}, {"b", "2", 1}, {"c", "3", 2}, {"d", "4", 1}, {"e", "5", 2}}));
}

TEST(MergeTest, TheNewestWinsInWhateverOrderTheStreamsCome) {
  const Records first = {{"k", "old", 1}};
  const Records second = {{"k", "newer", 2}};
  const Records third = {{"k", "newest", 3}};
  for (const auto& inputs : {std::vector{first, second, third}, std::vector{third, second, first},
                             std::vector{second, third, first}}) {
    EXPECT_EQ(Merge(inputs), (Records{{"k", "newest", 3}}));
  }
}

TEST(MergeTest, KeysThatDifferBehindTheirFirstEightBytes) {
  EXPECT_EQ(Merge({{{"12345678b", "2", 1}},
                   {{"12345678", "0", 2}, {"12345678a", "1", 2}},
                   {{"12345678b", "3", 3}, {"12345678c", "4", 3}}}),
            (Records{{"12345678", "0", 2},
                     {"12345678a", "1", 2},
                     {"12345678b", "3", 3},
                     {"12345678c", "4", 3}}));
  const std::string zeros(4, '\0');
  EXPECT_EQ(Merge({{{zeros, "a", 1}}, {{zeros + zeros, "b", 2}}}),
            (Records{{zeros, "a", 1}, {zeros + zeros, "b", 2}}))
      << "zero bytes are not the end of a key";
}

TEST(MergeTest, OperandsFoldIntoTheNewestValueBelowThem) {
  const auto operand = [](const char* value, uint64_t epoch) {
    return Records{{"k", value, epoch, Op::kMerge}};
  };
  EXPECT_EQ(Merge({operand("a", 1)}), operand("a", 1));
  EXPECT_EQ(Merge({operand("c", 3), operand("a", 1), operand("b", 2)}), operand("abc", 3))
      << "into one operand, the oldest first";
  EXPECT_EQ(Merge({{{"k", "v", 1}}, operand("a", 2), operand("b", 4)}),
            (Records{{"k", "vab", 4, Op::kPut}}));
  EXPECT_EQ(Merge({{{"k", "v", 1, Op::kInsert}}, operand("a", 2)}),
            (Records{{"k", "va", 2, Op::kInsert}}));
  EXPECT_EQ(Merge({{{"k", "", 2, Op::kDelete}}, operand("old", 1), operand("a", 3)}),
            (Records{{"k", "a", 3, Op::kPut}}))
      << "what is older than a delete does not come back";
  EXPECT_EQ(Merge({operand("a", 1), {{"k", "v", 2}}}), (Records{{"k", "v", 2, Op::kPut}}));
  EXPECT_EQ(Merge({operand("a", 1), {{"k", "", 2, Op::kDelete}}}),
            (Records{{"k", "", 2, Op::kDelete}}));
  EXPECT_EQ(Merge({operand("a", 1), operand("b", 2), operand("c", 3)}, 1), operand("bc", 3))
      << "those that are applied already are not applied again";
}

TEST(MergeTest, ARangeDeleteDropsWhatIsOlderAndGoesOn) {
  const Records range = {{"b", "d", 5, Op::kRangeDelete}};
  EXPECT_EQ(Merge({range, {{"a", "1", 4}, {"b", "2", 4}, {"c", "3", 4}, {"d", "4", 4}}}),
            (Records{{"a", "1", 4}, range[0], {"d", "4", 4}}))
      << "from its first key on, up to the one before its last";
  EXPECT_EQ(Merge({range, {{"b", "2", 6}, {"c", "3", 6}}}),
            (Records{range[0], {"b", "2", 6}, {"c", "3", 6}}))
      << "before what is newer";
  EXPECT_EQ(Merge({{range[0], {"b", "2", 5}, {"c", "3", 5}}, {{"c", "old", 4}}}),
            (Records{range[0], {"b", "2", 5}, {"c", "3", 5}}))
      << "in its epoch it comes before the point records";
  EXPECT_EQ(Merge({{{"b", "1", 4}}, {{"b", "", 6, Op::kDelete}}, range}),
            (Records{range[0], {"b", "", 6, Op::kDelete}}));
  EXPECT_EQ(Merge({{{"a", "z", 2, Op::kRangeDelete}}, range, {{"c", "3", 3}, {"x", "4", 2}}}),
            (Records{{"a", "z", 2, Op::kRangeDelete}, range[0], {"x", "4", 2}}))
      << "the newest of those that overlap counts";
  EXPECT_EQ(Merge({range, {{"b", "2", 4}}}, 5), Records()) << "applied";
  EXPECT_EQ(Merge({range, {{"c", "+", 6, Op::kMerge}}, {{"c", "old", 4}}}),
            (Records{range[0], {"c", "+", 6, Op::kPut}}))
      << "an operand does not reach below it";
  // A stream of several epochs once had its operand before a range delete that begins at the same
  // key: the operand was folded onto what the range delete hides.
  EXPECT_EQ(Merge({{range[0], {"b", "+", 6, Op::kMerge}}, {{"b", "old", 4}}}),
            (Records{range[0], {"b", "+", 6, Op::kPut}}));
}

TEST(MergeTest, AnInsertOnlyIfTheOldestRecordWasOne) {
  EXPECT_EQ(Merge({{{"k", "1", 1, Op::kInsert}}, {{"k", "2", 2}}}),
            (Records{{"k", "2", 2, Op::kInsert}}));
  EXPECT_EQ(Merge({{{"k", "1", 1}}, {{"k", "2", 2, Op::kInsert}}}),
            (Records{{"k", "2", 2, Op::kPut}}))
      << "it may have been there before epoch 1";
  EXPECT_EQ(Merge({{{"k", "", 1, Op::kDelete}}, {{"k", "2", 2, Op::kInsert}}}),
            (Records{{"k", "2", 2, Op::kPut}}));
  EXPECT_EQ(Merge({{{"k", "1", 1, Op::kInsert}},
                   {{"k", "", 2, Op::kDelete}},
                   {{"k", "3", 3, Op::kInsert}}}),
            (Records{{"k", "3", 3, Op::kInsert}}));
}

TEST(MergeTest, ADeleteVanishesOnlyIfTheOldestRecordWasAnInsert) {
  EXPECT_EQ(Merge({{{"k", "1", 1, Op::kInsert}}, {{"k", "", 2, Op::kDelete}}}), Records());
  EXPECT_EQ(Merge({{{"k", "1", 1}}, {{"k", "", 2, Op::kDelete}}}),
            (Records{{"k", "", 2, Op::kDelete}}));
  EXPECT_EQ(Merge({{{"k", "", 1, Op::kDelete}}}), (Records{{"k", "", 1, Op::kDelete}}));
  EXPECT_EQ(Merge({{{"k", "", 1, Op::kDelete}}, {{"k", "", 2, Op::kDelete}}}),
            (Records{{"k", "", 2, Op::kDelete}}));
  // What vanishes does not hold up what follows.
  EXPECT_EQ(Merge({{{"a", "1", 1, Op::kInsert}, {"b", "1", 1}}, {{"a", "", 2, Op::kDelete}}}),
            (Records{{"b", "1", 1}}));
}

TEST(MergeTest, RecordsUpToTheEpochAreAppliedAlready) {
  EXPECT_EQ(Merge({{{"a", "1", 3}, {"b", "2", 4}}}, 3), (Records{{"b", "2", 4}}));
  EXPECT_EQ(Merge({{{"a", "1", 3}}}, 3), Records());
  // The insert is applied, so the delete has something to delete.
  EXPECT_EQ(Merge({{{"k", "1", 3, Op::kInsert}}, {{"k", "", 4, Op::kDelete}}}, 3),
            (Records{{"k", "", 4, Op::kDelete}}));
}

TEST(MergeTest, ErrorsOfAnInputPassThrough) {
  const Status damage(StatusCode::kCorruption, "frame-checksum", "log/7.sst, entry 3");
  std::vector<std::unique_ptr<format::RecordStream>> streams;
  streams.push_back(StreamOf({{"a", "1", 1}, {"b", "2", 1}}, damage));
  streams.push_back(StreamOf({{"c", "3", 2}}));
  const Status error = ErrorOf(std::move(streams));
  EXPECT_EQ(error.name(), "frame-checksum");
  EXPECT_EQ(error.message(), "log/7.sst, entry 3");

  std::vector<std::unique_ptr<format::RecordStream>> at_once;
  at_once.push_back(StreamOf({}, damage));
  EXPECT_EQ(ErrorOf(std::move(at_once)).name(), "frame-checksum");
}

TEST(MergeTest, RefusesWhatThisVersionDoesNotApply) {
  const auto refused = [](OwnedRecord record) {
    std::vector<std::unique_ptr<format::RecordStream>> streams;
    streams.push_back(StreamOf({{"a", "1", 1}}));
    streams.push_back(StreamOf({std::move(record)}));
    const Status error = ErrorOf(std::move(streams));
    EXPECT_EQ(error.code(), StatusCode::kIncompatibleFormat);
    EXPECT_EQ(error.name(), "record-expiry");
    EXPECT_NE(error.message().find("epoch 2"), std::string_view::npos) << error.ToString();
  };
  refused({"k", "1", 2, Op::kPut, 1'234});
}

TEST(MergeTest, WhatIsAppliedAlreadyIsNotRefused) {
  EXPECT_EQ(Merge({{{"k", "1", 2, Op::kPut, 1'234}, {"l", "1", 5}}}, 2), (Records{{"l", "1", 5}}));
}

// A state that every epoch's records are applied to, one after the other, must equal what the merge
// gives when it is applied at once.
TEST(MergeTest, EqualsApplyingEpochByEpoch) {
  std::mt19937 random(21);
  for (int round = 0; round < 300; ++round) {
    const uint64_t epochs = 1 + random() % 8;
    const uint64_t after_epoch = random() % (epochs + 1);
    const int keys = 1 + static_cast<int>(random() % 40);
    std::map<std::string, std::string> state;
    std::map<std::string, std::string> at_mark;
    std::vector<Records> inputs;
    for (uint64_t epoch = 1; epoch <= epochs; ++epoch) {
      std::map<std::string, OwnedRecord> changes;
      std::map<std::string, OwnedRecord> ranges;
      if (random() % 2 == 0) {
        const std::string from = std::to_string(random() % 30);
        const std::string to = from + std::to_string(random() % 30);
        ranges[from] = {from, to, epoch, Op::kRangeDelete};
        state.erase(state.lower_bound(from), state.lower_bound(to));
      }
      for (int i = 0; i < keys; ++i) {
        const std::string key = std::string(random() % 3 * 4, 'p') + std::to_string(random() % 30);
        if (changes.contains(key)) continue;
        const bool absent = !state.contains(key);
        if (random() % 3 == 0) {
          changes[key] = {key, "", epoch, Op::kDelete};
          state.erase(key);
        } else if (random() % 3 == 0) {
          changes[key] = {key, "+" + std::to_string(epoch), epoch, Op::kMerge};
          state[key] += changes[key].value;
        } else {
          const std::string value = std::to_string(random());
          // A writer need not know that a key was absent.
          const bool known = absent && random() % 2 == 0;
          changes[key] = {key, value, epoch, known ? Op::kInsert : Op::kPut};
          state[key] = value;
        }
      }
      inputs.emplace_back();
      for (auto& [key, record] : changes) {
        if (!ranges.empty() && ranges.begin()->first <= key) {
          inputs.back().push_back(ranges.begin()->second);
          ranges.clear();
        }
        inputs.back().push_back(std::move(record));
      }
      for (auto& [key, range] : ranges) inputs.back().push_back(std::move(range));
      if (epoch == after_epoch) at_mark = state;
    }
    std::shuffle(inputs.begin(), inputs.end(), random);
    const Records merged = Merge(inputs, after_epoch);
    // As RocksDB does it: what they delete is what was there before.
    for (const OwnedRecord& record : merged) {
      if (record.op == Op::kRangeDelete)
        at_mark.erase(at_mark.lower_bound(record.key), at_mark.lower_bound(record.value));
    }
    for (const OwnedRecord& record : merged) {
      ASSERT_GT(record.epoch, after_epoch);
      if (record.op == Op::kRangeDelete) continue;
      ASSERT_FALSE(record.op == Op::kInsert && at_mark.contains(record.key)) << "not an insert";
      if (format::SetsValue(record.op)) {
        at_mark[record.key] = record.value;
      } else if (record.op == Op::kMerge) {
        at_mark[record.key] += record.value;
      } else {
        at_mark.erase(record.key);
      }
    }
    ASSERT_EQ(at_mark, state) << "round " << round;
  }
}

}  // namespace
}  // namespace tidemark::compaction
