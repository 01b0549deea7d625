#include "compaction/read_ahead.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tidemark::compaction {

namespace {

using format::Record;
using format::RecordStream;

constexpr size_t kBatchBytes = size_t{256} << 10;
constexpr size_t kBatchesReadyMax = 2;

// Records and their bytes.
struct Batch {
  struct Entry {
    size_t key_end;
    size_t value_end;
    Record record;  // its views are set when it is shown
  };
  std::string bytes;
  std::vector<Entry> entries;
  Status failed;
  bool is_last = false;

  void Clear() {
    bytes.clear();
    entries.clear();
  }
  void Add(const Record& record) {
    bytes.append(record.key);
    const size_t key_end = bytes.size();
    bytes.append(record.value);
    entries.push_back({key_end, bytes.size(), record});
  }
};

class ReadAheadStream final : public RecordStream {
 public:
  explicit ReadAheadStream(std::unique_ptr<RecordStream> records) : records_(std::move(records)) {}
  ~ReadAheadStream() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (reader_.joinable()) reader_.join();
  }

  Result<bool> Next() override {
    if (!started_) Start();
    while (shown_ == batch_.entries.size()) {
      TIDEMARK_RETURN_IF_ERROR(batch_.failed);
      if (batch_.is_last) return false;
      Take();
    }
    const Batch::Entry& entry = batch_.entries[shown_++];
    const std::string_view bytes(batch_.bytes);
    record_ = entry.record;
    record_.key = bytes.substr(end_, entry.key_end - end_);
    record_.value = bytes.substr(entry.key_end, entry.value_end - entry.key_end);
    end_ = entry.value_end;
    return true;
  }

 private:
  void Start() {
    started_ = true;
    Fill(batch_);
    if (!batch_.is_last) reader_ = std::thread([this] { Read(); });
  }

  void Fill(Batch& batch) {
    batch.Clear();
    while (batch.bytes.size() < kBatchBytes) {
      const Result<bool> more = records_->Next();
      if (!more.has_value()) batch.failed = more.error();
      batch.is_last = !more.has_value() || !*more;
      if (batch.is_last) return;
      batch.Add(records_->record());
    }
  }

  // On the thread.
  void Read() {
    Batch batch;
    while (!batch.is_last) {
      Fill(batch);
      const bool is_last = batch.is_last;
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || ready_.size() < kBatchesReadyMax; });
      if (stopping_) return;
      ready_.push_back(std::move(batch));
      batch = {};
      batch.is_last = is_last;
      changed_.notify_all();
    }
  }

  void Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !ready_.empty(); });
    batch_ = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    shown_ = 0;
    end_ = 0;
  }

  const std::unique_ptr<RecordStream> records_;
  bool started_ = false;
  Batch batch_;  // is being shown
  size_t shown_ = 0;
  size_t end_ = 0;  // of the bytes shown

  std::thread reader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;    // guarded by mutex_
  std::deque<Batch> ready_;  // guarded by mutex_
};

}  // namespace

std::unique_ptr<RecordStream> ReadAhead(std::unique_ptr<RecordStream> records) {
  return std::make_unique<ReadAheadStream>(std::move(records));
}

}  // namespace tidemark::compaction
