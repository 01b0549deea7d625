// ModelRun's reads.
#include "tests/store/model_run.h"

#include <algorithm>
#include <iterator>

namespace tidemark::store {

void ModelRun::Get(ModelRandom& random) {
  const Target target = RandomTarget(random);
  const std::string key = RandomKey(random, target.content);
  const auto got = target.table->Get(key);
  world_.Expect(got.error(), "get");
  ExpectValue(target.content, key, *got, target.name);
}

void ModelRun::ExpectValue(const ModelTable& content, const std::string& key,
                           const std::optional<std::string_view>& got,
                           const std::string& name) const {
  const auto expected = content.entries.find(key);
  const bool present = expected != content.entries.end();
  const std::string place = "key `" + key.substr(0, 40) + "` of " + name;
  world_.Expect(got.has_value() == present, place + (present ? " is not there" : " is there"));
  world_.Expect(!present || *got == *expected->second, "the value of " + place);
}

// Some keys may be asked for twice.
void ModelRun::MultiGet(ModelRandom& random) {
  const Target target = RandomTarget(random);
  std::vector<std::string> keys(random.Below(20));
  for (std::string& key : keys) key = RandomKey(random, target.content);
  world_.Note("get " + std::to_string(keys.size()) + " keys of " + target.name);
  struct Visit {
    const std::map<std::string, ModelValue>& entries;
    const std::vector<std::string>& keys;
    std::vector<int> visits;
    std::string problem;
  } visit{target.content.entries, keys, std::vector<int>(keys.size()), {}};
  const Status status = target.table->MultiGet(
      std::vector<std::string_view>(keys.begin(), keys.end()),
      [](void* context, size_t index, const std::optional<std::string_view>& value) {
        auto& v = *static_cast<Visit*>(context);
        const auto expected = v.entries.find(v.keys.at(index));
        ++v.visits[index];
        if (value.has_value() != (expected != v.entries.end()) ||
            (value && *value != *expected->second))
          v.problem = "many keys at once: the value of `" + v.keys[index].substr(0, 40) + "`";
      },
      &visit);
  world_.Expect(status, "multi-get");
  world_.Expect(visit.problem.empty(), visit.problem);
  world_.Expect(std::ranges::all_of(visit.visits, [](int visits) { return visits == 1; }),
                "many keys at once: not each was visited once");
}

void ModelRun::Count(ModelRandom& random) {
  const Target target = RandomTarget(random);
  world_.Note("count " + target.name);
  const auto count = target.table->Count();
  world_.Expect(count.error(), "count");
  world_.Expect(count->exact == target.content.counted, "whether it counts");
  world_.Expect(!count->exact || count->keys == target.content.entries.size(),
                target.name + " counts " + std::to_string(count->keys) + " keys, expected " +
                    std::to_string(target.content.entries.size()));
}

void ModelRun::ForEach(ModelRandom& random) {
  const Target target = RandomTarget(random);
  world_.Note("for each of " + target.name);
  world_.CompareTable(target.name);
}

void ModelRun::OpenIterator(ModelRandom& random) {
  const Target target = RandomTargetThat(IsOrdered, random);
  if (!IsOrdered(target.content.kind)) return;
  ScanOptions options = RandomRange(random, target.content);
  options.reverse = random.Chance(2);
  world_.Note("open an iterator over " + target.name + ": " + ModelScans::Describe(options));
  world_.scans().Open(target.table, target.content, options);
}

void ModelRun::AdvanceIterator(ModelRandom& random) {
  if (world_.scans().size() == 0) return;
  const size_t which = random.Below(world_.scans().size());
  const uint64_t entries = 1 + random.Below(8);
  world_.Note("move an iterator on by " + std::to_string(entries));
  world_.scans().Advance(which, entries);
}

void ModelRun::CloseIterator(ModelRandom& random) {
  if (world_.scans().size() == 0) return;
  world_.Note("close an iterator");
  world_.scans().Close(random.Below(world_.scans().size()));
}

// Any retained checkpoint once all are decided; before, the newest of those that are.
void ModelRun::OpenView(ModelRandom& random) {
  if (world_.views().size() == ModelViews::kOpenMax) world_.views().Close(0);
  const uint64_t cache_bytes = random.OneOf<uint64_t>({64 << 10, 64 << 10, 512 << 10});
  std::optional<uint64_t> checkpoint;
  if (random.Chance(2)) {
    world_.Settle();
    const auto certain = world_.oracle().certain();
    if (certain.empty()) return;
    checkpoint = certain[random.Below(certain.size())].id;
  }
  world_.OpenView(checkpoint, cache_bytes);
}

void ModelRun::ReadView(ModelRandom& random) {
  if (world_.views().size() == 0) return;
  const size_t which = random.Below(world_.views().size());
  const ModelState& state = world_.views().StateOf(which);
  if (state.empty()) return;
  const auto& [name, content] = *std::next(state.begin(), random.Below(state.size()));
  const std::string place = name + " in " + world_.views().Describe(which);
  world_.Note("read " + place);
  const ViewTable table = world_.views().TableOf(which, name);
  const auto failed = [&](const Status& status) {
    world_.Expect(status.ok() || world_.has_fault(), place + ": " + status.ToString());
    return !status.ok();
  };

  const std::string key = RandomKey(random, content);
  const auto got = table.Get(key);
  if (failed(got.error())) return;
  ExpectValue(content, key, *got, place);

  const auto count = table.Count();
  world_.Expect(count.error(), "count " + place);
  world_.Expect(!count->exact || count->keys == content.entries.size(), "the count of " + place);

  const bool in_range = IsOrdered(content.kind) && random.Chance(2);
  const ScanOptions range = in_range ? RandomRange(random, content) : ScanOptions();
  std::map<std::string, ModelValue> selected;
  if (in_range) {
    std::ranges::copy_if(content.entries, std::inserter(selected, selected.end()),
                         [&](const auto& one) { return ModelScans::IsIn(range, one.first); });
  }
  ModelEntries seen(in_range ? selected : content.entries);
  if (failed(table.ForEach(in_range ? &range : nullptr, &ModelEntries::See, &seen))) return;
  world_.Expect(seen.problem().empty(), place + " " + seen.problem());
  ++world_.counts().views_read;
}

void ModelRun::CloseView(ModelRandom& random) {
  if (world_.views().size() == 0) return;
  world_.Note("close a view");
  world_.views().Close(random.Below(world_.views().size()));
}

}  // namespace tidemark::store
