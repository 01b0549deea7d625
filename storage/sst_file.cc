#include "storage/sst_file.h"

#include "storage/file_checksum.h"
#include "storage/rocksdb_options.h"
#include "storage/rocksdb_status.h"

#include <rocksdb/sst_file_reader.h>
#include <rocksdb/unique_id.h>

namespace tidemark::storage {

Result<SstProperties> ReadSstProperties(const rocksdb::Options& options, const std::string& path) {
  rocksdb::SstFileReader reader(options);
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(reader.Open(path), "open SST " + path));
  const auto properties = reader.GetTableProperties();
  SstProperties result;
  TIDEMARK_RETURN_IF_ERROR(
      FromRocksDb(rocksdb::GetUniqueIdFromTableProperties(*properties, &result.unique_id),
                  "read the unique id of " + path));
  result.range_tombstones = properties->num_range_deletions;
  return result;
}

Result<SstFile> DescribeSst(const rocksdb::Options& options,
                            const rocksdb::ExternalSstFileInfo& info) {
  SstFile file;
  file.path = info.file_path;
  file.size = info.file_size;
  TIDEMARK_ASSIGN_OR_RETURN(
      file.checksum,
      DecodeFileChecksum(info.file_checksum, info.file_checksum_func_name, info.file_path));
  // The writer does not tell the id that it gave the file.
  TIDEMARK_ASSIGN_OR_RETURN(SstProperties properties, ReadSstProperties(options, info.file_path));
  file.unique_id = std::move(properties.unique_id);
  file.smallest = info.smallest_key;
  file.largest = info.largest_key;
  return file;
}

rocksdb::IngestExternalFileArg IngestArg(const ColumnFamily& family, std::span<const SstFile> files,
                                         bool links_work) {
  rocksdb::IngestExternalFileArg arg;
  arg.column_family = family.get();
  arg.options = IngestOptions(links_work);
  for (const SstFile& file : files) {
    arg.external_files.push_back(file.path);
    arg.files_checksums.push_back(EncodeFileChecksum(file.checksum));
    arg.files_checksum_func_names.emplace_back(kFileChecksumName);
  }
  return arg;
}

}  // namespace tidemark::storage
