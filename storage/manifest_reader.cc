// Reading the newest list: the newest version names a snapshot; the versions after that are
// replayed.
//
// A writer may collect meanwhile. It deletes only what the newest version does not need, so an
// object that is gone while the newest version is still the newest is lost; otherwise the reader
// starts over.
#include "format/names.h"
#include "storage/manifest_chain.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace tidemark::storage {
namespace {

constexpr int kListTriesMax = 20;
constexpr std::string_view kMoving = "manifest-moving";

Status Moving(const ManifestChain& chain) {
  return Status(StatusCode::kUnavailable, kMoving,
                chain.Where(format::kManifestPrefix) +
                    ": versions were collected faster than they could be read; try again");
}

// One pass over one listing.
class ChainReader {
 public:
  ChainReader(const ManifestChain& chain, const std::map<uint64_t, uint64_t>& versions)
      : chain_(chain), newest_(versions.rbegin()->first) {
    for (const auto& [version, size] : versions) result_.versions.push_back(version);
    result_.reading.newest_version = newest_;
  }

  // Unavailable (kMoving) if the chain has moved on.
  Result<ChainReading> Read() {
    TIDEMARK_ASSIGN_OR_RETURN(bool found, ReadFromVersions());
    if (!found) {
      TIDEMARK_ASSIGN_OR_RETURN(found, ReadFromAnySnapshot());
    }
    if (!found) return Unreadable();
    ReportUnused();
    TIDEMARK_RETURN_IF_ERROR(format::CheckManifest(reading().manifest));
    return std::move(result_);
  }

 private:
  ManifestReading& reading() { return result_.reading; }

  // Turns the error of a read into an entry of `damaged` and returns OK if that is what it proves.
  Status Tolerate(Status error, std::string_view name) {
    if (error.code() == StatusCode::kNotFound) {
      TIDEMARK_ASSIGN_OR_RETURN(const auto versions, chain_.Versions());
      if (!versions.empty() && versions.rbegin()->first > newest_) return Moving(chain_);
      error = Status(StatusCode::kCorruption, "file-missing",
                     chain_.Where(name) + ": expected a file, got none");
    }
    if (!IsDamage(error)) return error;
    reading().damaged.push_back(AsDamage(std::move(error)));
    return {};
  }

  // nullptr if it is damaged, which is reported once.
  Result<const format::ManifestVersion*> Version(uint64_t number) {
    auto [place, is_new] = read_.try_emplace(number);
    if (is_new) {
      auto version = chain_.ReadVersion(number);
      if (version) {
        result_.attempt = std::max(result_.attempt, version->attempt);
        place->second = std::make_unique<format::ManifestVersion>(*std::move(version));
      } else {
        TIDEMARK_RETURN_IF_ERROR(
            Tolerate(std::move(version).error(), format::ManifestName(number)));
      }
    }
    return static_cast<const format::ManifestVersion*>(place->second.get());
  }

  // The newest version that can be read, and whose snapshot can be, decides.
  Result<bool> ReadFromVersions() {
    for (auto number = result_.versions.rbegin(); number != result_.versions.rend(); ++number) {
      TIDEMARK_ASSIGN_OR_RETURN(const format::ManifestVersion* version, Version(*number));
      if (version == nullptr || version->snapshot_name == bad_snapshot_) continue;
      TIDEMARK_ASSIGN_OR_RETURN(const bool loaded, LoadSnapshot(version->snapshot_name));
      if (!loaded) continue;
      TIDEMARK_RETURN_IF_ERROR(Replay(*number));
      return true;
    }
    return false;
  }

  // When no version leads to a readable snapshot. Every snapshot is a true list as of its version,
  // also if no version that is left names it.
  Result<bool> ReadFromAnySnapshot() {
    TIDEMARK_ASSIGN_OR_RETURN(const std::vector<std::string> names, chain_.Snapshots());
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      TIDEMARK_ASSIGN_OR_RETURN(const bool loaded, LoadSnapshot(*name));
      if (!loaded) continue;
      TIDEMARK_RETURN_IF_ERROR(Replay(newest_));
      return true;
    }
    return false;
  }

  Result<bool> LoadSnapshot(const std::string& name) {
    auto list = chain_.ReadSnapshot(name, &reading().snapshot_bytes);
    if (!list) {
      bad_snapshot_ = name;
      TIDEMARK_RETURN_IF_ERROR(Tolerate(std::move(list).error(), name));
      return false;
    }
    reading().manifest = *std::move(list);
    reading().snapshot_name = name;
    reading().snapshot_version = reading().manifest.version;
    result_.attempt = std::max(result_.attempt, reading().manifest.attempt);
    return true;
  }

  // Applies the versions after the snapshot, up to `last` or the first one that is damaged.
  Status Replay(uint64_t last) {
    for (uint64_t number = reading().manifest.version + 1; number <= last; ++number) {
      TIDEMARK_ASSIGN_OR_RETURN(const format::ManifestVersion* version, Version(number));
      if (version == nullptr) return {};
      Status applied = format::ApplyEdit(*version, &reading().manifest, nullptr);
      if (!applied.ok()) {
        const std::string name = format::ManifestName(number);
        return Tolerate(applied.WithContext(chain_.Where(name)), name);
      }
    }
    return {};
  }

  // Says so when intact versions at the end hang in the air.
  void ReportUnused() {
    auto& damaged = reading().damaged;
    const uint64_t last = reading().manifest.version;
    const auto newest = read_.find(newest_);
    if (last == newest_ || newest == read_.end() || newest->second == nullptr) return;
    damaged.insert(damaged.begin(),
                   Status(StatusCode::kCorruption, "manifest-unusable",
                          chain_.Where(format::ManifestName(newest_)) +
                              ": what it builds on is damaged; the list ends at version " +
                              std::to_string(last) + " instead of " + std::to_string(newest_)));
  }

  Status Unreadable() {
    std::string message = chain_.Where(format::kManifestPrefix) +
                          ": no manifest version can be read; restore the folder from a copy";
    for (const Status& status : reading().damaged) message.append("; ").append(status.message());
    return Status(StatusCode::kCorruption, "manifest-unreadable", std::move(message));
  }

  const ManifestChain& chain_;
  const uint64_t newest_;
  ChainReading result_;
  std::map<uint64_t, std::unique_ptr<format::ManifestVersion>> read_;
  std::string bad_snapshot_;
};

// A first opener that died before it made version 1 has left nothing but the snapshot of an empty
// list.
Status NoVersions(const ManifestChain& chain) {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<std::string> snapshots, chain.Snapshots());
  if (!snapshots.empty() && format::ParseSnapshotName(snapshots.back()).value_or(0) > 0) {
    TIDEMARK_ASSIGN_OR_RETURN(const auto versions, chain.Versions());
    if (!versions.empty()) return Moving(chain);
    return Status(StatusCode::kCorruption, "manifest-missing",
                  chain.Where(format::kManifestPrefix) + ": expected manifest versions, because " +
                      chain.Where(snapshots.back()) +
                      " exists; got none. Restore the folder from a copy");
  }
  return Status(StatusCode::kNotFound, "subtask-not-found",
                chain.Where("") + " has no manifest: nothing was ever checkpointed there");
}

}  // namespace

Result<ChainReading> ReadChain(const ManifestChain& chain) {
  for (int i = 0; i < kListTriesMax; ++i) {
    TIDEMARK_ASSIGN_OR_RETURN(const auto versions, chain.Versions());
    Result<ChainReading> reading = versions.empty() ? Result<ChainReading>(NoVersions(chain))
                                                    : ChainReader(chain, versions).Read();
    if (reading || reading.error().name() != kMoving) return reading;
    std::this_thread::sleep_for(std::chrono::milliseconds(i));
  }
  return Moving(chain);
}

Result<ManifestReading> ReadManifest(const CheckpointStorage& storage,
                                     const format::WriterId& repository_id, uint32_t subtask) {
  const ManifestChain chain(storage, repository_id, subtask);
  TIDEMARK_ASSIGN_OR_RETURN(ChainReading read, ReadChain(chain));
  return std::move(read.reading);
}

}  // namespace tidemark::storage
