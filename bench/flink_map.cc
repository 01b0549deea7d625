// FlinkMap: ten entries a map, u64 -> double.
#include "bench/flink_job.h"

#include <array>

namespace tidemark::bench {
namespace {

class FlinkMaps {
 public:
  static constexpr uint64_t kElementsALoad = kElementsLoaded;
  static constexpr Abilities kAsked = kHasMaps;

  explicit FlinkMaps(Engine& engine) : maps_(engine.OpenMaps().value()) {}

  void Load(uint64_t /*keys*/, uint64_t i) {
    maps_->PutAll(FlinkKey(i), Entries(i * kElementsLoaded)).Check();
  }
  void HashOf(uint64_t key, ReadHash& hash) {
    maps_->Entries(key, entries_).Check();
    for (const auto& [entry, value] : entries_) {
      hash.Add(entry);
      hash.Add(value);
    }
    hash.Add(entries_.size());
  }

  void Get(uint64_t key, uint64_t i, ReadHash& reads) {
    double value = 0;
    maps_->Get(key, i % kElementsLoaded, value).value();
    reads.Add(value);
  }
  // An entry that its map has not had before.
  void Add(uint64_t key, uint64_t i, ReadHash& /*reads*/) {
    maps_->Put(key, kElementsLoaded + i, NumberOf(~i)).Check();
  }
  // Every second one is missing.
  void Contains(uint64_t key, uint64_t i, ReadHash& reads) {
    reads.Add(uint64_t{maps_->Contains(key, i % (2 * kElementsLoaded)).value()});
  }
  void ReadEntries(uint64_t key, uint64_t /*i*/, ReadHash& reads) { HashOf(key, reads); }
  // An entry of those that were loaded, whether or not it has been removed since.
  void Remove(uint64_t key, uint64_t i, ReadHash& /*reads*/) {
    maps_->Remove(key, i % kElementsLoaded).Check();
  }
  // Replaces those that were loaded.
  void PutAll(uint64_t key, uint64_t i, ReadHash& /*reads*/) {
    maps_->PutAll(key, Entries(~i)).Check();
  }

 private:
  // In [0, 1), of 53 random bits.
  static double NumberOf(uint64_t seed) { return Random(seed).Unit(); }

  static std::array<MapEntry, kElementsLoaded> Entries(uint64_t seed) {
    std::array<MapEntry, kElementsLoaded> entries;
    Random random(seed);
    for (uint64_t entry = 0; entry < kElementsLoaded; ++entry) {
      entries[entry] = {entry, random.Unit()};
    }
    return entries;
  }

  std::unique_ptr<Maps> maps_;
  std::vector<MapEntry> entries_;
};

constexpr FlinkVariant<FlinkMaps> kVariants[] = {
    {"get", 1, &FlinkMaps::Get},           {"add", 1, &FlinkMaps::Add},
    {"contains", 1, &FlinkMaps::Contains}, {"entries", kElementsLoaded, &FlinkMaps::ReadEntries},
    {"remove", 1, &FlinkMaps::Remove},     {"put_all", kElementsLoaded, &FlinkMaps::PutAll},
};

}  // namespace

std::vector<Row> FlinkMapRows() { return FlinkRows<FlinkMaps>("FlinkMap", kVariants); }

}  // namespace tidemark::bench
