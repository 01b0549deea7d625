#include "storage/base_contents.h"

#include "format/names.h"
#include "storage/database.h"
#include "storage/placing.h"
#include "storage/rocksdb_options.h"
#include "storage/state_families.h"
#include "storage/verify.h"

#include <filesystem>
#include <map>
#include <utility>

namespace tidemark::storage {
namespace {

using format::FileMeta;
using FilesByLiveName = std::map<std::string, const FileMeta*>;

// RocksDB opens what is there: it looks for no SST before one is asked for.
Result<Database::Opened> OpenWhatIsThere(const std::string& directory,
                                         const CheckpointFilesOptions& options) {
  std::shared_ptr<rocksdb::Env> env = MakeEnvironment(options.fs);
  rocksdb::DBOptions reading = ReadingOptions(env.get());
  reading.paranoid_checks = false;
  reading.max_open_files = 20;  // the least that RocksDB allows
  const rocksdb::ColumnFamilyOptions table_options =
      TableOptions(options.block_cache->rocksdb(), LiveDatabaseOptions{}.sst_target_bytes);
  return Database::OpenForReading(options.fs, reading, std::move(env), directory,
                                  [&](const std::string&) { return table_options; });
}

}  // namespace

Result<std::vector<BaseSst>> ReadBaseContents(const CheckpointStorage& storage,
                                              const format::Manifest& list,
                                              const format::Base& base,
                                              const CheckpointFilesOptions& options) {
  TIDEMARK_RETURN_IF_ERROR(MakeDirectories(*options.fs, options.scratch));
  FilesByLiveName by_live_name;
  for (const format::BaseFile& file : base.files) {
    const auto meta = list.files.find(file.file);
    if (meta == list.files.end()) continue;
    by_live_name.emplace(file.live_name, &meta->second);
    TIDEMARK_RETURN_IF_ERROR(CheckLiveName(base, file));
    const std::string object = format::SubtaskPrefix(list.subtask) + meta->second.name;
    if (meta->second.kind == format::FileKind::kBaseMeta) {
      TIDEMARK_RETURN_IF_ERROR(
          VerifyFile(storage, list.subtask, meta->second, VerifyLevel::kChecksum));
    } else if (storage.LocalPath(object).empty()) {
      continue;
    }
    TIDEMARK_RETURN_IF_ERROR(PlaceObject(storage, object, options.scratch + "/" + file.live_name));
  }
  TIDEMARK_RETURN_IF_ERROR(
      WriteFileDurably(*options.fs, options.scratch + "/CURRENT", base.current));
  TIDEMARK_ASSIGN_OR_RETURN(const Database::Opened opened,
                            OpenWhatIsThere(options.scratch, options));
  std::vector<rocksdb::LiveFileMetaData> live;
  (*opened.database)->GetLiveFilesMetaData(&live);
  std::vector<BaseSst> contents;
  for (const auto& [id, table] : list.tables) {
    const auto family = opened.column_families.find(FamilyName(id));
    if (family == opened.column_families.end()) continue;
    const auto keys = KeysBySst(*opened.database, family->second.get());
    for (const rocksdb::LiveFileMetaData& sst : live) {
      const std::string name = std::filesystem::path(sst.name).filename();
      const auto meta = by_live_name.find(name);
      if (sst.column_family_name != family->first || meta == by_live_name.end()) continue;
      contents.push_back({meta->second->id, id, sst.smallestkey, sst.largestkey, std::nullopt});
      if (const auto known = keys.find(name); known != keys.end())
        contents.back().keys = known->second;
    }
  }
  return contents;
}

}  // namespace tidemark::storage
