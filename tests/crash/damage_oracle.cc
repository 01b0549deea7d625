#include "tests/crash/damage_oracle.h"

#include "format/names.h"
#include "storage/manifest_chain.h"
#include "storage/repository.h"

#include <algorithm>
#include <stdexcept>

namespace tidemark::test {
namespace {

template <class T>
T Need(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error(result.error().ToString());
  return *std::move(result);
}

std::string NameOfObject(const std::string& name) { return format::SubtaskPrefix(0) + name; }

}  // namespace

DamageOracle::DamageOracle(const CheckpointStorage& intact) {
  const format::RepositoryInfo info = Need(storage::ReadRepositoryInfo(intact));
  const auto newest = Need(storage::ReadManifest(intact, info.id, 0));
  const storage::ManifestChain chain(intact, info.id, 0);
  snapshot_ = NameOfObject(newest.snapshot_name);
  uint64_t bytes = 0;
  lists_.push_back(Need(chain.ReadSnapshot(newest.snapshot_name, &bytes)));
  while (lists_.back().version < newest.manifest.version) {
    const uint64_t next = lists_.back().version + 1;
    format::Manifest list = lists_.back();
    const Status applied = format::ApplyEdit(Need(chain.ReadVersion(next)), &list, nullptr);
    if (!applied.ok()) throw std::runtime_error(applied.ToString());
    versions_.push_back(NameOfObject(format::ManifestName(next)));
    lists_.push_back(std::move(list));
  }
}

size_t DamageOracle::VersionsBeforeDamage(const std::set<std::string>& damaged) const {
  const auto first = std::find_if(versions_.begin(), versions_.end(),
                                  [&](const auto& version) { return damaged.contains(version); });
  return static_cast<size_t>(first - versions_.begin());
}

bool DamageOracle::IsWhole(const format::Manifest& list, const format::Checkpoint& checkpoint,
                           const std::set<std::string>& damaged) const {
  std::vector<uint64_t> files = checkpoint.segments;
  if (const auto base = list.bases.find(checkpoint.base); base != list.bases.end())
    for (const format::BaseFile& file : base->second.files) files.push_back(file.file);
  return std::none_of(files.begin(), files.end(), [&](uint64_t file) {
    return damaged.contains(NameOfObject(list.files.at(file).name));
  });
}

DamageOracle::Answer DamageOracle::Without(const std::set<std::string>& damaged,
                                           const std::set<std::string>& missing) const {
  // Without the snapshot there is no list, and without FORMAT no repository.
  if (damaged.contains(std::string(format::kFormatName)) || damaged.contains(snapshot_))
    return {.id = 0, .must_tell = true};
  const size_t replayed = VersionsBeforeDamage(damaged);
  const bool rest_is_gone =
      std::all_of(versions_.begin() + static_cast<ptrdiff_t>(replayed), versions_.end(),
                  [&](const auto& version) { return missing.contains(version); });
  const format::Manifest& list = lists_[replayed];
  Answer answer{.id = 0, .must_tell = !rest_is_gone};
  for (auto checkpoint = list.checkpoints.rbegin(); checkpoint != list.checkpoints.rend();
       ++checkpoint) {
    answer.id = checkpoint->id;
    if (IsWhole(list, *checkpoint, damaged)) return answer;
    answer.must_tell = true;
  }
  return {.id = 0, .must_tell = true};
}

}  // namespace tidemark::test
