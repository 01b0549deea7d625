#include "storage/segment_file.h"

#include "storage/rocksdb_options.h"
#include "storage/rocksdb_status.h"
#include "storage/sst_file.h"

#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <utility>

namespace tidemark::storage {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{1} << 20;

class Writer final : public SegmentFileWriter {
 public:
  Writer(FileSystemPtr fs, std::string path, const WriteGate* gate)
      : fs_(std::move(fs)),
        path_(std::move(path)),
        env_(MakeEnvironment(fs_)),
        options_(SegmentFileOptions(env_.get(), gate == nullptr ? nullptr : gate->rocksdb())),
        writer_(rocksdb::EnvOptions(options_), options_, nullptr,
                /*invalidate_page_cache=*/false, kNotUrgent) {}
  ~Writer() override {
    if (finished_) return;
    fs_->DeleteFile(path_, rocksdb::IOOptions(), nullptr).PermitUncheckedError();
  }

  Status Open() { return FromRocksDb(writer_.Open(path_), Doing()); }
  Status Add(const format::SegmentEntry& entry) override {
    return FromRocksDb(writer_.Put(entry.key, entry.frame), Doing());
  }
  Result<SstFile> Finish() override {
    rocksdb::ExternalSstFileInfo info;
    TIDEMARK_RETURN_IF_ERROR(FromRocksDb(writer_.Finish(&info), Doing()));
    TIDEMARK_ASSIGN_OR_RETURN(SstFile file, DescribeSst(options_, info));
    finished_ = true;
    return file;
  }

 private:
  std::string Doing() const { return "write segment " + path_; }

  const FileSystemPtr fs_;
  const std::string path_;
  const std::shared_ptr<rocksdb::Env> env_;
  const rocksdb::Options options_;
  rocksdb::SstFileWriter writer_;
  bool finished_ = false;
};

}  // namespace

Result<std::unique_ptr<SegmentFileWriter>> SegmentFileWriter::Open(const FileSystemPtr& fs,
                                                                   std::string path,
                                                                   const WriteGate* gate) {
  const rocksdb::IOStatus there = fs->FileExists(path, rocksdb::IOOptions(), nullptr);
  if (there.ok()) {
    return Status(StatusCode::kAlreadyExists, "segment-exists",
                  path + ": a segment's file is written once, and this one exists");
  }
  if (!there.IsNotFound()) return FromRocksDb(there, "write segment " + path);
  auto writer = std::make_unique<Writer>(fs, std::move(path), gate);
  TIDEMARK_RETURN_IF_ERROR(writer->Open());
  return std::unique_ptr<SegmentFileWriter>(std::move(writer));
}

Result<SstFile> WriteSegmentFile(const FileSystemPtr& fs, const std::string& path,
                                 std::span<const format::SegmentEntry> entries) {
  TIDEMARK_ASSIGN_OR_RETURN(const auto writer, SegmentFileWriter::Open(fs, path));
  for (const format::SegmentEntry& entry : entries) TIDEMARK_RETURN_IF_ERROR(writer->Add(entry));
  return writer->Finish();
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
  // Not filled: a small file touches little of it.
  const auto buffer = std::make_unique_for_overwrite<char[]>(kPieceBytes);
  while (true) {
    rocksdb::Slice piece;
    TIDEMARK_RETURN_IF_ERROR(FromRocksDb(
        file->Read(kPieceBytes, rocksdb::IOOptions(), &piece, buffer.get(), nullptr), doing));
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
