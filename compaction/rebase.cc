#include "compaction/rebase.h"

#include "format/key.h"
#include "format/names.h"

#include <algorithm>
#include <set>
#include <vector>

namespace tidemark::compaction {

namespace {

using format::FileKind;
using format::FileMeta;

// SSTs of the newest checkpoint's base. Older bases do not count: a commit may drop them while this
// one is being put, but the newest one stays until this one replaces it.
std::vector<const FileMeta*> KnownSsts(const format::Manifest& manifest) {
  std::vector<const FileMeta*> known;
  if (manifest.checkpoints.empty()) return known;
  const auto base = manifest.bases.find(manifest.checkpoints.back().base);
  if (base == manifest.bases.end()) return known;
  for (const format::BaseFile& file : base->second.files) {
    const FileMeta& meta = manifest.files.at(file.file);
    if (!meta.sst_unique_id.empty()) known.push_back(&meta);
  }
  return known;
}

std::map<std::string, uint64_t> KnownSstsByUniqueId(const format::Manifest& manifest) {
  std::map<std::string, uint64_t> known;
  for (const FileMeta* file : KnownSsts(manifest)) known.emplace(file->sst_unique_id, file->id);
  return known;
}

// In the upload cache.
std::string KeyOf(const storage::FileSetEntry& entry) {
  return entry.is_sst ? entry.unique_id : entry.checksum.Hex() + std::to_string(entry.size);
}

uint16_t GroupOf(const std::string& key) {
  return key.size() >= format::kKeyGroupBytes ? format::GroupOfStoredKey(key) : 0;
}

Result<FileMeta> Put(const storage::Repository& repository, const storage::FileSetEntry& entry,
                     uint64_t attempt) {
  FileMeta meta;
  meta.unique = format::RandomUnique();
  meta.attempt = attempt;
  meta.size = entry.size;
  meta.checksum = entry.checksum;
  meta.kind = entry.is_sst ? FileKind::kBaseSst : FileKind::kBaseMeta;
  meta.name = entry.is_sst ? format::BaseSstName(attempt, meta.unique)
                           : format::BaseMetaName(attempt, meta.unique);
  if (entry.is_sst) {
    meta.sst_unique_id = entry.unique_id;
    meta.first_group = GroupOf(entry.smallest);
    meta.last_group = GroupOf(entry.largest);
    meta.range_tombstones = entry.range_tombstones;
  }
  TIDEMARK_ASSIGN_OR_RETURN(
      [[maybe_unused]] const TransferKind kind,
      repository.storage().PutFile(repository.ObjectName(meta.name), entry.path));
  return meta;
}

Status Interrupted() {
  return Status(StatusCode::kUnavailable, "rebase-interrupted",
                "copying a base was put off for something more urgent");
}

// A base that is put off again and again must not leave ever more behind.
void ForgetReplaced(const storage::FileSet& set, UploadCache* uploads,
                    std::vector<std::string>* obsolete) {
  std::set<std::string> there;
  for (const storage::FileSetEntry& entry : set.files) there.insert(KeyOf(entry));
  std::erase_if(*uploads, [&](const auto& upload) {
    if (there.contains(upload.first)) return false;
    obsolete->push_back(upload.second.name);
    return true;
  });
}

// RocksDB lists first what it replaces first: the family of the applied mark, then in each table
// the newest files. A base that is put off gets further if it begins with what stays.
std::vector<const storage::FileSetEntry*> InOrderOfPutting(const storage::FileSet& set) {
  std::vector<const storage::FileSetEntry*> entries;
  for (auto entry = set.files.rbegin(); entry != set.files.rend(); ++entry)
    entries.push_back(&*entry);
  std::stable_partition(entries.begin(), entries.end(),
                        [](const storage::FileSetEntry* entry) { return entry->is_sst; });
  return entries;
}

Status PutMissing(const storage::FileSet& set, const storage::Repository& repository,
                  uint64_t attempt, const std::map<std::string, uint64_t>& known,
                  const std::function<bool(uint64_t bytes)>& may_put, UploadCache* uploads,
                  UploadedBase* uploaded) {
  for (const storage::FileSetEntry* const next : InOrderOfPutting(set)) {
    const storage::FileSetEntry& entry = *next;
    if (entry.is_sst) uploaded->live_bytes += entry.size;
    const auto found = known.find(entry.unique_id);
    if (entry.is_sst && found != known.end()) {
      uploaded->base.files.push_back({found->second, entry.live_name});
      continue;
    }
    const std::string key = KeyOf(entry);
    auto cached = uploads->find(key);
    if (cached == uploads->end()) {
      if (entry.is_sst && may_put != nullptr && !may_put(entry.size)) return Interrupted();
      TIDEMARK_ASSIGN_OR_RETURN(FileMeta meta, Put(repository, entry, attempt));
      cached = uploads->emplace(key, std::move(meta)).first;
    }
    uploaded->fresh.emplace(entry.live_name, cached->second);
    uploaded->base.files.push_back({0, entry.live_name});
  }
  return {};
}

}  // namespace

uint64_t SstBytesOf(const format::Manifest& manifest, const format::Base& base) {
  uint64_t bytes = 0;
  for (const format::BaseFile& file : base.files) {
    const FileMeta& meta = manifest.files.at(file.file);
    if (meta.kind == FileKind::kBaseSst) bytes += meta.size;
  }
  return bytes;
}

uint64_t BytesToPut(const storage::StateShape& state, const format::Manifest& manifest,
                    const UploadCache& uploads) {
  std::vector<format::Checksum128> there;
  for (const FileMeta* file : KnownSsts(manifest)) there.push_back(file->checksum);
  for (const auto& [key, file] : uploads) there.push_back(file.checksum);
  std::sort(there.begin(), there.end());
  uint64_t bytes = 0;
  for (const storage::SstContent& sst : state.ssts) {
    if (!std::binary_search(there.begin(), there.end(), sst.checksum)) bytes += sst.bytes;
  }
  return bytes;
}

Result<UploadedBase> UploadBase(storage::LiveDatabase& live, const storage::Repository& repository,
                                uint64_t attempt, UploadCache* uploads,
                                std::vector<std::string>* obsolete,
                                const std::function<bool(uint64_t bytes)>& may_put) {
  const std::map<std::string, uint64_t> known = repository.WithManifest(KnownSstsByUniqueId);
  TIDEMARK_ASSIGN_OR_RETURN(const storage::FileSet set,
                            live.ExportFileSet([&](std::string_view unique_id) {
                              const std::string id(unique_id);
                              return known.contains(id) || uploads->contains(id);
                            }));
  ForgetReplaced(set, uploads, obsolete);
  UploadedBase uploaded;
  uploaded.base.at = set.mark.at;
  uploaded.base.current = set.current;
  const Status put = PutMissing(set, repository, attempt, known, may_put, uploads, &uploaded);
  live.ReleaseFileSet(set);
  TIDEMARK_RETURN_IF_ERROR(put);
  return uploaded;
}

bool CanRebaseTo(const format::Manifest& manifest, uint64_t epoch) {
  return std::none_of(manifest.bases.begin(), manifest.bases.end(),
                      [epoch](const auto& base) { return base.second.at.epoch > epoch; });
}

bool AddBase(const UploadedBase& uploaded, const format::Manifest& manifest,
             format::ManifestEdit* edit) {
  if (!CanRebaseTo(manifest, uploaded.base.at.epoch)) return false;
  for (const format::BaseFile& file : uploaded.base.files) {
    if (file.file != 0 && !manifest.files.contains(file.file)) return false;
  }
  uint64_t next_file = format::NextFileId(manifest, *edit);
  format::Base base = uploaded.base;
  base.id = manifest.next_base_id;
  for (format::BaseFile& file : base.files) {
    if (file.file != 0) continue;
    FileMeta meta = uploaded.fresh.at(file.live_name);
    meta.id = file.file = next_file++;
    // A range delete may end where the group after the last one would begin.
    const auto last_group = static_cast<uint16_t>(manifest.max_parallelism - 1);
    meta.last_group = std::min(meta.last_group, last_group);
    edit->files_added.push_back(std::move(meta));
  }
  edit->rebase_to = base.id;
  edit->bases_added.push_back(std::move(base));
  return true;
}

}  // namespace tidemark::compaction
