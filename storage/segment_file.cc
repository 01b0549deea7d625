#include "storage/segment_file.h"

#include "storage/rocksdb_options.h"
#include "storage/rocksdb_status.h"
#include "storage/sst_file.h"

#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>

#include <algorithm>

namespace tidemark::storage {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{1} << 20;

Status WriteEntries(rocksdb::SstFileWriter& writer, const std::string& path,
                    std::span<const format::SegmentEntry> entries,
                    rocksdb::ExternalSstFileInfo* info) {
  const std::string doing = "write segment " + path;
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(writer.Open(path), doing));
  for (const format::SegmentEntry& entry : entries) {
    TIDEMARK_RETURN_IF_ERROR(FromRocksDb(writer.Put(entry.key, entry.frame), doing));
  }
  return FromRocksDb(writer.Finish(info), doing);
}

Result<SstFile> WriteAndDescribe(const rocksdb::Options& options, const std::string& path,
                                 std::span<const format::SegmentEntry> entries) {
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(options), options, nullptr,
                                /*invalidate_page_cache=*/false);
  rocksdb::ExternalSstFileInfo info;
  TIDEMARK_RETURN_IF_ERROR(WriteEntries(writer, path, entries, &info));
  return DescribeSst(options, info);
}

}  // namespace

Result<SstFile> WriteSegmentFile(const FileSystemPtr& fs, const std::string& path,
                                 std::span<const format::SegmentEntry> entries) {
  const rocksdb::IOStatus there = fs->FileExists(path, rocksdb::IOOptions(), nullptr);
  if (there.ok()) {
    return Status(StatusCode::kAlreadyExists, "segment-exists",
                  path + ": a segment's file is written once, and this one exists");
  }
  if (!there.IsNotFound()) return FromRocksDb(there, "write segment " + path);

  const std::shared_ptr<rocksdb::Env> env = MakeEnvironment(fs);
  Result<SstFile> file = WriteAndDescribe(SegmentFileOptions(env.get()), path, entries);
  if (!file.has_value()) {
    fs->DeleteFile(path, rocksdb::IOOptions(), nullptr).PermitUncheckedError();
  }
  return file;
}

Result<std::vector<format::SegmentEntry>> ReadSegmentFile(const FileSystemPtr& fs,
                                                          const std::string& path) {
  const std::shared_ptr<rocksdb::Env> env = MakeEnvironment(fs);
  const std::string doing = "read segment " + path;
  rocksdb::SstFileReader reader(SegmentFileOptions(env.get()));
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(reader.Open(path), doing));

  std::vector<format::SegmentEntry> entries;
  entries.reserve(reader.GetTableProperties()->num_entries);
  const std::unique_ptr<rocksdb::Iterator> it(reader.NewIterator(ScanOptions()));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    entries.push_back({it->key().ToString(), it->value().ToString()});
  }
  TIDEMARK_RETURN_IF_ERROR(FromRocksDb(it->status(), doing));
  return entries;
}

Result<FileDigest> DigestFile(rocksdb::FileSystem& fs, const std::string& path) {
  const std::string doing = "read " + path;
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  TIDEMARK_RETURN_IF_ERROR(
      FromRocksDb(fs.NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr), doing));
  format::Hasher128 hasher;
  FileDigest digest;
  std::string buffer(kPieceBytes, '\0');
  while (true) {
    rocksdb::Slice piece;
    TIDEMARK_RETURN_IF_ERROR(FromRocksDb(
        file->Read(buffer.size(), rocksdb::IOOptions(), &piece, buffer.data(), nullptr), doing));
    if (piece.empty()) break;
    hasher.Update({piece.data(), piece.size()});
    digest.size += piece.size();
  }
  digest.checksum = hasher.Digest();
  return digest;
}

Result<FileDigest> DigestObject(const CheckpointStorage& storage, std::string_view name) {
  format::Hasher128 hasher;
  FileDigest digest;
  while (true) {
    TIDEMARK_ASSIGN_OR_RETURN(const std::string piece,
                              storage.Read(name, digest.size, kPieceBytes));
    hasher.Update(piece);
    digest.size += piece.size();
    if (piece.size() < kPieceBytes) break;
  }
  digest.checksum = hasher.Digest();
  return digest;
}

}  // namespace tidemark::storage
