#include "store/segment_output.h"

#include "format/manifest.h"

#include <utility>

namespace tidemark::store {

Status SegmentOutput::Add(format::SegmentEntry entry) {
  if (file_ != nullptr) return file_->Add(entry);
  entries_.push_back(std::move(entry));
  return format::InlinedBytes(entries_) <= inline_bytes_max_ ? Status() : MoveToFile();
}

Status SegmentOutput::MoveToFile() {
  TIDEMARK_ASSIGN_OR_RETURN(file_, storage::SegmentFileWriter::Open(fs_, path_));
  for (const format::SegmentEntry& entry : std::exchange(entries_, {}))
    TIDEMARK_RETURN_IF_ERROR(file_->Add(entry));
  return {};
}

Result<std::optional<storage::SstFile>> SegmentOutput::Finish() {
  if (file_ == nullptr) return std::optional<storage::SstFile>();
  TIDEMARK_ASSIGN_OR_RETURN(storage::SstFile file, file_->Finish());
  return std::optional(std::move(file));
}

}  // namespace tidemark::store
