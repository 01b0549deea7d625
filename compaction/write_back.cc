#include "compaction/write_back.h"

#include "compaction/merge.h"
#include "compaction/read_ahead.h"

namespace tidemark::compaction {

namespace {

Status Write(storage::StateFileWriter& writer, const format::Record& record) {
  switch (record.op) {
    case format::Op::kMerge:
      return writer.Append(record.key, record.value);
    case format::Op::kRangeDelete:
      return writer.DeleteRange(record.key, record.value);
    case format::Op::kDelete:
      return writer.Delete(record.key);
    default:
      return writer.Put(record.key, record.value, record.expiry_ms);
  }
}

Result<storage::TableFiles> WriteTable(storage::LiveDatabase& live, TableChanges changes,
                                       uint64_t after_epoch, WriteBackThreads threads,
                                       uint64_t* records) {
  auto merged = MergeNewest(std::move(changes.streams), after_epoch);
  if (threads == WriteBackThreads::kTwo) merged = ReadAhead(std::move(merged));
  auto writer = live.NewStateFiles(changes.table_id);
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool more, merged->Next());
    if (!more) break;
    ++*records;
    TIDEMARK_RETURN_IF_ERROR(Write(*writer, merged->record()));
  }
  return writer->Finish();
}

}  // namespace

Result<WriteBackStatistics> WriteBack(storage::LiveDatabase& live,
                                      std::vector<TableChanges> changes,
                                      const format::AppliedMark& mark, WriteBackThreads threads) {
  WriteBackStatistics statistics;
  const uint64_t after_epoch = live.mark().at.epoch;
  std::vector<storage::TableFiles> files;
  for (TableChanges& table : changes) {
    auto written = WriteTable(live, std::move(table), after_epoch, threads, &statistics.records);
    if (!written.has_value()) {
      live.DiscardStateFiles(files);  // a full disk must not become fuller with every try
      return std::move(written).error();
    }
    for (const storage::SstFile& file : written->files) statistics.bytes += file.size;
    if (!written->files.empty()) files.push_back(*std::move(written));
  }
  TIDEMARK_RETURN_IF_ERROR(live.Apply(std::move(files), mark));
  return statistics;
}

}  // namespace tidemark::compaction
