// DeltaSize: how many bytes of change log the changes of an epoch take, for values that jobs keep
// most of, with each codec.
//
// Codecs that StoreOptions offers are measured in a store: `log_bytes` is what its checkpoints say.
// Those that it does not offer (snappy, all dictionaries) have the engine `codec_alone`: their own
// libraries compress the frames that the store's encoder makes without a codec, so `log_bytes` is
// the frames alone, without the file around them. `encode_mb_s` is the same for both: one thread
// that encodes the sorted changes of an epoch into frames in memory, which for the store's codecs
// is an internal part of it (format/segment_builder.h).
#include "bench/delta_changes.h"
#include "bench/figures.h"
#include "bench/frame_codecs.h"
#include "bench/table_hash.h"
#include "bench/tidemark_store.h"
#include "bench/workloads.h"
#include "format/frame.h"
#include "format/key.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace tidemark::bench {
namespace {

// ZDICT recommends a hundredth of the samples or less; LZ4 looks at 64 KiB at most.
constexpr size_t kDictionaryBytes = size_t{32} << 10;

enum class Library : uint8_t { kLz4, kSnappy, kZstd };

struct Choice {
  const char* name;
  std::optional<Compression> offered;  // by StoreOptions
  Library library;
  int level;
  bool has_dictionary;
};
constexpr Choice kChoices[] = {
    {"none", Compression::kNone, {}, 0, false},
    {"lz4", Compression::kLz4, {}, 0, false},
    {"lz4_dictionary", {}, Library::kLz4, 0, true},
    {"snappy", {}, Library::kSnappy, 0, false},
    {"zstd_minus_3", Compression::kZstd, {}, -3, false},
    {"zstd_minus_3_dictionary", {}, Library::kZstd, -3, true},
    {"zstd_1", Compression::kZstd, {}, 1, false},
    {"zstd_1_dictionary", {}, Library::kZstd, 1, true},
    {"zstd_3", Compression::kZstd, {}, 3, false},
    {"zstd_3_dictionary", {}, Library::kZstd, 3, true},
};

std::unique_ptr<FrameCodec> MakeCodec(const Choice& choice, std::string_view dictionary) {
  switch (choice.library) {
    case Library::kLz4:
      return MakeLz4(dictionary);
    case Library::kSnappy:
      return MakeSnappy();
    default:
      return MakeZstd(choice.level, dictionary);
  }
}

struct Totals {
  uint64_t net_change_bytes = 0;
  uint64_t frame_bytes = 0;
  std::chrono::nanoseconds encoding{};
};

// Net: keys as the user knows them.
uint64_t NetBytes(const std::vector<DeltaChanges::Record>& records) {
  uint64_t bytes = 0;
  for (const auto& [key, value] : records) {
    bytes += key.size() - format::kKeyGroupBytes + value.size();
  }
  return bytes;
}

std::string_view PayloadOf(std::string_view frame) {
  return frame.substr(format::kFrameHeaderBytes);
}

// Encodes epochs with one choice.
class Encoder {
 public:
  explicit Encoder(const Choice& choice) : choice_(choice) {}

  // An epoch before those that count: samples for the dictionary.
  void Learn(const std::vector<DeltaChanges::Record>& records) {
    if (!choice_.has_dictionary) return;
    for (std::string& frame : EncodeFrames(records, Compression::kNone, 0)) {
      samples_.emplace_back(PayloadOf(frame));
    }
  }
  void Begin() {
    if (choice_.has_dictionary) dictionary_ = MakeDictionary(samples_, kDictionaryBytes);
    if (!choice_.offered) codec_ = MakeCodec(choice_, dictionary_);
  }
  void Encode(const std::vector<DeltaChanges::Record>& records) {
    totals_.net_change_bytes += NetBytes(records);
    choice_.offered ? EncodeOffered(records) : EncodeAlone(records);
  }

  const Totals& totals() const { return totals_; }
  size_t dictionary_bytes() const { return dictionary_.size(); }

 private:
  void EncodeOffered(const std::vector<DeltaChanges::Record>& records) {
    std::vector<std::string> frames;
    totals_.encoding +=
        TimeOf([&] { frames = EncodeFrames(records, *choice_.offered, choice_.level); });
    for (const std::string& frame : frames) totals_.frame_bytes += frame.size();
  }
  void EncodeAlone(const std::vector<DeltaChanges::Record>& records) {
    std::vector<std::string> frames;
    std::vector<std::string> compressed;
    totals_.encoding += TimeOf([&] {
      frames = EncodeFrames(records, Compression::kNone, 0);
      compressed.resize(frames.size());
      for (size_t i = 0; i < frames.size(); ++i) {
        codec_->Compress(PayloadOf(frames[i]), compressed[i]);
      }
    });
    for (size_t i = 0; i < frames.size(); ++i) Count(PayloadOf(frames[i]), compressed[i]);
  }
  void Count(std::string_view payload, const std::string& compressed) {
    // As in the store, what does not shrink stays as it is.
    totals_.frame_bytes += format::kFrameHeaderBytes + std::min(payload.size(), compressed.size());
    std::string back;
    codec_->Decompress(compressed, payload.size(), back);
    if (back != payload) throw std::runtime_error("a frame is not what it was compressed from");
  }

  const Choice choice_;
  std::vector<std::string> samples_;
  std::string dictionary_;
  std::unique_ptr<FrameCodec> codec_;
  Totals totals_;
};

// The same changes in a store.
class DeltaStore {
 public:
  DeltaStore(const Choice& choice, DeltaChanges& changes, const RowContext& context)
      : changes_(changes), store_(Open(choice, context)) {
    OpenTable();
  }

  void Put(uint64_t number) {
    table_->Put(changes_.KeyOf(number), changes_.ValueOf(number)).Check();
  }
  void Checkpoint() {
    store_->AwaitAllBut(1).Check();
    store_->Checkpoint(++checkpoints_).Check();
  }
  void Begin() {
    store_->Drain().Check();
    store_->ResetFigures();
  }
  uint64_t LogBytes() {
    store_->Drain().Check();
    return *store_->Figures().log_bytes;
  }
  // Live and restored. Returns the hash of what is there.
  uint64_t Verify() {
    CheckHash("the state", ExpectedHash(), HashOf(*table_));
    store_->Restore().Check();
    OpenTable();
    CheckHash("the newest checkpoint, restored,", ExpectedHash(), HashOf(*table_));
    return ExpectedHash();
  }

 private:
  static std::unique_ptr<TidemarkStore> Open(const Choice& choice, const RowContext& context) {
    StoreOptions policy;
    policy.log_compression = *choice.offered;
    policy.log_compression_level = choice.level;
    return TidemarkStore::Open({.directory = context.directory,
                                .memory_budget_bytes = context.scale.memory_budget_bytes},
                               policy)
        .value();
  }
  void OpenTable() { table_ = store_->store().OpenTable("delta").value(); }
  uint64_t ExpectedHash() {
    ContentHash hash;
    for (uint64_t number = 0; number < changes_.count(); ++number) {
      hash.Add(changes_.KeyOf(number), changes_.ValueOf(number));
    }
    return hash.value();
  }

  DeltaChanges& changes_;
  const std::unique_ptr<TidemarkStore> store_;
  std::optional<Table> table_;
  uint64_t checkpoints_ = 0;
};

Counters CountersOf(const Totals& totals, uint64_t log_bytes) {
  const auto net = static_cast<double>(totals.net_change_bytes);
  const std::chrono::duration<double, std::micro> encoding = totals.encoding;
  return {{"net_change_bytes", net},
          {"log_bytes", static_cast<double>(log_bytes)},
          {"ratio", static_cast<double>(log_bytes) / net},
          {"encode_mb_s", net / encoding.count()}};
}

// What the log is about.
struct Kind {
  const char* name;
  DeltaKeys keys;
  DeltaValues values;
};
constexpr Kind kKinds[] = {{"counters", DeltaKeys::kSpread, DeltaValues::kCounters},
                           {"counters_by_number", DeltaKeys::kNumbers, DeltaValues::kCounters},
                           {"tables", DeltaKeys::kSpread, DeltaValues::kTables},
                           {"strings", DeltaKeys::kSpread, DeltaValues::kStrings}};

Counters Run(const Kind& kind, const Choice& choice, const RowContext& context) {
  const auto [keys, epochs, changes_an_epoch] = context.scale.delta_size;
  DeltaChanges changes(kind.keys, kind.values, keys);
  Encoder encoder(choice);
  std::optional<DeltaStore> store;
  if (choice.offered) store.emplace(choice, changes, context);

  const auto run_epoch = [&, each = changes_an_epoch] {
    const std::vector<uint64_t> drawn = changes.DrawEpoch(each);
    for (const uint64_t number : drawn) {
      changes.Change(number);
      if (store) store->Put(number);
    }
    if (store) store->Checkpoint();
    return changes.RecordsOf(drawn);
  };
  for (uint64_t number = 0; store && number < keys; ++number) store->Put(number);
  for (uint64_t epoch = 0; epoch < epochs / 2; ++epoch) encoder.Learn(run_epoch());
  encoder.Begin();
  if (store) store->Begin();

  context.on_start();
  for (uint64_t epoch = 0; epoch < epochs; ++epoch) encoder.Encode(run_epoch());
  context.on_stop();

  Counters counters =
      CountersOf(encoder.totals(), store ? store->LogBytes() : encoder.totals().frame_bytes);
  if (choice.has_dictionary) counters.emplace_back("dictionary_bytes", encoder.dictionary_bytes());
  if (store) counters.emplace_back("result_hash", ResultHash(store->Verify()));
  return counters;
}

}  // namespace

std::vector<Row> DeltaSizeRows() {
  std::vector<Row> rows;
  for (const Kind& kind : kKinds) {
    for (const Choice& choice : kChoices) {
      // Built without snappy.
      if (!choice.offered && choice.library == Library::kSnappy && !MakeSnappy()) continue;
      rows.push_back(
          {"DeltaSize", choice.offered ? "tidemark" : "codec_alone",
           std::string(kind.name) + "_" + choice.name,
           [&kind, &choice](const RowContext& context) { return Run(kind, choice, context); },
           RowKind::kBytes});
    }
  }
  return rows;
}

}  // namespace tidemark::bench
