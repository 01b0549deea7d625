// Restore: how long a job takes to come back on a machine that has the repository at hand: from
// opening the store, with an empty live directory, to the first read. By link and by copy, with
// both ways of verifying, with 0, 10 or 100 segments behind the base.
//
// The segments are made by a store without maintenance, which would merge them and write them back.
// Each restore gets a repository of its own made of hard links, because opening one changes it.
// Copied is beside that what `cp -a` copies, and the same with every file synced, as the storage
// promises of its copies.
#include "bench/copying_storage.h"
#include "bench/measure.h"
#include "bench/random.h"
#include "bench/repository_folder.h"
#include "bench/restore_rocksdb.h"
#include "bench/table_hash.h"
#include "bench/wide_records.h"
#include "bench/workloads.h"

#include <tidemark/store.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::bench {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLoadEpoch = 1'000'000;
// Looked up in what was restored.
constexpr uint64_t kKeysLookedUp = 1'000;
// The segments that are written beside the base stay in memory.
constexpr uint64_t kWriterBudgetBytes = uint64_t{2} << 30;
// What copies takes much longer, and is repeated less often.
constexpr int kLinksToCopies = 2;

enum class Transfer : uint8_t { kLink, kCopy };

void SyncFile(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool ok = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  if (!ok) throw std::runtime_error("cannot sync " + path.string());
}

class Restore {
 public:
  explicit Restore(const RowContext& context)
      : context_(context),
        size_(context.scale.restore),
        repository_(OpenLocalDirectory(context.directory + "/repository").value()),
        records_(size_.keys) {}

  Counters Run(uint64_t segments);

 private:
  StoreOptions OptionsOf(const std::string& live, uint64_t budget, uint32_t threads) const;
  void Load();
  void AddSegments(uint64_t segments);
  // Seconds.
  double RestoreOnce(Transfer transfer, Verification verification);
  double CopyFiles(bool synced) const;
  void MeasureLinks();
  void MeasureCopies();
  void CheckAll(Table& table);

  const RowContext& context_;
  const RestoreSize size_;
  const std::shared_ptr<CheckpointStorage> repository_;
  WideRecords records_;
  Random random_{20'240'229};
  uint64_t checkpoints_ = 0;
  std::map<std::string, std::vector<double>> seconds_;
  RestoreReport report_;  // of the last one
  bool check_all_ = false;
  uint64_t hash_ = 0;
};

StoreOptions Restore::OptionsOf(const std::string& live, uint64_t budget, uint32_t threads) const {
  StoreOptions options;
  options.runtime =
      Runtime::Create({.memory_budget_bytes = budget, .background_threads = threads}).value();
  options.directory = live;
  options.keep_last = 1;
  return options;
}

void Restore::Load() {
  StoreOptions options =
      OptionsOf(context_.directory + "/live", context_.scale.memory_budget_bytes, 1);
  options.storage = repository_;
  const auto store = StateStore::Open(options).value();
  Table table = store->OpenTable("wide").value();
  for (uint64_t begin = 0; begin < size_.keys; begin += kLoadEpoch) {
    const uint64_t end = std::min(begin + kLoadEpoch, size_.keys);
    for (uint64_t number = begin; number < end; ++number) {
      table.Put(records_.KeyOf(number), records_.ValueOf(number)).Check();
    }
    store->Checkpoint(++checkpoints_).value();
  }
  store->Drain().Check();
  store->Close().Check();
}

void Restore::AddSegments(uint64_t segments) {
  StoreOptions options = OptionsOf(context_.directory + "/live", kWriterBudgetBytes, 0);
  options.storage = repository_;
  const auto store = StateStore::Open(options).value();
  Table table = store->OpenTable("wide").value();
  for (uint64_t segment = 0; segment < segments; ++segment) {
    for (uint64_t change = 0; change < size_.changes; ++change) {
      const uint64_t number = random_.Below(size_.keys);
      records_.Change(number);
      table.Put(records_.KeyOf(number), records_.ValueOf(number)).Check();
    }
    store->Checkpoint(++checkpoints_).value().Wait().Check();
  }
  store->Close().Check();
}

double Restore::RestoreOnce(Transfer transfer, Verification verification) {
  const std::string directory = context_.directory + "/elsewhere";
  LinkRepository(*repository_, directory + "/repository");
  StoreOptions options = OptionsOf(directory + "/live", context_.scale.memory_budget_bytes, 1);
  options.storage = OpenLocalDirectory(directory + "/repository").value();
  if (transfer == Transfer::kCopy) {
    options.storage = std::make_shared<CopyingStorage>(options.storage);
  }
  options.verification = verification;
  sync();
  const uint64_t first = random_.Below(size_.keys);
  std::unique_ptr<StateStore> store;
  std::optional<Table> table;
  const std::chrono::duration<double> took = TimeOf([&] {
    store = StateStore::Open(options).value();
    table = store->OpenTable("wide").value();
    records_.Check(first, table->Get(records_.KeyOf(first)).value().value());
  });
  report_ = store->restored();
  if (report_.checkpoint->id != checkpoints_ ||
      (transfer == Transfer::kCopy && report_.linked_bytes > 0)) {
    throw std::runtime_error("not the newest checkpoint was restored, or not by copy");
  }
  for (uint64_t i = 0; i < kKeysLookedUp; ++i) {
    const uint64_t number = random_.Below(size_.keys);
    records_.Check(number, table->Get(records_.KeyOf(number)).value().value());
  }
  if (std::exchange(check_all_, false)) CheckAll(*table);
  table.reset();
  store->Close().Check();
  store.reset();
  fs::remove_all(directory);
  return took.count();
}

void Restore::CheckAll(Table& table) {
  hash_ = records_.Hash();
  CheckHash("the newest checkpoint, restored,", hash_, HashOf(table));
}

// The files of the repository, which are those that a restore by copy copies and a few small ones.
double Restore::CopyFiles(bool synced) const {
  const std::string to = context_.directory + "/copy";
  sync();
  const std::string command = "cp -a '" + context_.directory + "/repository' '" + to + "'";
  const std::chrono::duration<double> took = TimeOf([&] {
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
    if (!synced) return;
    for (const auto& entry : fs::recursive_directory_iterator(to)) SyncFile(entry.path());
  });
  fs::remove_all(to);
  return took.count();
}

void Restore::MeasureLinks() {
  for (int i = 0; i < size_.repetitions; ++i) {
    seconds_["link"].push_back(RestoreOnce(Transfer::kLink, Verification::kFast));
    seconds_["link_full"].push_back(RestoreOnce(Transfer::kLink, Verification::kFull));
  }
}

void Restore::MeasureCopies() {
  for (int i = 0; i < (size_.repetitions + kLinksToCopies - 1) / kLinksToCopies; ++i) {
    seconds_["cp"].push_back(CopyFiles(/*synced=*/false));
    seconds_["copy"].push_back(RestoreOnce(Transfer::kCopy, Verification::kFast));
    seconds_["cp_synced"].push_back(CopyFiles(/*synced=*/true));
    seconds_["copy_full"].push_back(RestoreOnce(Transfer::kCopy, Verification::kFull));
  }
}

Counters Restore::Run(uint64_t segments) {
  Load();
  if (SegmentsOfNewest(*repository_) != 0) throw std::runtime_error("the base is not the newest");
  context_.on_start();
  Counters counters;
  double base_s = 0;
  if (segments > 0) {
    MeasureLinks();
    base_s = Median(seconds_["link"]);
    seconds_.clear();
    AddSegments(segments);
    if (SegmentsOfNewest(*repository_) != segments) {
      throw std::runtime_error("not as many segments as were written");
    }
  }
  MeasureLinks();
  MeasureCopies();
  context_.on_stop();
  check_all_ = true;
  RestoreOnce(Transfer::kLink, Verification::kFull);

  const auto median = [&](const char* of) { return Median(seconds_[of]); };
  counters.emplace_back("restore_p50_s", median("link"));
  counters.emplace_back("restore_full_p50_s", median("link_full"));
  counters.emplace_back("copy_p50_s", median("copy"));
  counters.emplace_back("copy_full_p50_s", median("copy_full"));
  counters.emplace_back("cp_p50_s", median("cp"));
  counters.emplace_back("cp_synced_p50_s", median("cp_synced"));
  counters.emplace_back("copy_over_cp", median("copy") / median("cp"));
  counters.emplace_back("copy_over_cp_synced", median("copy") / median("cp_synced"));
  counters.emplace_back("replayed_records", report_.replayed_records);
  if (segments > 0) {
    counters.emplace_back("base_restore_p50_s", base_s);
    counters.emplace_back(
        "replay_us_per_record",
        (median("link") - base_s) * 1e6 / static_cast<double>(report_.replayed_records));
  }
  const DirectoryUsage usage = UsageOf(context_.directory + "/repository");
  counters.emplace_back("retained_bytes", usage.bytes);
  counters.emplace_back("files", usage.files);
  counters.emplace_back("peak_rss_bytes", PeakRssBytes());
  // Segments change records: only the rows without any end with the same.
  counters.emplace_back("result_hash", ResultHash(hash_));
  return counters;
}

}  // namespace

std::vector<Row> RestoreRows() {
  std::vector<Row> rows;
  const auto add = [&](const char* variant, uint64_t segments) {
    rows.push_back({"Restore", "tidemark", variant,
                    [=](const RowContext& context) { return Restore(context).Run(segments); },
                    RowKind::kBytes});
  };
  add("segments_0", 0);
  rows.push_back({"Restore", "rocksdb", "segments_0", RestoreRocksDb, RowKind::kBytes});
  add("segments_10", 10);
  add("segments_100", 100);
  return rows;
}

}  // namespace tidemark::bench
