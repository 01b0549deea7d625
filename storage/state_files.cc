#include "storage/state_files.h"

#include "format/key.h"
#include "storage/rocksdb_status.h"
#include "storage/sst_file.h"

#include <utility>

namespace tidemark::storage {
namespace {

class RollingWriter final : public StateFileWriter {
 public:
  RollingWriter(FileSystemPtr fs, const rocksdb::Options& options, uint32_t table_id,
                uint64_t target_bytes, std::function<std::string()> new_path)
      : fs_(std::move(fs)),
        options_(options),
        target_bytes_(target_bytes),
        new_path_(std::move(new_path)),
        writer_(rocksdb::EnvOptions(options), options, nullptr, /*invalidate_page_cache=*/false) {
    result_.table_id = table_id;
  }
  ~RollingWriter() override {
    if (!finished_) RemoveFiles();
  }

  Status Put(std::string_view stored_key, std::string_view value, uint64_t expiry_ms) override {
    value_.clear();
    format::AppendValueHeader(expiry_ms, &value_);
    value_.append(value);
    return Add([&] { return writer_.Put({stored_key.data(), stored_key.size()}, value_); });
  }

  Status Delete(std::string_view stored_key) override {
    return Add([&] { return writer_.Delete({stored_key.data(), stored_key.size()}); });
  }

  Result<TableFiles> Finish() override {
    if (failed_.ok() && !path_.empty()) failed_ = FinishFile();
    if (!failed_.ok()) return failed_;
    finished_ = true;
    return std::move(result_);
  }

 private:
  // `add` puts one entry into the open file.
  template <class AddEntry>
  Status Add(AddEntry&& add) {
    if (!failed_.ok()) return failed_;
    if (path_.empty()) failed_ = StartFile();
    if (failed_.ok()) {
      const rocksdb::Status status = add();
      if (!status.ok()) failed_ = FromRocksDb(status, Doing());
    }
    if (failed_.ok() && writer_.FileSize() >= target_bytes_) failed_ = FinishFile();
    return failed_;
  }

  Status StartFile() {
    path_ = new_path_();
    return FromRocksDb(writer_.Open(path_), Doing());
  }

  Status FinishFile() {
    rocksdb::ExternalSstFileInfo info;
    TIDEMARK_RETURN_IF_ERROR(FromRocksDb(writer_.Finish(&info), Doing()));
    TIDEMARK_ASSIGN_OR_RETURN(SstFile file, DescribeSst(options_, info));
    result_.files.push_back(std::move(file));
    path_.clear();
    return {};
  }

  std::string Doing() const {
    return "write SST " + path_ + " of table " + std::to_string(result_.table_id);
  }

  void RemoveFiles() {
    const auto remove = [this](const std::string& path) {
      fs_->DeleteFile(path, rocksdb::IOOptions(), nullptr).PermitUncheckedError();
    };
    if (!path_.empty()) remove(path_);
    for (const SstFile& file : result_.files) remove(file.path);
  }

  const FileSystemPtr fs_;
  const rocksdb::Options& options_;
  const uint64_t target_bytes_;
  const std::function<std::string()> new_path_;
  rocksdb::SstFileWriter writer_;
  std::string path_;  // of the file being written; empty between two files
  std::string value_;
  TableFiles result_;
  Status failed_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<StateFileWriter> NewStateFileWriter(FileSystemPtr fs,
                                                    const rocksdb::Options& options,
                                                    uint32_t table_id, uint64_t target_bytes,
                                                    std::function<std::string()> new_path) {
  return std::make_unique<RollingWriter>(std::move(fs), options, table_id, target_bytes,
                                         std::move(new_path));
}

}  // namespace tidemark::storage
