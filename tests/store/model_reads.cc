// ModelRun's reads.
#include "tests/store/model_run.h"

#include <algorithm>

namespace tidemark::store {

void ModelRun::Get(ModelRandom& random) {
  const Target target = RandomTarget(random);
  const std::string key = RandomKey(random, target.content);
  const auto got = target.table->Get(key);
  world_.Expect(got.error(), "get");
  const auto expected = target.content.entries.find(key);
  const bool present = expected != target.content.entries.end();
  const std::string place = "key `" + key.substr(0, 40) + "` of " + target.name;
  world_.Expect(got->has_value() == present, place + (present ? " is not there" : " is there"));
  world_.Expect(!present || **got == *expected->second, "the value of " + place);
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
  const Target target = RandomOrderedTarget(random);
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

}  // namespace tidemark::store
