#include "storage/database.h"

#include "storage/rocksdb_status.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tidemark::storage {
namespace {

using rocksdb::IOOptions;

// The names of the column families in `path`; empty if there is no database.
Result<std::vector<std::string>> ListColumnFamilies(rocksdb::FileSystem& fs,
                                                    const rocksdb::DBOptions& options,
                                                    const std::string& path) {
  std::vector<std::string> names;
  const rocksdb::IOStatus current = fs.FileExists(path + "/CURRENT", IOOptions(), nullptr);
  if (current.IsNotFound()) return names;
  TIDEMARK_RETURN_IF_ERROR(FromDatabase(current, "look at " + path + "/CURRENT"));
  TIDEMARK_RETURN_IF_ERROR(FromDatabase(rocksdb::DB::ListColumnFamilies(options, path, &names),
                                        "list the column families of " + path));
  return names;
}

// RocksDB would create an empty database here and delete the files as leftovers.
Status RefuseFilesWithoutCurrent(rocksdb::FileSystem& fs, const std::string& path) {
  std::vector<std::string> children;
  if (!fs.GetChildren(path, IOOptions(), &children, nullptr).ok()) return {};
  const bool has_sst = std::any_of(children.begin(), children.end(),
                                   [](const std::string& name) { return name.ends_with(".sst"); });
  if (!has_sst) return {};
  return Status(StatusCode::kCorruption, "live-current-missing",
                path +
                    ": holds SSTs but no CURRENT, so it is not a whole database; delete the "
                    "directory above it and restore again");
}

// Newer versions of RocksDB have no `force` any more and do what `false` did.
template <class Db>
rocksdb::Status EnableFileDeletions(Db* db) {
  if constexpr (requires { db->EnableFileDeletions(false); }) {
    return db->EnableFileDeletions(/*force=*/false);
  } else {
    return db->EnableFileDeletions();
  }
}

}  // namespace

Status FromDatabase(const rocksdb::Status& status, std::string_view doing) {
  Status translated = FromRocksDb(status, doing);
  if (translated.code() != StatusCode::kNotFound) return translated;
  return Status(StatusCode::kCorruption, "live-file-missing", std::string(translated.message()));
}

Result<Database::Opened> Database::Open(const FileSystemPtr& fs, rocksdb::DBOptions options,
                                        std::shared_ptr<rocksdb::Env> env, const std::string& path,
                                        const OptionsOf& options_of) {
  TIDEMARK_ASSIGN_OR_RETURN(std::vector<std::string> names, ListColumnFamilies(*fs, options, path));
  if (names.empty()) {
    TIDEMARK_RETURN_IF_ERROR(RefuseFilesWithoutCurrent(*fs, path));
    names.push_back(rocksdb::kDefaultColumnFamilyName);
  }
  std::shared_ptr<Database> database(new Database(std::move(env), path));
  options.listeners.push_back(database->errors_);
  options.listeners.push_back(database->compactions_);
  return OpenFamilies(database, names, options_of,
                      [&](const auto& families, auto* handles, rocksdb::DB** db) {
                        return rocksdb::DB::Open(options, path, families, handles, db);
                      });
}

Result<Database::Opened> Database::OpenForReading(const FileSystemPtr& fs,
                                                  const rocksdb::DBOptions& options,
                                                  std::shared_ptr<rocksdb::Env> env,
                                                  const std::string& path,
                                                  const OptionsOf& options_of) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                            ListColumnFamilies(*fs, options, path));
  std::shared_ptr<Database> database(new Database(std::move(env), path));
  return OpenFamilies(database, names, options_of,
                      [&](const auto& families, auto* handles, rocksdb::DB** db) {
                        return rocksdb::DB::OpenForReadOnly(options, path, families, handles, db);
                      });
}

Result<Database::Opened> Database::OpenFamilies(const std::shared_ptr<Database>& database,
                                                const std::vector<std::string>& names,
                                                const OptionsOf& options_of,
                                                const OpenFunction& open) {
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.reserve(names.size());
  for (const std::string& name : names) descriptors.emplace_back(name, options_of(name));
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  TIDEMARK_RETURN_IF_ERROR(
      FromDatabase(open(descriptors, &handles, &db), "open database " + database->path()));
  database->db_.reset(db);

  Opened opened{database, {}};
  for (size_t i = 0; i < handles.size(); ++i)
    opened.column_families.emplace(names[i], database->Own(handles[i]));
  return opened;
}

ColumnFamily Database::Own(rocksdb::ColumnFamilyHandle* handle) {
  return ColumnFamily(handle, [self = shared_from_this()](rocksdb::ColumnFamilyHandle* owned) {
    self->db_->DestroyColumnFamilyHandle(owned).PermitUncheckedError();
  });
}

rocksdb::Status Database::Changed(rocksdb::Status status) {
  if (!status.ok()) errors_->Add();
  return status;
}

void Database::NoteLostManifest() noexcept {
  errors_->Add();
  manifest_is_lost_.store(true);
}

void Database::ReplaceLostManifest(const std::string& name,
                                   const rocksdb::ColumnFamilyOptions& options) {
  if (!manifest_is_lost_.exchange(false)) return;
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  if (!Changed(db_->CreateColumnFamily(options, name, &handle)).ok()) return;
  Changed(db_->DropColumnFamily(handle)).PermitUncheckedError();
  db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
}

rocksdb::Status Database::Ingest(const std::vector<rocksdb::IngestExternalFileArg>& args) {
  // An error while this runs may come after the MANIFEST was written, and unsettles it again.
  const uint64_t errors = errors_->count();
  rocksdb::Status status = Changed(db_->IngestExternalFiles(args));
  if (!status.ok()) return status;
  settled_errors_ = errors;
  for (uint64_t held = errors_->TakeFileDeletionsHeld(); held > 0; --held) ResumeFileDeletions();
  return status;
}

void Database::ResumeFileDeletions() { EnableFileDeletions(db_.get()).PermitUncheckedError(); }

}  // namespace tidemark::storage
