#include "tests/tools/sample_repository.h"

#include "format/change_batch.h"
#include "format/names.h"
#include "storage/segment_file.h"

#include <filesystem>

namespace tidemark::test {
namespace {

constexpr uint32_t kTable = 1;

format::TableMeta CountsTable() {
  format::TableMeta table;
  table.id = kTable;
  table.name = "counts";
  table.kind = TableKind::kValue;
  table.key_codec = "string";
  table.value_codec = "u64";
  table.schema = "a schema";
  return table;
}

std::string StoredKey(uint64_t number) {
  std::string key;
  format::AppendStoredKey(0, "word " + std::to_string(1000 + number), &key);
  return key;
}

// The entries of a segment: header and one batch.
std::vector<format::SegmentEntry> MakeEntries(format::SegmentHeader* header) {
  format::BatchEncoder encoder(Compression::kNone, 0);
  for (uint64_t i = 0; i < header->records; ++i) {
    const std::string key = StoredKey(i);
    const std::string value = std::to_string(header->last_epoch);
    encoder.Add({.key = key, .value = value, .epoch = header->last_epoch});
    header->net_change_bytes += key.size() + value.size();
  }
  std::string batch;
  encoder.Finish(kTable, &batch).Check();
  header->tables = {kTable};
  return {{format::EncodeSegmentKey(header->last_epoch, 0, ""), EncodeSegmentHeader(*header)},
          {format::EncodeSegmentKey(header->last_epoch, kTable, StoredKey(0)), batch}};
}

}  // namespace

SampleRepository::SampleRepository(const std::string& path, uint32_t subtask, uint32_t parallelism)
    : path_(path), subtask_(subtask) {
  storage::RepositoryOptions options;
  options.storage = OpenLocalDirectory(path).value();
  options.subtask = subtask;
  options.parallelism = parallelism;
  repository_ = storage::Repository::Open(options).value();
}

SampleRepository& SampleRepository::Commit(const SampleCheckpoint& what) {
  repository_->Prepare().Check();
  const format::Manifest list = repository_->manifest();
  format::ManifestEdit edit;
  std::vector<format::SegmentEntry> inlined;
  uint64_t next_file = list.next_file_id;
  if (list.tables.empty()) edit.tables_added.push_back(CountsTable());
  if (what.new_base) AddBase(list, &next_file, &edit);
  const format::FileMeta segment = AddSegment(what, list, next_file, &inlined);
  edit.files_added.push_back(segment);

  format::Checkpoint checkpoint;
  checkpoint.id = what.id;
  checkpoint.at = {list.attempt, list.writer, segment.last_epoch};
  checkpoint.time_ms = 1'700'000'000'123 + static_cast<int64_t>(what.id) * 1000;
  if (!list.checkpoints.empty()) {
    checkpoint.base = list.checkpoints.back().base;
    checkpoint.segments = list.checkpoints.back().segments;
  }
  checkpoint.segments.push_back(segment.id);
  checkpoint.tables = std::make_shared<const std::vector<uint32_t>>(std::vector<uint32_t>{kTable});
  checkpoint.metadata = what.metadata;
  checkpoint.records = segment.records;
  checkpoint.net_change_bytes = segment.net_change_bytes;
  checkpoint.log_bytes = segment.size;
  checkpoint.barrier_ns = 900;
  checkpoint.encode_ns = 12'000;
  checkpoint.durable_ns = 3'400'000;
  edit.checkpoint_added = checkpoint;

  if (list.lineage.empty() || list.lineage.back().attempt != list.attempt) {
    edit.lineage = list.lineage;
    edit.lineage->push_back({list.attempt, list.writer, segment.last_epoch});
  }
  for (size_t i = 0; i + what.keep_last <= list.checkpoints.size(); ++i)
    edit.checkpoints_removed.push_back(list.checkpoints[i].id);
  repository_->Publish(std::move(edit), std::move(inlined)).Check();
  return *this;
}

void SampleRepository::Collect() { repository_->DeleteDropped().Check(); }

void SampleRepository::Close() { repository_->Close().Check(); }

std::string SampleRepository::PathOf(format::FileKind kind, size_t index) const {
  for (const auto& [id, file] : manifest().files)
    if (file.kind == kind && index-- == 0) return PathOf(file.name);
  throw std::out_of_range("no such file");
}

std::string SampleRepository::PathOf(const std::string& name) const {
  return path_ + "/" + format::SubtaskPrefix(subtask_) + name;
}

format::FileMeta SampleRepository::AddSegment(const SampleCheckpoint& what,
                                              const format::Manifest& list, uint64_t file_id,
                                              std::vector<format::SegmentEntry>* inlined) {
  const uint64_t epoch = list.checkpoints.empty() ? 1 : list.checkpoints.back().at.epoch + 1;
  format::SegmentHeader header{.attempt = list.attempt,
                               .writer = list.writer,
                               .first_epoch = epoch,
                               .last_epoch = epoch,
                               .unique = format::RandomUnique(),
                               .records = what.records,
                               .net_change_bytes = 0,
                               .tables = {}};
  const std::vector<format::SegmentEntry> entries = MakeEntries(&header);
  format::FileMeta file;
  file.id = file_id;
  file.attempt = list.attempt;
  file.first_epoch = file.last_epoch = epoch;
  file.unique = header.unique;
  file.records = header.records;
  file.net_change_bytes = header.net_change_bytes;
  if (what.inlined) {
    file.kind = format::FileKind::kInlined;
    file.name = format::ManifestName(list.version + 1);
    file.size = format::InlinedBytes(entries);
    file.checksum = format::InlinedChecksum(entries);
    *inlined = entries;
    return file;
  }
  const std::string scratch = path_ + ".segment";
  const storage::SstFile sst =
      storage::WriteSegmentFile(storage::DefaultFileSystem(), scratch, entries).value();
  file.kind = format::FileKind::kSegment;
  file.name = format::SegmentName(list.attempt, epoch, epoch, header.unique);
  file.size = sst.size;
  file.checksum = sst.checksum;
  file.sst_unique_id = sst.unique_id;
  repository_->storage().PutFile(repository_->ObjectName(file.name), scratch).value();
  std::filesystem::remove(scratch);
  return file;
}

// Its files are not what RocksDB would write: nobody but RocksDB looks into them.
void SampleRepository::AddBase(const format::Manifest& list, uint64_t* next_file,
                               format::ManifestEdit* edit) {
  const format::FileMeta sst =
      PutBaseFile(list, *next_file, format::FileKind::kBaseSst, std::string(5000, 's'));
  const format::FileMeta meta =
      PutBaseFile(list, *next_file + 1, format::FileKind::kBaseMeta, "a RocksDB MANIFEST");
  *next_file += 2;
  format::Base base;
  base.id = list.next_base_id;
  base.at = list.checkpoints.back().at;
  base.current = "MANIFEST-000005\n";
  base.files = {{sst.id, "000012.sst"}, {meta.id, "MANIFEST-000005"}};
  edit->files_added = {sst, meta};
  edit->bases_added = {base};
  edit->rebase_to = base.id;
}

format::FileMeta SampleRepository::PutBaseFile(const format::Manifest& list, uint64_t id,
                                               format::FileKind kind, const std::string& content) {
  const uint64_t unique = format::RandomUnique();
  format::FileMeta file;
  file.id = id;
  file.kind = kind;
  file.name = kind == format::FileKind::kBaseSst ? format::BaseSstName(list.attempt, unique)
                                                 : format::BaseMetaName(list.attempt, unique);
  file.size = content.size();
  file.checksum = format::Checksum128Of(content);
  file.attempt = list.attempt;
  repository_->storage().Put(repository_->ObjectName(file.name), content).Check();
  return file;
}

}  // namespace tidemark::test
