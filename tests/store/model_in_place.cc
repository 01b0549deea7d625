// Checkpoints read in place, by who knows nothing of the store: what is in them, and what differs
// between two of them.
#include "compaction/checkpoint_diff.h"
#include "compaction/checkpoint_reader.h"
#include "format/key.h"
#include "tests/store/model_run.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

namespace tidemark::store {

namespace {

using compaction::CheckpointReader;
using Entries = std::map<std::string, ModelValue>;

void Expect(bool condition, const std::string& otherwise) {
  if (!condition) throw ModelFailure(otherwise);
}

// One of them, open.
class InPlace {
 public:
  InPlace(const CheckpointStorage& storage, const format::Manifest& list,
          const ModelCheckpoint& expected, const std::string& scratch)
      : name_("checkpoint " + std::to_string(expected.id) + " in place"),
        list_(format::ListOf(list, *list.FindCheckpoint(expected.id))),
        expected_(*expected.state) {
    auto files =
        storage::CheckpointFiles::Open(storage, list_, list_.checkpoints.front(), {scratch});
    Expect(files.has_value(), name_ + ": " + files.error().ToString());
    reader_.emplace(*std::move(files));
    Expect(list_.tables.size() == expected_.size(), name_ + ": its tables");
  }

  const CheckpointReader& reader() const { return *reader_; }
  const format::TableMeta* Find(const std::string& table) const {
    for (const auto& [id, meta] : list_.tables)
      if (meta.name == table) return &meta;
    return nullptr;
  }
  const ModelState& expected() const { return expected_; }

  void Compare(ModelRandom& random) const {
    for (const auto& [name, table] : expected_) {
      const format::TableMeta* meta = Find(name);
      Expect(meta != nullptr && meta->kind == table.kind, name_ + ": table " + name);
      const std::vector<std::string> keys = CompareAll(*meta, table.entries);
      CompareFrom(*meta, table.entries, keys, random);
      CompareLookups(*meta, table.entries, keys, random);
    }
  }

 private:
  // Returns the stored keys.
  std::vector<std::string> CompareAll(const format::TableMeta& meta, const Entries& entries) const {
    std::vector<std::string> keys;
    ModelEntries seen(entries);
    const auto records = reader_->Scan(meta);
    while (Next(*records)) {
      const format::Record& record = records->record();
      Expect(keys.empty() || keys.back() < record.key, name_ + ": keys out of order");
      keys.emplace_back(record.key);
      if (!ModelEntries::See(&seen, format::UserKey(record.key), record.value)) break;
    }
    Expect(seen.problem().empty(), meta.name + " in " + name_ + " " + seen.problem());
    return keys;
  }

  // A part that begins and ends anywhere.
  void CompareFrom(const format::TableMeta& meta, const Entries& entries,
                   const std::vector<std::string>& keys, ModelRandom& random) const {
    if (keys.empty()) return;
    size_t first = random.Below(keys.size());
    size_t end = first + random.Below(keys.size() - first + 1);
    std::string from = keys[first];
    if (random.Chance(2)) from += '\0', ++first;  // between two keys
    end = std::max(end, first);
    const auto to = end < keys.size() ? std::optional(keys[end]) : std::nullopt;
    const auto records = reader_->Scan(meta, from, to);
    for (size_t i = first; i < end || (!to && i < keys.size()); ++i) {
      Expect(Next(*records) && records->record().key == keys[i],
             name_ + ": a part of " + meta.name);
      Expect(records->record().value == ValueAt(entries, keys[i]), name_ + ": a value in a part");
    }
    Expect(!Next(*records), name_ + ": a part goes on beyond its end");
  }

  // Of keys that ascend, some of which are not there.
  void CompareLookups(const format::TableMeta& meta, const Entries& entries,
                      const std::vector<std::string>& keys, ModelRandom& random) const {
    auto lookup = compaction::ForwardLookup::Open(*reader_, meta);
    Expect(lookup.has_value(), name_ + ": " + lookup.error().ToString());
    for (size_t i = 0; i < keys.size(); ++i) {
      const std::string& key = keys[i];
      if (random.Chance(3)) continue;
      const auto found = (*lookup)->Find(key);
      Expect(found.has_value() && *found && **found == ValueAt(entries, key),
             name_ + ": a look-up in " + meta.name);
      const auto none = (*lookup)->Find(key + '\0');
      const bool is_there = i + 1 < keys.size() && keys[i + 1] == key + '\0';
      Expect(none.has_value() && none->has_value() == is_there,
             name_ + ": a look-up of a key beside in " + meta.name);
    }
    if (keys.empty()) return;
    const std::string& key = keys[random.Below(keys.size())];
    const auto got = reader_->Get(meta, key);
    Expect(got.has_value() && *got && **got == ValueAt(entries, key), name_ + ": a get");
  }

  bool Next(format::RecordStream& records) const {
    const auto more = records.Next();
    Expect(more.has_value(), name_ + ": " + more.error().ToString());
    return *more;
  }
  static std::string_view ValueAt(const Entries& entries, std::string_view stored_key) {
    return *entries.at(std::string(format::UserKey(stored_key)));
  }

  const std::string name_;
  const format::Manifest list_;
  const ModelState& expected_;
  std::optional<CheckpointReader> reader_;
};

const Entries& EntriesOf(const ModelState& state, const std::string& table) {
  static const Entries none;
  const auto found = state.find(table);
  return found == state.end() ? none : found->second.entries;
}

void CompareDifferences(const InPlace& a, const InPlace& b, const std::string& name) {
  const format::TableMeta* const in_a = a.Find(name);
  const format::TableMeta* const in_b = b.Find(name);
  // By whether it is told of as gone or come apart, and key.
  using Place = std::pair<int, std::string>;
  const bool is_another = in_a != nullptr && in_b != nullptr && in_a->kind != in_b->kind;
  std::map<Place, std::pair<ModelValue, ModelValue>> expected;
  for (const auto& [key, value] : EntriesOf(a.expected(), name)) expected[{0, key}].first = value;
  for (const auto& [key, value] : EntriesOf(b.expected(), name))
    expected[{is_another ? 1 : 0, key}].second = value;
  std::erase_if(expected, [](const auto& one) {
    const auto& [was, is] = one.second;
    return was != nullptr && is != nullptr && *was == *is;
  });
  const auto is_same = [](const std::optional<std::string_view>& got, const ModelValue& value) {
    return got.has_value() == (value != nullptr) && (!got || *got == *value);
  };
  const Status compared =
      compaction::CheckpointDiff(a.reader(), b.reader())
          .Compare(in_a, in_b, [&](const auto& record) {
            const auto found = expected.find(
                {is_another && record.after ? 1 : 0, std::string(format::UserKey(record.key))});
            const bool fits = found != expected.end() &&
                              is_same(record.before, found->second.first) &&
                              is_same(record.after, found->second.second);
            Expect(fits, "a difference in " + name + " that is none");
            expected.erase(found);
            return true;
          });
  Expect(compared.ok(), "differences in " + name + ": " + compared.ToString());
  Expect(expected.empty(),
         std::to_string(expected.size()) + " differences in " + name + " were not found");
}

}  // namespace

// Nothing moves while it looks: a store that is at rest deletes no files.
void ModelWorld::ReadInPlace(const ModelCheckpoint& a, const ModelCheckpoint& b,
                             ModelRandom& random) {
  Note("read checkpoints " + std::to_string(a.id) + " and " + std::to_string(b.id) + " in place");
  Drain();
  const auto info = storage::ReadRepositoryInfo(*storage_);
  Expect(info.has_value(), "FORMAT in place: " + info.error().ToString());
  const auto reading = storage::ReadManifest(*storage_, info->id, 0);
  Expect(reading.has_value(), "the list in place: " + reading.error().ToString());
  const format::Manifest& list = reading->manifest;
  const auto is_there = [&](const ModelCheckpoint& checkpoint) {
    const format::Checkpoint* found = list.FindCheckpoint(checkpoint.id);
    return found != nullptr && found->at.epoch == checkpoint.epoch;
  };
  if (!is_there(a) || !is_there(b)) return;
  const std::string scratch = disk_.ScratchPath("in-place");
  std::filesystem::remove_all(scratch);
  {
    const InPlace in_a(*storage_, list, a, scratch + "/a");
    const InPlace in_b(*storage_, list, b, scratch + "/b");
    in_a.Compare(random);
    std::set<std::string> names;
    for (const auto& [id, meta] : list.tables) names.insert(meta.name);
    for (const std::string& name : names) CompareDifferences(in_a, in_b, name);
  }
  std::filesystem::remove_all(scratch);
  ++counts_.read_in_place;
}

void ModelRun::ReadInPlace(ModelRandom& random) {
  // A branch may be about to give an id and an epoch again.
  world_.Settle();
  const auto certain = world_.oracle().certain();
  if (certain.empty() || world_.has_fault()) return;
  const auto& a = certain[random.Below(certain.size())];
  const auto& b = certain[random.Below(certain.size())];
  world_.ReadInPlace(a, b, random);
}

}  // namespace tidemark::store
