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

}  // namespace

Result<std::unique_ptr<Changelog>> Changelog::Open(const LiveDatabaseOptions& options,
                                                   std::shared_ptr<rocksdb::Env> env,
                                                   std::shared_ptr<ScratchFiles> scratch,
                                                   const std::string& path, bool links_work) {
  std::unique_ptr<Changelog> changelog(new Changelog(std::move(scratch), links_work));
  const std::shared_ptr<rocksdb::Cache>& cache = options.block_cache->rocksdb();
  const rocksdb::ColumnFamilyOptions family_options = ChangelogOptions(cache);
  const rocksdb::DBOptions database_options =
      DatabaseOptions(env.get(), /*background_jobs=*/1,
                      MaxOpenFiles(options.passing, options.block_cache->capacity_bytes()));
  TIDEMARK_ASSIGN_OR_RETURN(
      Database::Opened opened,
      Database::Open(options.fs, database_options, std::move(env), path,
                     [&](const std::string& name) {
                       // To be dropped; with fewer levels than it was made
                       // with RocksDB would not open.
                       return IsSpilledFamily(name) ? TableOptions(cache, options.sst_target_bytes)
                                                    : family_options;
                     }));
  TIDEMARK_RETURN_IF_ERROR(changelog->TakeOver(std::move(opened), family_options));
  return changelog;
}

Status Changelog::TakeOver(Database::Opened opened, const rocksdb::ColumnFamilyOptions& options) {
  database_ = std::move(opened.database);
  // What a crash has left of epochs that were larger than memory.
  for (const auto& [left, family] : opened.column_families) {
    if (!IsSpilledFamily(left)) continue;
    TIDEMARK_RETURN_IF_ERROR(
        FromDatabase(database_->Changed((*database_)->DropColumnFamily(family.get())),
                     "drop column family " + left + " of " + database_->path()));
  }
  const std::string name(kFamilyName);
  if (const auto family = opened.column_families.find(name);
      family != opened.column_families.end()) {
    family_ = std::move(family->second);
    return {};
  }
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  TIDEMARK_RETURN_IF_ERROR(
      FromDatabase((*database_)->CreateColumnFamily(options, name, &handle),
                   "create column family " + name + " in " + database_->path()));
  family_ = database_->Own(handle);
  return {};
}

Result<std::vector<format::SegmentHeader>> Changelog::Segments() const {
  const std::string where = "the segments in " + database_->path();
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it((*database_)->NewIterator(options, family_.get()));
  std::vector<format::SegmentHeader> headers;
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
  const std::string doing = "add " + std::to_string(files.size()) + " segments to " +
                            database_->path() + ", the first from " + files.front().path;
  rocksdb::IngestExternalFileArg arg = IngestArg(family_, files, links_work_);
  // Rather an error than a segment in level 0, from where it could not be dropped.
  arg.options.fail_if_not_bottommost_level = true;
  const rocksdb::Status status = database_->Ingest({arg});
  if (status.IsTryAgain()) {
    return Status(StatusCode::kInternal, "segment-overlap",
                  doing + ": their epochs overlap segments that are there");
  }
  return FromDatabase(status, doing);
}

Status Changelog::Drop(uint64_t first, uint64_t last) {
  if (first > last) return {};
  const std::string from = format::EncodeSegmentKey(first, 0, "");
  const std::optional<std::string> to = SegmentKeyAfter(last);
  const rocksdb::Slice from_slice(from);
  const rocksdb::Slice to_slice = to ? rocksdb::Slice(*to) : rocksdb::Slice();
  const rocksdb::RangePtr range(&from_slice, to ? &to_slice : nullptr);
  TIDEMARK_RETURN_IF_ERROR(
      FromDatabase(database_->Changed(rocksdb::DeleteFilesInRanges(
                       database_->get(), family_.get(), &range, 1, /*include_end=*/false)),
                   "drop the segments of epochs " + std::to_string(first) + " to " +
                       std::to_string(last) + " from " + database_->path()));
  return CheckDropped(from, last);
}

// Cannot fail as long as the invariants hold; replaying a segment twice would be worse than an
// error.
Status Changelog::CheckDropped(const std::string& from, uint64_t last) const {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it((*database_)->NewIterator(options, family_.get()));
  it->Seek(from);
  if (!it->Valid())
    return FromDatabase(it->status(), "look at the segments in " + database_->path());
  TIDEMARK_ASSIGN_OR_RETURN(const format::SegmentKey key,
                            format::DecodeSegmentKey(it->key().ToStringView(), database_->path()));
  if (key.last_epoch > last) return {};
  return Status(StatusCode::kInternal, "segment-not-dropped",
                database_->path() + ": the segment of epoch " + std::to_string(key.last_epoch) +
                    " is still there after it was dropped");
}

std::unique_ptr<format::RecordStream> Changelog::OpenSegment(uint64_t last_epoch,
                                                             uint32_t table_id) const {
  struct Owner {
    std::shared_ptr<Database> database;
    ColumnFamily family;  // goes first
  };
  auto owner = std::make_shared<const Owner>(Owner{database_, family_});
  const SegmentStream::OpenIterator open = [&](const rocksdb::ReadOptions& options) {
    return (*database_)->NewIterator(options, family_.get());
  };
  return std::make_unique<SegmentStream>(std::move(owner), open, FromDatabase, database_->path(),
                                         last_epoch, table_id);
}

}  // namespace tidemark::storage
