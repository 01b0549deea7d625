#include "storage/state_files.h"

#include "format/key.h"
#include "storage/rocksdb_status.h"
#include "storage/sst_file.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::storage {
namespace {

// Each costs a look into RocksDB's indexes.
constexpr size_t kRangesToldMax = 256;

class RollingWriter final : public StateFileWriter {
 public:
  RollingWriter(ScratchFiles& scratch, const rocksdb::Options& options, uint32_t table_id,
                uint64_t target_bytes)
      : scratch_(scratch),
        options_(options),
        target_bytes_(target_bytes),
        writer_(rocksdb::EnvOptions(options), options, nullptr, /*invalidate_page_cache=*/false,
                kUrgent) {
    result_.table_id = table_id;
  }
  ~RollingWriter() override {
    if (!finished_) RemoveFiles();
  }

  Status Put(std::string_view stored_key, std::string_view value, uint64_t expiry_ms) override {
    SetValue(value, expiry_ms);
    return Add(stored_key, [&](const rocksdb::Slice& key) { return writer_.Put(key, value_); });
  }

  Status Append(std::string_view stored_key, std::string_view bytes) override {
    SetValue(bytes, 0);
    return Add(stored_key, [&](const rocksdb::Slice& key) { return writer_.Merge(key, value_); });
  }

  Status Delete(std::string_view stored_key) override {
    return Add(stored_key, [&](const rocksdb::Slice& key) { return writer_.Delete(key); });
  }

  Status DeleteRange(std::string_view from, std::string_view to) override {
    // In a file above it would take entries of the file below.
    if (from < end_of_last_file_) from = end_of_last_file_;
    if (from < to) ranges_.emplace_back(from, to);
    if (from < to && result_.range_deletes.size() < kRangesToldMax)
      result_.range_deletes.emplace_back(from, to);
    return failed_;
  }

  Result<TableFiles> Finish() override {
    if (failed_.ok() && path_.empty() && !ranges_.empty()) failed_ = StartFile();
    if (failed_.ok() && !path_.empty()) failed_ = FinishFile(std::nullopt);
    if (!failed_.ok()) return failed_;
    finished_ = true;
    return std::move(result_);
  }

 private:
  void SetValue(std::string_view value, uint64_t expiry_ms) {
    value_.clear();
    format::AppendValueHeader(expiry_ms, &value_);
    value_.append(value);
  }

  // `add` puts one entry into the open file.
  template <class AddEntry>
  Status Add(std::string_view stored_key, AddEntry&& add) {
    if (!failed_.ok()) return failed_;
    if (path_.empty()) failed_ = StartFile();
    if (failed_.ok()) {
      const rocksdb::Status status = add(rocksdb::Slice(stored_key.data(), stored_key.size()));
      if (!status.ok()) failed_ = FromRocksDb(status, Doing());
    }
    if (failed_.ok() && writer_.FileSize() >= target_bytes_)
      failed_ = FinishFile(std::string(stored_key) + '\0');
    return failed_;
  }

  // Ranges are cut where a file ends, so that files do not overlap: RocksDB would ingest those one
  // above the other, all of them into level 0.
  Status DeleteRanges(const std::optional<std::string>& end) {
    std::vector<std::pair<std::string, std::string>> rest;
    for (auto& [from, to] : ranges_) {
      std::string until = end ? std::min(*end, to) : to;
      if (from < until) {
        TIDEMARK_RETURN_IF_ERROR(FromRocksDb(writer_.DeleteRange(from, until), Doing()));
      }
      if (until < to) rest.emplace_back(std::max(from, until), std::move(to));
    }
    ranges_ = std::move(rest);
    return {};
  }

  Status StartFile() {
    path_ = scratch_.NewPath(".sst");
    return FromRocksDb(writer_.Open(path_), Doing());
  }

  // `end`: the least key that the next file may have; unset: there is none.
  Status FinishFile(std::optional<std::string> end) {
    TIDEMARK_RETURN_IF_ERROR(DeleteRanges(end));
    if (end) end_of_last_file_ = *std::move(end);
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
    std::vector<std::string> paths;
    if (!path_.empty()) paths.push_back(path_);
    for (const SstFile& file : result_.files) paths.push_back(file.path);
    scratch_.Remove(std::move(paths));
  }

  ScratchFiles& scratch_;
  const rocksdb::Options& options_;
  const uint64_t target_bytes_;
  rocksdb::SstFileWriter writer_;
  std::string path_;  // of the file being written; empty between two files
  std::string value_;
  std::vector<std::pair<std::string, std::string>> ranges_;  // to delete in the open file
  std::string end_of_last_file_;
  TableFiles result_;
  Status failed_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<StateFileWriter> NewStateFileWriter(ScratchFiles& scratch,
                                                    const rocksdb::Options& options,
                                                    uint32_t table_id, uint64_t target_bytes) {
  return std::make_unique<RollingWriter>(scratch, options, table_id, target_bytes);
}

}  // namespace tidemark::storage
