#include "compaction/read_ahead.h"

#include "tests/compaction/record_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tidemark::compaction {
namespace {

using format::Op;

// Some batches of them, of all kinds, and one that is larger than a batch.
std::vector<OwnedRecord> Records(uint64_t count) {
  constexpr Op kOps[] = {Op::kPut, Op::kInsert, Op::kDelete, Op::kMerge, Op::kRangeDelete};
  std::vector<OwnedRecord> records;
  for (uint64_t i = 0; i < count; ++i) {
    const Op op = kOps[i % std::size(kOps)];
    const std::string value = op == Op::kDelete ? "" : std::string(i % 700, 'v');
    records.push_back({"key-" + std::to_string(1'000'000 + i), value, i % 9, op, i % 3});
  }
  if (count > 1000) records[count / 2].value.assign(1 << 20, 'l');
  return records;
}

std::vector<OwnedRecord> ReadAll(format::RecordStream& stream, Status* end) {
  std::vector<OwnedRecord> records;
  while (true) {
    const Result<bool> more = stream.Next();
    if (!more.has_value()) *end = more.error();
    if (!more.has_value() || !*more) return records;
    const format::Record& record = stream.record();
    records.push_back({std::string(record.key), std::string(record.value), record.epoch, record.op,
                       record.expiry_ms});
  }
}

TEST(ReadAheadTest, PassesRecordsOnAsTheyAre) {
  for (const uint64_t count : {0, 1, 7, 800, 20'000}) {
    SCOPED_TRACE(count);
    const std::vector<OwnedRecord> records = Records(count);
    const auto stream = ReadAhead(StreamOf(records));
    Status end;
    EXPECT_TRUE(ReadAll(*stream, &end) == records);
    EXPECT_EQ(end.ToString(), "OK");
    EXPECT_FALSE(stream->Next().value()) << "it stays at its end";
  }
}

TEST(ReadAheadTest, ErrorComesAfterTheRecordsBeforeItAndStays) {
  const Status error(StatusCode::kCorruption, "segment-checksum", "a block is damaged");
  for (const uint64_t count : {0, 7, 20'000}) {
    SCOPED_TRACE(count);
    const std::vector<OwnedRecord> records = Records(count);
    const auto stream = ReadAhead(StreamOf(records, error));
    Status end;
    EXPECT_TRUE(ReadAll(*stream, &end) == records);
    EXPECT_EQ(end.name(), error.name());
    EXPECT_EQ(stream->Next().error().name(), error.name());
  }
}

TEST(ReadAheadTest, MayEndBeforeTheRecordsDo) {
  for (int records = 0; records < 3000; records += 250) {
    const auto stream = ReadAhead(StreamOf(Records(20'000)));
    for (int i = 0; i < records; ++i) ASSERT_TRUE(stream->Next().value());
  }
}

}  // namespace
}  // namespace tidemark::compaction
