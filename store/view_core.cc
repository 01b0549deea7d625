#include "store/view_core.h"

#include "compaction/digest.h"
#include "format/key.h"

#include <algorithm>
#include <utility>

namespace tidemark::store {

using table_internal::AtKey;

Result<const format::TableMeta*> ViewCore::FindTable(std::string_view name) const {
  TIDEMARK_RETURN_IF_ERROR(Acquire().error());
  const auto found = tables_.find(name);
  if (found != tables_.end()) return &found->second;
  return Status(
      StatusCode::kNotFound, "table-not-found",
      "checkpoint " + std::to_string(checkpoint_.id) + " has no table `" + std::string(name) + "`");
}

Result<std::shared_ptr<const ViewCore::Source>> ViewCore::Acquire() const {
  std::lock_guard lock(mutex_);
  if (source_ != nullptr) return source_;
  return Status(
      StatusCode::kClosed, "view-closed",
      "the view of checkpoint " + std::to_string(checkpoint_.id) + " was closed; open another one");
}

Result<std::string> ViewCore::Digest() const {
  TIDEMARK_ASSIGN_OR_RETURN(const auto source, Acquire());
  compaction::ContentDigest digest;
  for (const auto& [name, table] : tables_) {
    digest.BeginTable(table);
    TIDEMARK_RETURN_IF_ERROR(digest.Add(*source->state, table.id));
    digest.EndTable();
  }
  return digest.Finish();
}

void ViewCore::Close() {
  std::shared_ptr<const Source> source;
  std::lock_guard lock(mutex_);
  source.swap(source_);
  // It goes, if nobody reads, when the lock has gone: closing a database takes a while.
}

ViewTable::ViewTable(std::shared_ptr<const ViewCore> view, const format::TableMeta& meta)
    : view_(std::move(view)), meta_(meta), options_(OptionsOf(meta)) {}

Result<KeyCount> ViewTable::Count() const {
  TIDEMARK_ASSIGN_OR_RETURN(const auto source, view_->Acquire());
  if (meta_.exact_count)
    return KeyCount{format::FindCount(source->live->mark().counts, meta_.id), true};
  return KeyCount{source->state->EstimateKeys(meta_.id), false};
}

Result<std::optional<std::string>> ViewTable::Get(std::string_view key) const {
  TIDEMARK_ASSIGN_OR_RETURN(const auto source, view_->Acquire());
  TIDEMARK_RETURN_IF_ERROR(CheckKey(meta_, key));
  std::string stored_key;
  format::AppendStoredKey(GroupOf(meta_.kind, view_->groups(), format::HashKey(key), key), key,
                          &stored_key);
  std::string value;
  const Result<bool> found = source->state->Get(meta_.id, stored_key, &value);
  if (!found.has_value()) return AtKey(found.error(), meta_.name, key);
  if (!*found) return std::optional<std::string>();
  const Status stripped = format::StripValueHeader(&value);
  if (!stripped.ok()) return AtKey(stripped, meta_.name, key);
  return std::optional<std::string>(std::move(value));
}

// Shows stored entries to the host.
class ViewTable::Shower {
 public:
  Shower(const ViewTable& table, VisitFunction visit, void* context)
      : table_(table), visit_(visit), context_(context) {}

  // False if that was enough, or if the entry is damaged, which damage() tells.
  bool Show(std::string_view stored_key, std::string_view stored_value) {
    if (stored_key.size() < format::kKeyGroupBytes) {
      damage_ = Status(StatusCode::kCorruption, "stored-key",
                       "table `" + table_.meta_.name + "`: a stored key of " +
                           std::to_string(stored_key.size()) + " bytes has no key group");
      return false;
    }
    const std::string_view key = format::UserKey(stored_key);
    const auto parsed = format::ParseStoredValue(stored_value);
    if (!parsed.has_value()) {
      damage_ = AtKey(parsed.error(), table_.meta_.name, key);
      return false;
    }
    value_.assign(parsed->value);  // at an aligned place
    return visit_(context_, key, value_);
  }
  const Status& damage() const noexcept { return damage_; }

 private:
  const ViewTable& table_;
  const VisitFunction visit_;
  void* const context_;
  std::string value_;
  Status damage_;
};

Status ViewTable::ForEach(const ScanOptions* options, VisitFunction visit, void* context) const {
  TIDEMARK_ASSIGN_OR_RETURN(const auto source, view_->Acquire());
  Shower shower(*this, visit, context);
  const Status read =
      options != nullptr
          ? ForEachIn(*source->state, *options, shower)
          : source->state->Scan(meta_.id, [&](std::string_view key, std::string_view value) {
              return shower.Show(key, value);
            });
  TIDEMARK_RETURN_IF_ERROR(shower.damage());
  return read.code() == StatusCode::kCorruption ? read.WithContext("table `" + meta_.name + "`")
                                                : read;
}

Status ViewTable::ForEachIn(const storage::StateView& state, const ScanOptions& options,
                            Shower& shower) const {
  TIDEMARK_ASSIGN_OR_RETURN(const StoredRange range, RangeOf(meta_, view_->groups(), options));
  if (range.from >= range.to) return {};
  const auto cursor = state.NewCursor(meta_.id, range.from, range.to);
  options.reverse ? cursor->SeekBefore(range.to) : cursor->SeekAtOrAfter(range.from);
  while (cursor->valid() && shower.Show(cursor->key(), cursor->value()))
    options.reverse ? cursor->Previous() : cursor->Next();
  return cursor->status();
}

}  // namespace tidemark::store
