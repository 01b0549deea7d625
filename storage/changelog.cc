#include "storage/changelog.h"

#include "storage/segment_stream.h"
#include "storage/spilled_epoch.h"
#include "storage/sst_file.h"

#include <rocksdb/convenience.h>

#include <optional>
#include <utility>

namespace tidemark::storage {
namespace {

constexpr std::string_view kFamilyName = "changelog";
// Dropped at the next opening like those of spilled epochs, whose numbers begin with 1.
constexpr std::string_view kNoSpilledFamily = "epoch-0";

class NoRecords final : public format::RecordStream {
 public:
  Result<bool> Next() override { return false; }
};

}  // namespace

Result<std::unique_ptr<Changelog>> Changelog::Open(const LiveDatabaseOptions& options,
                                                   std::shared_ptr<rocksdb::Env> env,
                                                   std::shared_ptr<ScratchFiles> scratch,
                                                   const std::string& path, bool links_work) {
  std::unique_ptr<Changelog> changelog(
      new Changelog(options, std::move(env), std::move(scratch), path, links_work));
  if (Exists(*options.fs, path)) TIDEMARK_RETURN_IF_ERROR(changelog->OpenIfMissing().error());
  return changelog;
}

Result<std::shared_ptr<Database>> Changelog::database() {
  TIDEMARK_ASSIGN_OR_RETURN(const Opened opened, OpenIfMissing());
  return opened.database;
}

void Changelog::NoteLostManifest() {
  if (const Opened opened = this->opened(); opened.database != nullptr)
    opened.database->NoteLostManifest();
}

Result<Changelog::Opened> Changelog::OpenIfMissing() {
  const std::lock_guard opening(opening_);
  if (Opened opened = this->opened(); opened.database != nullptr) {
    opened.database->ReplaceLostManifest(std::string(kNoSpilledFamily),
                                         ChangelogOptions(options_.block_cache->rocksdb()));
    return opened;
  }
  const bool is_new = !Exists(*options_.fs, path_);
  TIDEMARK_ASSIGN_OR_RETURN(Opened made, OpenDatabase());
  // What it will hold shall not go with its folder.
  if (is_new) TIDEMARK_RETURN_IF_ERROR(SyncDirectory(*options_.fs, options_.directory));
  const std::lock_guard lock(mutex_);
  opened_ = made;
  return made;
}

Result<Changelog::Opened> Changelog::OpenDatabase() const {
  const std::shared_ptr<rocksdb::Cache>& cache = options_.block_cache->rocksdb();
  const rocksdb::ColumnFamilyOptions family_options = ChangelogOptions(cache);
  const rocksdb::DBOptions database_options =
      DatabaseOptions(env_.get(), /*background_jobs=*/1,
                      MaxOpenFiles(options_.passing, options_.block_cache->capacity_bytes()));
  TIDEMARK_ASSIGN_OR_RETURN(
      Database::Opened opened,
      Database::Open(options_.fs, database_options, env_, path_, [&](const std::string& name) {
        // To be dropped; with fewer levels than it was made with RocksDB would not open.
        return IsSpilledFamily(name) ? TableOptions(cache, options_.sst_target_bytes)
                                     : family_options;
      }));
  return TakeOver(std::move(opened), family_options);
}

Result<Changelog::Opened> Changelog::TakeOver(Database::Opened opened,
                                              const rocksdb::ColumnFamilyOptions& options) {
  Database& database = *opened.database;
  // What a crash has left of epochs that were larger than memory.
  for (const auto& [left, family] : opened.column_families) {
    if (!IsSpilledFamily(left)) continue;
    TIDEMARK_RETURN_IF_ERROR(
        FromDatabase(database.Changed(database->DropColumnFamily(family.get())),
                     "drop column family " + left + " of " + database.path()));
  }
  const std::string name(kFamilyName);
  if (const auto family = opened.column_families.find(name); family != opened.column_families.end())
    return Opened{opened.database, std::move(family->second)};
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  TIDEMARK_RETURN_IF_ERROR(FromDatabase(database->CreateColumnFamily(options, name, &handle),
                                        "create column family " + name + " in " + database.path()));
  return Opened{opened.database, database.Own(handle)};
}

Result<std::vector<format::SegmentHeader>> Changelog::Segments() const {
  std::vector<format::SegmentHeader> headers;
  const Opened opened = this->opened();
  if (opened.database == nullptr) return headers;
  const std::string where = "the segments in " + path_;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(
      (*opened.database)->NewIterator(options, opened.family.get()));
  std::optional<std::string> next = format::EncodeSegmentKey(0, 0, "");
  while (next) {
    it->Seek(*next);
    if (!it->Valid()) break;
    TIDEMARK_ASSIGN_OR_RETURN(const format::SegmentKey key,
                              format::DecodeSegmentKey(it->key().ToStringView(), where));
    if (key.table_id != 0 || !key.first_key.empty()) {
      return Status(StatusCode::kCorruption, "segment-header",
                    where + ": the segment of epoch " + std::to_string(key.last_epoch) +
                        " begins with table " + std::to_string(key.table_id) +
                        ", expected its header");
    }
    TIDEMARK_ASSIGN_OR_RETURN(format::SegmentHeader header,
                              format::DecodeSegmentHeader(it->value().ToStringView(), where));
    next = SegmentKeyAfter(key.last_epoch);
    headers.push_back(std::move(header));
  }
  TIDEMARK_RETURN_IF_ERROR(FromDatabase(it->status(), "list " + where));
  return headers;
}

Status Changelog::Add(std::span<const SstFile> files) {
  if (files.empty()) return {};
  Status status = TryAdd(files);
  std::vector<std::string> paths;  // RocksDB has removed those that it moved in, as a rule
  for (const SstFile& file : files) paths.push_back(file.path);
  scratch_->Remove(std::move(paths));
  return status;
}

Status Changelog::TryAdd(std::span<const SstFile> files) {
  const std::string doing = "add " + std::to_string(files.size()) + " segments to " + path_ +
                            ", the first from " + files.front().path;
  TIDEMARK_ASSIGN_OR_RETURN(const Opened opened, OpenIfMissing());
  rocksdb::IngestExternalFileArg arg = IngestArg(opened.family, files, links_work_);
  // Rather an error than a segment in level 0, from where it could not be dropped.
  arg.options.fail_if_not_bottommost_level = true;
  const rocksdb::Status status = opened.database->Ingest({arg});
  if (status.IsTryAgain()) {
    return Status(StatusCode::kInternal, "segment-overlap",
                  doing + ": their epochs overlap segments that are there");
  }
  return FromDatabase(status, doing);
}

Status Changelog::Drop(uint64_t first, uint64_t last) {
  const Opened opened = this->opened();
  if (first > last || opened.database == nullptr) return {};
  const std::string from = format::EncodeSegmentKey(first, 0, "");
  const std::optional<std::string> to = SegmentKeyAfter(last);
  const rocksdb::Slice from_slice(from);
  const rocksdb::Slice to_slice = to ? rocksdb::Slice(*to) : rocksdb::Slice();
  const rocksdb::RangePtr range(&from_slice, to ? &to_slice : nullptr);
  TIDEMARK_RETURN_IF_ERROR(FromDatabase(opened.database->Changed(rocksdb::DeleteFilesInRanges(
                                            opened.database->get(), opened.family.get(), &range, 1,
                                            /*include_end=*/false)),
                                        "drop the segments of epochs " + std::to_string(first) +
                                            " to " + std::to_string(last) + " from " + path_));
  return CheckDropped(opened, from, last);
}

// Cannot fail as long as the invariants hold; replaying a segment twice would be worse than an
// error.
Status Changelog::CheckDropped(const Opened& opened, const std::string& from, uint64_t last) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::string& path = opened.database->path();
  const std::unique_ptr<rocksdb::Iterator> it(
      (*opened.database)->NewIterator(options, opened.family.get()));
  it->Seek(from);
  if (!it->Valid()) return FromDatabase(it->status(), "look at the segments in " + path);
  TIDEMARK_ASSIGN_OR_RETURN(const format::SegmentKey key,
                            format::DecodeSegmentKey(it->key().ToStringView(), path));
  if (key.last_epoch > last) return {};
  return Status(StatusCode::kInternal, "segment-not-dropped",
                path + ": the segment of epoch " + std::to_string(key.last_epoch) +
                    " is still there after it was dropped");
}

std::unique_ptr<format::RecordStream> Changelog::OpenSegment(uint64_t last_epoch,
                                                             uint32_t table_id) const {
  auto owner = std::make_shared<const Opened>(opened());
  if (owner->database == nullptr) return std::make_unique<NoRecords>();
  const SegmentStream::OpenIterator open = [&](const rocksdb::ReadOptions& options) {
    return (*owner->database)->NewIterator(options, owner->family.get());
  };
  return std::make_unique<SegmentStream>(owner, open, FromDatabase, path_, last_epoch, table_id);
}

}  // namespace tidemark::storage
