#include "storage/segment_reader.h"

#include "storage/rocksdb_options.h"
#include "storage/rocksdb_status.h"
#include "storage/segment_stream.h"

#include <rocksdb/sst_file_reader.h>

namespace tidemark::storage {
namespace {

class Reader final : public SegmentReader {
 public:
  Reader(const FileSystemPtr& fs, std::string path)
      : path_(std::move(path)), env_(MakeEnvironment(fs)), file_(SegmentFileOptions(env_.get())) {}

  Status Open() {
    const std::string doing = "read segment " + path_;
    TIDEMARK_RETURN_IF_ERROR(FromRocksDb(file_.Open(path_), doing));
    const std::unique_ptr<rocksdb::Iterator> it(file_.NewIterator(ScanOptions()));
    it->SeekToFirst();
    TIDEMARK_RETURN_IF_ERROR(FromRocksDb(it->status(), doing));
    if (!it->Valid()) {
      return Status(StatusCode::kCorruption, "segment-header",
                    path_ + ": expected a segment's header, got an empty file");
    }
    TIDEMARK_ASSIGN_OR_RETURN(header_,
                              format::DecodeSegmentHeader(it->value().ToStringView(), path_));
    return {};
  }

  std::unique_ptr<format::SkippingStream> Records(uint32_t table_id) const override {
    return std::make_unique<SegmentStream>(
        shared_from_this(),
        [this](const rocksdb::ReadOptions& options) { return file_.NewIterator(options); },
        FromRocksDb, path_, header_.last_epoch, table_id);
  }

 private:
  const std::string path_;
  const std::shared_ptr<rocksdb::Env> env_;
  mutable rocksdb::SstFileReader file_;  // thread-safe, but not const
};

}  // namespace

Result<std::shared_ptr<const SegmentReader>> SegmentReader::Open(const FileSystemPtr& fs,
                                                                 const std::string& path) {
  auto reader = std::make_shared<Reader>(fs, path);
  TIDEMARK_RETURN_IF_ERROR(reader->Open());
  return std::shared_ptr<const SegmentReader>(std::move(reader));
}

}  // namespace tidemark::storage
