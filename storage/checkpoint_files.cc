#include "storage/checkpoint_files.h"

#include "format/names.h"
#include "storage/placing.h"
#include "storage/repository.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_status.h"
#include "storage/segment_file.h"
#include "storage/state_families.h"
#include "storage/verify.h"

#include <rocksdb/sst_file_reader.h>

#include <map>
#include <utility>

namespace tidemark::storage {

namespace {

using format::FileKind;
using format::FileMeta;

// See CheckpointFiles::KeysOf.
class SstKeys final : public format::RecordStream {
 public:
  SstKeys(const FileSystemPtr& fs, std::string path)
      : path_(std::move(path)),
        env_(MakeEnvironment(fs)),
        file_(
            rocksdb::Options(rocksdb::DBOptions(StateFileOptions(env_.get(), Table())), Table())) {}

  Status Open() { return FromRocksDb(file_.Open(path_), "read " + path_); }
  bool IsFewPuts(uint64_t entries_max) const {
    const auto properties = file_.GetTableProperties();
    return properties != nullptr && properties->num_deletions == 0 &&
           properties->num_range_deletions == 0 && properties->num_entries <= entries_max;
  }

  Result<bool> Next() override {
    if (keys_ == nullptr) {
      keys_.reset(file_.NewIterator(ScanOptions()));
      keys_->SeekToFirst();
    } else {
      keys_->Next();
    }
    if (!keys_->Valid()) {
      TIDEMARK_RETURN_IF_ERROR(FromDatabase(keys_->status(), "read " + path_));
      return false;
    }
    record_ = {keys_->key().ToStringView(), {}, UINT64_MAX, 0, format::Op::kPut};
    return true;
  }

 private:
  static rocksdb::ColumnFamilyOptions Table() {
    return TableOptions(nullptr, LiveDatabaseOptions{}.sst_target_bytes);
  }

  const std::string path_;
  const std::shared_ptr<rocksdb::Env> env_;
  rocksdb::SstFileReader file_;
  std::unique_ptr<rocksdb::Iterator> keys_;
};

}  // namespace

class CheckpointFiles::Opening {
 public:
  Opening(const CheckpointStorage& storage, const format::Manifest& list,
          const CheckpointFilesOptions& options, CheckpointFiles* files)
      : storage_(storage), list_(list), options_(options), files_(*files) {
    files_.fs_ = options.fs;
  }

  Status Open(const format::Checkpoint& checkpoint) {
    TIDEMARK_RETURN_IF_ERROR(MakeDirectories(*options_.fs, options_.scratch));
    if (checkpoint.base != 0) {
      const auto base = list_.bases.find(checkpoint.base);
      if (base == list_.bases.end()) return NotInList("base", checkpoint.base);
      TIDEMARK_RETURN_IF_ERROR(files_.InRepository(OpenBase(base->second)));
    }
    return OpenSegments(checkpoint.segments);
  }

  Status OpenSegments(const std::vector<uint64_t>& files) {
    TIDEMARK_RETURN_IF_ERROR(MakeDirectories(*options_.fs, options_.scratch));
    for (const uint64_t id : files) {
      const auto segment = list_.files.find(id);
      if (segment == list_.files.end()) return NotInList("file", id);
      TIDEMARK_RETURN_IF_ERROR(OpenSegment(segment->second));
    }
    return {};
  }

 private:
  static Status NotInList(std::string_view what, uint64_t id) {
    return Status(StatusCode::kCorruption, "manifest-invariant",
                  std::string(what) + " " + std::to_string(id) + " is not in the list");
  }

  std::string ObjectOf(const FileMeta& file) const {
    return format::SubtaskPrefix(list_.subtask) + file.name;
  }

  // A local path that has the file's content.
  Status Place(const FileMeta& file, const std::string& path) {
    const VerifyLevel level =
        file.kind == FileKind::kBaseMeta ? VerifyLevel::kChecksum : VerifyLevel::kFiles;
    TIDEMARK_RETURN_IF_ERROR(VerifyFile(storage_, list_.subtask, file, level));
    const std::string name = ObjectOf(file);
    files_.names_.push_back({path, storage_.Uri() + "/" + name});
    return PlaceObject(storage_, name, path);
  }

  Status OpenBase(const format::Base& base) {
    const std::string directory = options_.scratch + "/state";
    TIDEMARK_RETURN_IF_ERROR(MakeDirectories(*options_.fs, directory));
    std::map<std::string, const FileMeta*> by_live_name;
    for (const format::BaseFile& file : base.files) {
      TIDEMARK_RETURN_IF_ERROR(CheckLiveName(base, file));
      const auto meta = list_.files.find(file.file);
      if (meta == list_.files.end()) return NotInList("file", file.file);
      by_live_name.emplace(file.live_name, &meta->second);
      if (meta->second.kind == FileKind::kBaseSst)
        files_.base_paths_.emplace(file.file, directory + "/" + file.live_name);
      TIDEMARK_RETURN_IF_ERROR(Place(meta->second, directory + "/" + file.live_name));
    }
    // After those of the files below it, of which it is a part.
    files_.names_.push_back(
        {directory, storage_.Uri() + "/" + format::SubtaskPrefix(list_.subtask) + "base"});
    TIDEMARK_RETURN_IF_ERROR(WriteFileDurably(*options_.fs, directory + "/CURRENT", base.current));
    TIDEMARK_RETURN_IF_ERROR(OpenDatabase(base, directory, by_live_name));
    files_.base_epoch_ = base.at.epoch;
    return {};
  }

  Status OpenDatabase(const format::Base& base, const std::string& directory,
                      const std::map<std::string, const FileMeta*>& by_live_name) {
    std::shared_ptr<rocksdb::Env> env = MakeEnvironment(options_.fs);
    const rocksdb::DBOptions options = ReadingOptions(env.get());
    const rocksdb::ColumnFamilyOptions table_options =
        TableOptions(options_.block_cache->rocksdb(), LiveDatabaseOptions{}.sst_target_bytes);
    TIDEMARK_ASSIGN_OR_RETURN(
        Database::Opened opened,
        Database::OpenForReading(options_.fs, options, std::move(env), directory,
                                 [&](const std::string&) { return table_options; }));
    const std::shared_ptr<Database> database = opened.database;
    TIDEMARK_ASSIGN_OR_RETURN(const StateFamilies families, ReadStateFamilies(opened));
    if (families.mark.at != base.at) {
      return Status(StatusCode::kCorruption, "base-mark",
                    "base " + std::to_string(base.id) + ": expected epoch " +
                        std::to_string(base.at.epoch) + ", got a database that stands at " +
                        std::to_string(families.mark.at.epoch));
    }
    NoteFiles(*database, families.Listed(), by_live_name);
    // RocksDB's own estimate comes of statistics that it does not keep for what is only read.
    for (const auto& [id, family] : families.Listed())
      for (const auto& [sst, keys] : KeysBySst(*database, family.get()))
        files_.base_keys_[id] += keys;
    files_.base_ =
        std::make_shared<SnapshotView>(database, families.Listed(), families.mark.at.epoch);
    return {};
  }

  void NoteFiles(const Database& database, const TableFamilies& tables,
                 const std::map<std::string, const FileMeta*>& by_live_name) {
    std::vector<rocksdb::LiveFileMetaData> live;
    database->GetLiveFilesMetaData(&live);
    for (const rocksdb::LiveFileMetaData& file : live) {
      const auto meta = by_live_name.find(file.name.substr(file.name.find_first_not_of('/')));
      if (meta == by_live_name.end()) continue;
      for (const auto& [id, family] : tables)
        if (file.column_family_name == family->GetName())
          files_.base_files_[id].insert(meta->second->id);
    }
  }

  Status OpenSegment(const FileMeta& segment) {
    std::string path = options_.scratch + "/" + std::to_string(segment.id) + ".sst";
    if (segment.kind == FileKind::kInlined) {
      TIDEMARK_ASSIGN_OR_RETURN(const std::vector<format::SegmentEntry> entries,
                                ReadInlined(storage_, list_.subtask, segment));
      TIDEMARK_RETURN_IF_ERROR(WriteSegmentFile(options_.fs, path, entries).error());
      files_.names_.push_back({path, storage_.Uri() + "/" + ObjectOf(segment)});
    } else {
      TIDEMARK_RETURN_IF_ERROR(Place(segment, path));
    }
    auto reader = SegmentReader::Open(options_.fs, path);
    const LocalName& name = files_.names_.back();
    if (!reader) return name.In(reader.error());
    files_.segments_.push_back({segment.id, *std::move(reader), name});
    return {};
  }

  const CheckpointStorage& storage_;
  const format::Manifest& list_;
  const CheckpointFilesOptions& options_;
  CheckpointFiles& files_;
};

Status LocalName::In(Status error) const {
  const size_t at = error.message().find(path);
  if (error.ok() || at == std::string_view::npos) return error;
  std::string message(error.message());
  return Status(error.code(), error.name(), message.replace(at, path.size(), object));
}

Status CheckpointFiles::InRepository(Status error) const {
  for (const LocalName& name : names_) error = name.In(std::move(error));
  return error;
}

Result<std::shared_ptr<const CheckpointFiles>> CheckpointFiles::Open(
    const CheckpointStorage& storage, const format::Manifest& list,
    const format::Checkpoint& checkpoint, const CheckpointFilesOptions& options) {
  auto files = std::make_shared<CheckpointFiles>();
  TIDEMARK_RETURN_IF_ERROR(Opening(storage, list, options, files.get()).Open(checkpoint));
  return std::shared_ptr<const CheckpointFiles>(std::move(files));
}

Result<std::unique_ptr<format::RecordStream>> CheckpointFiles::KeysOf(uint64_t file,
                                                                      uint64_t entries_max) const {
  auto keys = std::make_unique<SstKeys>(fs_, base_paths_.at(file));
  std::unique_ptr<format::RecordStream> stream;
  const Status opened = keys->Open();
  // The writer may have deleted it since; what was opened then still reads it.
  if (opened.code() == StatusCode::kNotFound) return stream;
  TIDEMARK_RETURN_IF_ERROR(InRepository(opened));
  if (keys->IsFewPuts(entries_max)) stream = std::move(keys);
  return stream;
}

Result<std::vector<CheckpointFiles::Segment>> CheckpointFiles::OpenSegments(
    const CheckpointStorage& storage, const format::Manifest& list,
    const std::vector<uint64_t>& files, const CheckpointFilesOptions& options) {
  CheckpointFiles opened;
  TIDEMARK_RETURN_IF_ERROR(Opening(storage, list, options, &opened).OpenSegments(files));
  return std::move(opened.segments_);
}

uint64_t CheckpointFiles::EstimateBaseKeys(uint32_t table_id) const {
  const auto keys = base_keys_.find(table_id);
  return keys == base_keys_.end() ? 0 : keys->second;
}

std::set<uint64_t> CheckpointFiles::BaseFilesOf(uint32_t table_id) const {
  const auto files = base_files_.find(table_id);
  return files == base_files_.end() ? std::set<uint64_t>() : files->second;
}

}  // namespace tidemark::storage
