// ManifestChain: the manifest/ and snapshots/ folders of one subtask, object by object; and the
// reading of the newest list out of them. What writers and readers share.
#pragma once

#include "format/frame.h"
#include "format/manifest.h"
#include "storage/repository.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::storage {

// More than any object that is read as a whole has: one frame, and what of a segment may be
// inlined.
inline constexpr uint64_t kObjectBytesMax = format::kFrameRawBytesMax + (uint64_t{16} << 20);
// All of an object. NotFound; Corruption (`object-size`) beyond kObjectBytesMax, before anything is
// read; Unavailable if it is cut short while being read.
Result<std::string> ReadObject(const CheckpointStorage& storage, std::string_view name);

// Unix milliseconds.
int64_t NowMs();

// Whether a failed read proves that the object is damaged. I/O errors do not, nor does an intact
// object of a newer format or another repository.
bool IsDamage(const Status& status);
// The same as a Corruption, if it is damage; otherwise as it is.
Status AsDamage(Status status);

// Thread safety: const members may be called concurrently.
class ManifestChain {
 public:
  // `storage` outlives the chain.
  ManifestChain(const CheckpointStorage& storage, const format::WriterId& repository_id,
                uint32_t subtask);

  // `name` relative to the subtask's folder as the storage knows it, and as messages name it.
  std::string ObjectName(std::string_view name) const;
  std::string Where(std::string_view name) const;

  // The versions that exist, with their sizes in bytes.
  Result<std::map<uint64_t, uint64_t>> Versions() const;
  // The names of all snapshots, ascending, relative to the subtask's folder.
  Result<std::vector<std::string>> Snapshots() const;

  // One version, its number and repository checked. NotFound; damage (IsDamage); IncompatibleFormat
  // (`format-newer`, `repository-id`); Unavailable.
  Result<format::ManifestVersion> ReadVersion(uint64_t version) const;
  Result<format::ManifestVersion> DecodeVersion(uint64_t version, std::string_view bytes) const;
  // One snapshot, its number, repository and subtask checked. Errors as ReadVersion.
  Result<format::Manifest> ReadSnapshot(std::string_view name, uint64_t* bytes) const;

  const CheckpointStorage& storage() const noexcept { return storage_; }
  uint32_t subtask() const noexcept { return subtask_; }

 private:
  Status CheckRepository(const format::WriterId& found, std::string_view name) const;

  const CheckpointStorage& storage_;
  const format::WriterId repository_id_;
  const uint32_t subtask_;
};

// What ReadManifest reads, and what only a writer needs of it.
struct ChainReading {
  ManifestReading reading;
  std::vector<uint64_t> versions;  // all that exist, ascending
  uint64_t attempt = 0;            // the highest that any readable version or snapshot names
};
// As ReadManifest.
Result<ChainReading> ReadChain(const ManifestChain& chain);

}  // namespace tidemark::storage
