#include "storage/verify.h"

#include "format/names.h"
#include "storage/manifest_chain.h"
#include "storage/segment_file.h"

#include <algorithm>

namespace tidemark::storage {
namespace {

Status Damage(std::string_view name, std::string message) {
  return Status(StatusCode::kCorruption, name, std::move(message));
}

std::string Expected(const std::string& where, const std::string& what, const std::string& expected,
                     const std::string& got) {
  return where + ": expected " + what + " " + expected + ", got " + got;
}

// What the list itself must say for the checkpoint to be made of it; the names of the files on the
// way.
class Chain {
 public:
  Chain(const format::Manifest& manifest, const format::Checkpoint& checkpoint)
      : manifest_(manifest), place_("checkpoint " + std::to_string(checkpoint.id)) {
    AddBase(checkpoint.base);
    for (const uint64_t segment : checkpoint.segments) AddSegment(segment);
    if (epoch_ != checkpoint.at.epoch)
      Report("expected segments up to epoch " + std::to_string(checkpoint.at.epoch) +
             ", got them up to epoch " + std::to_string(epoch_));
  }

  std::vector<const format::FileMeta*> files;
  std::vector<Status> findings;

 private:
  void AddBase(uint64_t id) {
    if (id == 0) return;
    const auto base = manifest_.bases.find(id);
    if (base == manifest_.bases.end())
      return Report("base " + std::to_string(id) + " is not in the list");
    for (const format::BaseFile& file : base->second.files) AddFile(file.file);
    epoch_ = base->second.at.epoch;
  }

  void AddSegment(uint64_t id) {
    const format::FileMeta* file = AddFile(id);
    if (file == nullptr) return;
    if (file->first_epoch != epoch_ + 1)
      Report("expected a segment from epoch " + std::to_string(epoch_ + 1) + ", got " + file->name +
             " from epoch " + std::to_string(file->first_epoch));
    epoch_ = file->last_epoch;
  }

  const format::FileMeta* AddFile(uint64_t id) {
    const auto file = manifest_.files.find(id);
    if (file != manifest_.files.end()) return files.emplace_back(&file->second);
    Report("file " + std::to_string(id) + " is not in the list");
    return nullptr;
  }

  void Report(const std::string& message) {
    findings.push_back(Damage("manifest-invariant", place_ + ": " + message));
  }

  const format::Manifest& manifest_;
  const std::string place_;
  uint64_t epoch_ = 0;
};

Status CheckSize(const CheckpointStorage& storage, const std::string& name,
                 const format::FileMeta& file) {
  const std::string where = storage.Uri() + "/" + name;
  const Result<uint64_t> size = storage.Size(name);
  if (!size && size.error().code() == StatusCode::kNotFound)
    return Damage("file-missing",
                  Expected(where, "a file of", std::to_string(file.size) + " bytes", "none"));
  if (!size || *size == file.size) return size.error();
  return Damage("file-size", Expected(where, "a size of", std::to_string(file.size) + " bytes",
                                      std::to_string(*size)));
}

Status CheckContent(const CheckpointStorage& storage, const std::string& name,
                    const format::FileMeta& file) {
  TIDEMARK_ASSIGN_OR_RETURN(const FileDigest digest, DigestObject(storage, name));
  if (digest.checksum == file.checksum && digest.size == file.size) return {};
  return Damage("file-checksum", Expected(storage.Uri() + "/" + name, "XXH3-128",
                                          file.checksum.Hex(), digest.checksum.Hex()));
}

// Content that could not be read proves nothing; everything else has been looked at.
bool WasChecked(const Status& finding) {
  return finding.ok() || finding.code() == StatusCode::kCorruption;
}

}  // namespace

bool VerifyReport::damaged() const noexcept {
  return std::any_of(findings.begin(), findings.end(), [](const Status& finding) {
    return finding.code() == StatusCode::kCorruption;
  });
}

Status VerifyFile(const CheckpointStorage& storage, uint32_t subtask, const format::FileMeta& file,
                  VerifyLevel level) {
  if (level == VerifyLevel::kManifest) return {};
  // Its file is a manifest version, which has checksums of its own; the list knows what is inside.
  if (file.kind == format::FileKind::kInlined) return ReadInlined(storage, subtask, file).error();
  const std::string name = format::SubtaskPrefix(subtask) + file.name;
  TIDEMARK_RETURN_IF_ERROR(CheckSize(storage, name, file));
  return level == VerifyLevel::kChecksum ? CheckContent(storage, name, file) : Status();
}

Verifier::Verifier(const CheckpointStorage& storage, const format::Manifest& manifest,
                   VerifyLevel level)
    : storage_(storage), manifest_(manifest), level_(level) {}

VerifyReport Verifier::Verify(const format::Checkpoint& checkpoint) {
  Chain chain(manifest_, checkpoint);
  VerifyReport report;
  report.findings = chain.findings;
  total_.findings.insert(total_.findings.end(), chain.findings.begin(), chain.findings.end());
  for (const format::FileMeta* file : chain.files) VerifyNamed(*file, &report);
  return report;
}

void Verifier::VerifyNamed(const format::FileMeta& file, VerifyReport* report) {
  const auto [known, is_new] = known_.try_emplace(file.id);
  if (is_new) known->second = VerifyFile(storage_, manifest_.subtask, file, level_);
  const Status& finding = known->second;
  const bool checked = level_ != VerifyLevel::kManifest && WasChecked(finding);
  // The content of an inlined segment is hashed whenever it is looked at.
  const bool hashed =
      level_ == VerifyLevel::kChecksum || (checked && file.kind == format::FileKind::kInlined);
  const bool whole = hashed && (finding.ok() || finding.name() == "file-checksum");
  const auto add = [&](VerifyReport* to) {
    ++to->files;
    to->bytes += file.size;
    to->files_checked += checked ? 1 : 0;
    to->bytes_checked += whole ? file.size : 0;
    if (!finding.ok()) to->findings.push_back(finding);
  };
  add(report);
  if (is_new) add(&total_);
}

VerifyReport VerifyCheckpoint(const CheckpointStorage& storage, const format::Manifest& manifest,
                              const format::Checkpoint& checkpoint, VerifyLevel level) {
  return Verifier(storage, manifest, level).Verify(checkpoint);
}

}  // namespace tidemark::storage
