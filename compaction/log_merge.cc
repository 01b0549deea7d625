#include "compaction/log_merge.h"

#include "compaction/merge.h"
#include "format/names.h"
#include "storage/fetch.h"

#include <algorithm>
#include <set>

namespace tidemark::compaction {

namespace {

using format::FileMeta;
using format::Manifest;
using format::Op;
using Inputs = std::vector<std::shared_ptr<const storage::SegmentReader>>;

// Leaves out what deletes from nothing.
class WithoutDeletes final : public format::RecordStream {
 public:
  explicit WithoutDeletes(std::unique_ptr<format::RecordStream> records)
      : records_(std::move(records)) {}

  Result<bool> Next() override {
    while (true) {
      TIDEMARK_ASSIGN_OR_RETURN(const bool more, records_->Next());
      if (!more) return false;
      record_ = records_->record();
      if (record_.op != Op::kDelete && record_.op != Op::kRangeDelete) return true;
    }
  }

 private:
  const std::unique_ptr<format::RecordStream> records_;
};

std::unique_ptr<format::RecordStream> MergedTable(const Inputs& inputs, uint32_t table_id,
                                                  bool nothing_below) {
  std::vector<std::unique_ptr<format::RecordStream>> streams;
  for (const auto& input : inputs) {
    const std::vector<uint32_t>& tables = input->header().tables;
    if (std::binary_search(tables.begin(), tables.end(), table_id))
      streams.push_back(input->Records(table_id));
  }
  auto merged = MergeNewest(std::move(streams), /*after_epoch=*/0);
  if (!nothing_below) return merged;
  return std::make_unique<WithoutDeletes>(std::move(merged));
}

void Describe(const Inputs& inputs, const SegmentMergeOptions& options,
              format::SegmentHeader* header) {
  header->first_epoch = inputs.front()->header().first_epoch;
  header->last_epoch = inputs.back()->header().last_epoch;
  std::set<uint32_t> tables;
  for (const auto& input : inputs) {
    header->records += input->header().records;
    header->net_change_bytes += input->header().net_change_bytes;
    format::UpdateCounts(input->header().counts, &header->counts);
    tables.insert(input->header().tables.begin(), input->header().tables.end());
  }
  std::erase_if(tables, [&](uint32_t table) { return !options.keeps(table); });
  std::erase_if(header->counts, [&](const auto& count) { return !options.keeps(count.table_id); });
  header->tables.assign(tables.begin(), tables.end());
}

// The tables of the checkpoints that will have the merged segment.
std::set<uint32_t> TablesFrom(const Manifest& manifest, uint64_t epoch) {
  std::set<uint32_t> tables;
  const std::vector<uint32_t>* last = nullptr;  // most share one list
  for (const format::Checkpoint& checkpoint : manifest.checkpoints) {
    if (checkpoint.at.epoch < epoch || checkpoint.tables.get() == last) continue;
    last = checkpoint.tables.get();
    tables.insert(last->begin(), last->end());
  }
  return tables;
}

// What there is to merge, as the list has it.
struct Sources {
  std::vector<FileMeta> files;
  std::set<uint32_t> tables;
  uint64_t attempt = 0;
  format::WriterId writer;
};

Result<Sources> Find(const storage::Repository& repository, const std::vector<uint64_t>& segments) {
  return repository.WithManifest([&](const Manifest& manifest) -> Result<Sources> {
    Sources sources;
    for (const uint64_t id : segments) {
      const auto file = manifest.files.find(id);
      if (file == manifest.files.end()) {
        return Status(StatusCode::kNotFound, "segment-gone",
                      "segment " + std::to_string(id) + " has left the list before it was merged");
      }
      sources.files.push_back(file->second);
    }
    sources.tables = TablesFrom(manifest, sources.files.back().last_epoch);
    sources.attempt = manifest.attempt;
    sources.writer = manifest.writer;
    return sources;
  });
}

Result<Inputs> OpenAll(const storage::Repository& repository, const ScratchSpace& scratch,
                       const std::vector<FileMeta>& files) {
  Inputs inputs;
  for (const FileMeta& file : files) {
    const std::string path = scratch.new_path("merge.sst");
    auto fetched = storage::FetchSegment(repository, scratch.fs, file, path);
    Result<std::shared_ptr<const storage::SegmentReader>> reader =
        fetched ? storage::SegmentReader::Open(scratch.fs, path) : fetched.error();
    scratch.remove(path);
    TIDEMARK_ASSIGN_OR_RETURN(auto input, std::move(reader));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

Status Interrupted() {
  return Status(StatusCode::kUnavailable, "merge-interrupted",
                "a merge of segments was given up for something more urgent");
}

}  // namespace

Result<MergedFile> MergeSegments(const storage::FileSystemPtr& fs, const std::string& path,
                                 const Inputs& inputs, format::SegmentHeader header,
                                 const SegmentMergeOptions& options) {
  Describe(inputs, options, &header);
  TIDEMARK_ASSIGN_OR_RETURN(const auto writer,
                            storage::SegmentFileWriter::Open(fs, path, options.gate));
  TIDEMARK_RETURN_IF_ERROR(writer->Add(
      {format::EncodeSegmentKey(header.last_epoch, 0, ""), format::EncodeSegmentHeader(header)}));
  MergedFile merged;
  format::BatchEncoder encoder(options.codec, options.codec_level);
  for (const uint32_t table : header.tables) {
    const auto records = MergedTable(inputs, table, options.nothing_below);
    TIDEMARK_ASSIGN_OR_RETURN(
        const format::RecordTotals totals,
        format::EncodeTable(
            header.last_epoch, table, *records, encoder, [&](const format::SegmentEntry& entry) {
              return options.goes_on == nullptr || options.goes_on() ? writer->Add(entry)
                                                                     : Interrupted();
            }));
    merged.totals.records += totals.records;
    merged.totals.bytes += totals.bytes;
  }
  TIDEMARK_ASSIGN_OR_RETURN(merged.file, writer->Finish());
  return merged;
}

Result<UploadedMerge> MergeLog(const storage::Repository& repository, const ScratchSpace& scratch,
                               const std::vector<uint64_t>& segments, SegmentMergeOptions options) {
  TIDEMARK_ASSIGN_OR_RETURN(const Sources sources, Find(repository, segments));
  TIDEMARK_ASSIGN_OR_RETURN(const Inputs inputs, OpenAll(repository, scratch, sources.files));
  format::SegmentHeader header;
  header.attempt = sources.attempt;
  header.writer = sources.writer;
  header.unique = format::RandomUnique();
  options.keeps = [&](uint32_t table) { return sources.tables.contains(table); };
  options.nothing_below = sources.files.front().first_epoch == 1;
  const std::string path = scratch.new_path("merged.sst");
  auto merged = MergeSegments(scratch.fs, path, inputs, header, options);
  if (merged.has_value() && options.may_put && !options.may_put(merged->file.size))
    merged = Interrupted();
  if (!merged.has_value()) {
    scratch.remove(path);
    return std::move(merged).error();
  }
  UploadedMerge uploaded;
  uploaded.segments = segments;
  FileMeta& meta = uploaded.file;
  meta.kind = format::FileKind::kSegment;
  meta.attempt = header.attempt;
  meta.unique = header.unique;
  meta.first_epoch = sources.files.front().first_epoch;
  meta.last_epoch = sources.files.back().last_epoch;
  meta.records = merged->totals.records;
  meta.net_change_bytes = merged->totals.bytes;
  meta.size = merged->file.size;
  meta.checksum = merged->file.checksum;
  meta.sst_unique_id = merged->file.unique_id;
  meta.name = format::SegmentName(meta.attempt, meta.first_epoch, meta.last_epoch, meta.unique);
  const auto put = repository.storage().PutFile(repository.ObjectName(meta.name), path);
  scratch.remove(path);
  TIDEMARK_RETURN_IF_ERROR(put.error());
  return uploaded;
}

bool AddMerge(const UploadedMerge& merge, const Manifest& manifest, format::ManifestEdit* edit) {
  if (edit->rebase_to != 0 || edit->merge.has_value()) return false;
  const auto has_all = [&](const format::Checkpoint& checkpoint) {
    const auto found = std::search(checkpoint.segments.begin(), checkpoint.segments.end(),
                                   merge.segments.begin(), merge.segments.end());
    return found != checkpoint.segments.end();
  };
  const bool added_has = edit->checkpoint_added.has_value() && has_all(*edit->checkpoint_added);
  const auto stays = [&](const format::Checkpoint& checkpoint) {
    const std::vector<uint64_t>& removed = edit->checkpoints_removed;
    return std::find(removed.begin(), removed.end(), checkpoint.id) == removed.end();
  };
  // From the back: the newest is the likeliest to have them.
  const auto has = std::find_if(manifest.checkpoints.rbegin(), manifest.checkpoints.rend(),
                                [&](const format::Checkpoint& checkpoint) {
                                  return has_all(checkpoint) && stays(checkpoint);
                                });
  if (!added_has && has == manifest.checkpoints.rend()) return false;
  FileMeta file = merge.file;
  file.id = format::NextFileId(manifest, *edit);
  edit->merge = {merge.segments, file.id};
  edit->files_added.push_back(std::move(file));
  return true;
}

}  // namespace tidemark::compaction
