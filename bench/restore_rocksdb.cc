#include "bench/restore_rocksdb.h"

#include "bench/measure.h"
#include "bench/random.h"
#include "bench/rocksdb_database.h"
#include "bench/rocksdb_table.h"
#include "bench/wide_records.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace tidemark::bench {
namespace {

namespace fs = std::filesystem;

// Records that one WriteBatch puts: as Flink does when it restores from a stream of them.
constexpr int kBatch = 500;
constexpr uint64_t kKeysLookedUp = 1'000;

class RestoreRocks {
 public:
  explicit RestoreRocks(const RowContext& context)
      : context_(context), size_(context.scale.restore), records_(size_.keys) {
    write_options_.disableWAL = true;
  }

  Counters Run();

 private:
  std::unique_ptr<rocksdb::DB> Open(const std::string& path) const;
  void Load();
  // Seconds; the first from the open on, the second from the links on.
  void OpenOnce();
  double Reload();
  void CheckFirst(rocksdb::DB& db, uint64_t number);
  uint64_t CheckAll(rocksdb::DB& db);
  std::string checkpoint() const { return context_.directory + "/checkpoint"; }

  const RowContext& context_;
  const RestoreSize size_;
  WideRecords records_;
  rocksdb::WriteOptions write_options_;
  Random random_{20'240'229};
  std::vector<double> open_s_;
  std::vector<double> link_and_open_s_;
};

std::unique_ptr<rocksdb::DB> RestoreRocks::Open(const std::string& path) const {
  EngineOptions engine;
  engine.memory_budget_bytes = context_.scale.memory_budget_bytes;
  rocksdb::DB* db = nullptr;
  Translate(rocksdb::DB::Open(TunedOptions(engine), path, &db)).Check();
  return std::unique_ptr<rocksdb::DB>(db);
}

void RestoreRocks::Load() {
  const auto db = Open(context_.directory + "/live");
  for (uint64_t number = 0; number < size_.keys; ++number) {
    Translate(db->Put(write_options_, records_.KeyOf(number), records_.ValueOf(number))).Check();
  }
  Translate(db->Flush(rocksdb::FlushOptions())).Check();
  AwaitIdleThreads();
  TakeCheckpoint(*db, checkpoint()).Check();
  Translate(db->Close()).Check();
}

void RestoreRocks::CheckFirst(rocksdb::DB& db, uint64_t number) {
  std::string value;
  Translate(db.Get(rocksdb::ReadOptions(), records_.KeyOf(number), &value)).Check();
  records_.Check(number, value);
}

// Opening changes what is opened, so each time it is a copy: tables, which never change, by link.
void RestoreRocks::OpenOnce() {
  const std::string path = context_.directory + "/opened";
  sync();
  const uint64_t first = random_.Below(size_.keys);
  const std::chrono::duration<double> linked = TimeOf([&] {
    fs::create_directory(path);
    for (const fs::directory_entry& file : fs::directory_iterator(checkpoint())) {
      const fs::path to = path / file.path().filename();
      if (file.path().extension() == ".sst") {
        fs::create_hard_link(file.path(), to);
      } else {
        fs::copy_file(file.path(), to);
      }
    }
  });
  std::unique_ptr<rocksdb::DB> db;
  const std::chrono::duration<double> opened = TimeOf([&] {
    db = Open(path);
    CheckFirst(*db, first);
  });
  open_s_.push_back(opened.count());
  link_and_open_s_.push_back((linked + opened).count());
  for (uint64_t i = 0; i < kKeysLookedUp; ++i) CheckFirst(*db, random_.Below(size_.keys));
  Translate(db->Close()).Check();
  db.reset();
  fs::remove_all(path);
}

// Up to the first read: what is left to flush and to compact then is not in it.
double RestoreRocks::Reload() {
  const std::string path = context_.directory + "/reloaded";
  const auto from = Open(checkpoint());
  std::unique_ptr<rocksdb::DB> to;
  const std::chrono::duration<double> took = TimeOf([&] {
    to = Open(path);
    const std::unique_ptr<rocksdb::Iterator> record(from->NewIterator(rocksdb::ReadOptions()));
    rocksdb::WriteBatch batch;
    const auto write = [&] {
      Translate(to->Write(write_options_, &batch)).Check();
      batch.Clear();
    };
    for (record->SeekToFirst(); record->Valid(); record->Next()) {
      Translate(batch.Put(record->key(), record->value())).Check();
      if (batch.Count() == kBatch) write();
    }
    Translate(record->status()).Check();
    write();
    CheckFirst(*to, random_.Below(size_.keys));
  });
  Translate(to->Close()).Check();
  return took.count();
}

uint64_t RestoreRocks::CheckAll(rocksdb::DB& db) {
  ContentHash hash;
  const std::unique_ptr<rocksdb::Iterator> record(db.NewIterator(rocksdb::ReadOptions()));
  for (record->SeekToFirst(); record->Valid(); record->Next()) {
    hash.Add(record->key().ToStringView(), record->value().ToStringView());
  }
  Translate(record->status()).Check();
  CheckHash("what was put anew", records_.Hash(), hash.value());
  return hash.value();
}

Counters RestoreRocks::Run() {
  Load();
  context_.on_start();
  for (int i = 0; i < size_.repetitions; ++i) OpenOnce();
  const double reload_s = Reload();
  context_.on_stop();
  const uint64_t hash = CheckAll(*Open(context_.directory + "/reloaded"));
  const DirectoryUsage usage = UsageOf(checkpoint());
  return {{"restore_p50_s", Median(open_s_)},
          {"link_and_open_p50_s", Median(link_and_open_s_)},
          {"reload_s", reload_s},
          {"retained_bytes", static_cast<double>(usage.bytes)},
          {"files", static_cast<double>(usage.files)},
          {"peak_rss_bytes", static_cast<double>(PeakRssBytes())},
          {"result_hash", ResultHash(hash)}};
}

}  // namespace

Counters RestoreRocksDb(const RowContext& context) { return RestoreRocks(context).Run(); }

}  // namespace tidemark::bench
