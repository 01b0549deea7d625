#include "storage/manifest_chain.h"

#include "format/names.h"

#include <chrono>

namespace tidemark::storage {

Result<std::string> ReadObject(const CheckpointStorage& storage, std::string_view name) {
  TIDEMARK_ASSIGN_OR_RETURN(const uint64_t size, storage.Size(name));
  if (size > kObjectBytesMax) {
    return Status(StatusCode::kCorruption, "object-size",
                  storage.Uri() + "/" + std::string(name) + ": expected at most " +
                      std::to_string(kObjectBytesMax) + " bytes, got " + std::to_string(size));
  }
  TIDEMARK_ASSIGN_OR_RETURN(std::string bytes, storage.Read(name, 0, size));
  if (bytes.size() == size) return bytes;
  return Status(StatusCode::kUnavailable, "short-read",
                storage.Uri() + "/" + std::string(name) + ": expected " + std::to_string(size) +
                    " bytes, got " + std::to_string(bytes.size()));
}

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// A file without even the magic number is of another program where anything may stand; in a place
// that only Tidemark writes to, it is a damaged one.
bool IsDamage(const Status& status) {
  return status.code() == StatusCode::kCorruption || status.name() == "not-tidemark";
}

Status AsDamage(Status status) {
  if (status.code() == StatusCode::kCorruption || !IsDamage(status)) return status;
  return Status(StatusCode::kCorruption, status.name(), std::string(status.message()));
}

ManifestChain::ManifestChain(const CheckpointStorage& storage,
                             const format::WriterId& repository_id, uint32_t subtask)
    : storage_(storage), repository_id_(repository_id), subtask_(subtask) {}

std::string ManifestChain::ObjectName(std::string_view name) const {
  return format::SubtaskPrefix(subtask_).append(name);
}

std::string ManifestChain::Where(std::string_view name) const {
  return storage_.Uri() + "/" + ObjectName(name);
}

Result<std::map<uint64_t, uint64_t>> ManifestChain::Versions() const {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects,
                            storage_.List(ObjectName(format::kManifestPrefix)));
  const size_t folder = format::SubtaskPrefix(subtask_).size();
  std::map<uint64_t, uint64_t> versions;
  for (const ObjectInfo& object : objects) {
    const auto version = format::ParseManifestName(std::string_view(object.name).substr(folder));
    if (version) versions.emplace(*version, object.size);
  }
  return versions;
}

Result<std::vector<std::string>> ManifestChain::Snapshots() const {
  TIDEMARK_ASSIGN_OR_RETURN(const std::vector<ObjectInfo> objects,
                            storage_.List(ObjectName(format::kSnapshotPrefix)));
  const size_t folder = format::SubtaskPrefix(subtask_).size();
  std::vector<std::string> names;
  for (const ObjectInfo& object : objects) {
    std::string name = object.name.substr(folder);
    if (format::ParseSnapshotName(name)) names.push_back(std::move(name));
  }
  return names;
}

Result<format::ManifestVersion> ManifestChain::ReadVersion(uint64_t version) const {
  TIDEMARK_ASSIGN_OR_RETURN(const std::string bytes,
                            ReadObject(storage_, ObjectName(format::ManifestName(version))));
  return DecodeVersion(version, bytes);
}

Result<format::ManifestVersion> ManifestChain::DecodeVersion(uint64_t version,
                                                             std::string_view bytes) const {
  const std::string name = format::ManifestName(version);
  TIDEMARK_ASSIGN_OR_RETURN(format::ManifestVersion decoded,
                            format::DecodeManifestVersion(bytes, Where(name)));
  TIDEMARK_RETURN_IF_ERROR(CheckRepository(decoded.repository_id, name));
  if (decoded.version != version)
    return Status(StatusCode::kCorruption, "manifest-version",
                  Where(name) + ": expected version " + std::to_string(version) + ", got version " +
                      std::to_string(decoded.version) + "; the file has been renamed or replaced");
  return decoded;
}

Result<format::Manifest> ManifestChain::ReadSnapshot(std::string_view name, uint64_t* bytes) const {
  TIDEMARK_ASSIGN_OR_RETURN(const std::string file, ReadObject(storage_, ObjectName(name)));
  *bytes = file.size();
  TIDEMARK_ASSIGN_OR_RETURN(format::Manifest list,
                            format::DecodeManifestSnapshot(file, Where(name)));
  TIDEMARK_RETURN_IF_ERROR(CheckRepository(list.repository_id, name));
  const uint64_t version = format::ParseSnapshotName(name).value_or(list.version);
  if (list.version == version && list.subtask == subtask_) return list;
  return Status(StatusCode::kCorruption, "manifest-version",
                Where(name) + ": expected the list of subtask " + std::to_string(subtask_) +
                    " as of version " + std::to_string(version) + ", got subtask " +
                    std::to_string(list.subtask) + ", version " + std::to_string(list.version) +
                    "; the file has been renamed or replaced");
}

Status ManifestChain::CheckRepository(const format::WriterId& found, std::string_view name) const {
  if (found == repository_id_) return {};
  return Status(StatusCode::kIncompatibleFormat, "repository-id",
                Where(name) + ": expected repository " + repository_id_.Hex() +
                    " (as FORMAT says), got " + found.Hex() +
                    "; files of two repositories have been mixed");
}

namespace {

// The version that holds an inlined segment. A list names it, so if it is gone, or not one of ours,
// that is damage.
Result<format::ManifestVersion> ReadInliningVersion(const CheckpointStorage& storage,
                                                    const std::string& name,
                                                    const std::string& where,
                                                    const format::FileMeta& file) {
  const auto bytes = ReadObject(storage, name);
  if (!bytes && bytes.error().code() == StatusCode::kNotFound)
    return Status(StatusCode::kCorruption, "file-missing",
                  where + ": expected a manifest version with an inlined segment of " +
                      std::to_string(file.size) + " bytes, got none");
  if (!bytes) return bytes.error();
  auto version = format::DecodeManifestVersion(*bytes, where);
  if (!version) return AsDamage(std::move(version).error());
  return version;
}

}  // namespace

Result<std::vector<format::SegmentEntry>> ReadInlined(const CheckpointStorage& storage,
                                                      uint32_t subtask,
                                                      const format::FileMeta& file) {
  const std::string name = format::SubtaskPrefix(subtask) + file.name;
  const std::string where = storage.Uri() + "/" + name;
  TIDEMARK_ASSIGN_OR_RETURN(format::ManifestVersion version,
                            ReadInliningVersion(storage, name, where, file));
  const uint64_t size = format::InlinedBytes(version.inlined);
  if (size != file.size)
    return Status(StatusCode::kCorruption, "file-size",
                  where + ", inlined segment: expected " + std::to_string(file.size) +
                      " bytes, got " + std::to_string(size));
  const format::Checksum128 checksum = format::InlinedChecksum(version.inlined);
  if (checksum != file.checksum)
    return Status(StatusCode::kCorruption, "file-checksum",
                  where + ", inlined segment: expected XXH3-128 " + file.checksum.Hex() + ", got " +
                      checksum.Hex());
  return std::move(version.inlined);
}

}  // namespace tidemark::storage
