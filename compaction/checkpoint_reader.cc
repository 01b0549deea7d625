#include "compaction/checkpoint_reader.h"

#include "compaction/merge.h"
#include "format/key.h"

#include <algorithm>
#include <utility>

namespace tidemark::compaction {

namespace {

using format::Op;
using format::Record;
using storage::CheckpointFiles;

// Above all stored keys.
constexpr std::string_view kEnd =
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";

// Of a stored value that does not expire.
Result<std::string_view> LiveValue(std::string_view stored) {
  TIDEMARK_ASSIGN_OR_RETURN(const format::StoredValue value, format::ParseStoredValue(stored));
  if (value.expiry_ms == 0) return value.value;
  return Status(StatusCode::kIncompatibleFormat, "record-expiry",
                "a value has an expiry, which this version of Tidemark does not apply; use the one "
                "that wrote it");
}

class LiveRecords final : public format::RecordStream {
 public:
  LiveRecords(std::shared_ptr<const CheckpointFiles> files, uint32_t table_id,
              std::unique_ptr<format::RecordStream> changes, std::string from,
              std::optional<std::string> to)
      : files_(std::move(files)),
        changes_(std::move(changes)),
        from_(std::move(from)),
        to_(std::move(to)) {
    if (files_->base() != nullptr)
      base_ = files_->base()->NewCursor(table_id, from_, to_ ? std::string_view(*to_) : kEnd);
  }

  Result<bool> Next() override {
    Result<bool> more = Advance();
    if (more) return more;
    return files_->InRepository(std::move(more).error());
  }

 private:
  Result<bool> Advance() {
    if (!started_) TIDEMARK_RETURN_IF_ERROR(Start());
    while (true) {
      if (std::exchange(leaves_change_, false)) TIDEMARK_RETURN_IF_ERROR(NextChange());
      if (std::exchange(leaves_base_, false)) TIDEMARK_RETURN_IF_ERROR(NextBase());
      if (!has_change_ && !has_base_) return false;
      if (!has_change_ || (has_base_ && base_->key() < changes_->record().key)) {
        TIDEMARK_ASSIGN_OR_RETURN(const bool remains, TakeBase());
        if (remains) return true;
      } else {
        TIDEMARK_ASSIGN_OR_RETURN(const bool remains, TakeChange());
        if (remains) return true;
      }
    }
  }

  Status Start() {
    started_ = true;
    TIDEMARK_RETURN_IF_ERROR(NextChange());
    if (base_ == nullptr) return {};
    base_->SeekAtOrAfter(from_);
    return NoteBase();
  }

  Status NoteBase() {
    has_base_ = base_->valid();
    return has_base_ ? Status() : base_->status();
  }

  Status NextBase() {
    base_->Next();
    return NoteBase();
  }

  Status NextChange() {
    TIDEMARK_ASSIGN_OR_RETURN(has_change_, changes_->Next());
    if (has_change_ && to_ && changes_->record().key >= *to_) has_change_ = false;
    return {};
  }

  // All range deletes met so far begin at or below the key that the merge stands at.
  bool IsDeleted(std::string_view key) {
    std::erase_if(range_ends_, [&](const std::string& end) { return end <= key; });
    return !range_ends_.empty();
  }

  Result<bool> TakeBase() {
    leaves_base_ = true;
    if (IsDeleted(base_->key())) return false;
    TIDEMARK_ASSIGN_OR_RETURN(const std::string_view value, LiveValue(base_->value()));
    record_ = {base_->key(), value, 0, 0, Op::kPut};
    return true;
  }

  Result<bool> TakeChange() {
    leaves_change_ = true;
    const Record& change = changes_->record();
    if (change.op == Op::kRangeDelete) {
      range_ends_.emplace_back(change.value);
      return false;
    }
    const bool meets_base = has_base_ && base_->key() == change.key;
    leaves_base_ = meets_base;
    if (change.op == Op::kDelete || change.key < from_) return false;
    record_ = {change.key, change.value, change.epoch, 0, Op::kPut};
    if (change.op != Op::kMerge || !meets_base || IsDeleted(change.key)) return true;
    TIDEMARK_ASSIGN_OR_RETURN(const std::string_view value, LiveValue(base_->value()));
    folded_.assign(value).append(change.value);
    record_.value = folded_;
    return true;
  }

  const std::shared_ptr<const CheckpointFiles> files_;
  const std::unique_ptr<format::RecordStream> changes_;
  const std::string from_;
  const std::optional<std::string> to_;
  std::unique_ptr<storage::StateCursor> base_;
  bool started_ = false;
  bool has_change_ = false;
  bool has_base_ = false;
  // record_ is made of them; the next call moves them on.
  bool leaves_change_ = false;
  bool leaves_base_ = false;
  std::vector<std::string> range_ends_;  // of range deletes that may cover what comes
  std::string folded_;
};

// One input that begins at `from`.
std::unique_ptr<format::RecordStream> RecordsFrom(const CheckpointFiles::Segment& segment,
                                                  uint32_t table_id, std::string_view from,
                                                  Status* failed) {
  auto records = segment.reader->Records(table_id);
  if (!from.empty()) *failed = records->SkipTo(from);
  return records;
}

// What is known to fail before it begins.
class FailedStream final : public format::RecordStream {
 public:
  explicit FailedStream(Status status) : status_(std::move(status)) {}
  Result<bool> Next() override { return status_; }

 private:
  const Status status_;
};

std::unique_ptr<format::RecordStream> ChangesFrom(
    const std::vector<CheckpointFiles::Segment>& segments, uint32_t table_id, uint64_t after_epoch,
    std::string_view from, std::vector<std::unique_ptr<format::RecordStream>> inputs = {}) {
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    Status failed;
    inputs.push_back(RecordsFrom(*segment, table_id, from, &failed));
    if (!failed.ok()) return std::make_unique<FailedStream>(std::move(failed));
  }
  return MergeNewest(std::move(inputs), after_epoch);
}

}  // namespace

bool MayHaveRangeDeletes(const format::TableMeta& table) {
  return table.kind == TableKind::kOrderedBytes || table.kind == TableKind::kMap;
}

std::unique_ptr<format::RecordStream> ChangesOf(
    const std::vector<CheckpointFiles::Segment>& segments, uint32_t table_id, uint64_t after_epoch,
    std::vector<std::unique_ptr<format::RecordStream>> newer) {
  return ChangesFrom(segments, table_id, after_epoch, {}, std::move(newer));
}

std::unique_ptr<format::RecordStream> CheckpointReader::Scan(const format::TableMeta& table,
                                                             std::string_view from,
                                                             std::optional<std::string> to) const {
  auto changes = ChangesFrom(files_->segments(), table.id, files_->base_epoch(),
                             MayHaveRangeDeletes(table) ? std::string_view() : from);
  return std::make_unique<LiveRecords>(files_, table.id, std::move(changes), std::string(from),
                                       std::move(to));
}

Result<std::optional<std::string>> CheckpointReader::Get(const format::TableMeta& table,
                                                         std::string_view stored_key) const {
  const auto records = Scan(table, stored_key, std::string(stored_key) + '\0');
  TIDEMARK_ASSIGN_OR_RETURN(const bool found, records->Next());
  if (!found) return std::optional<std::string>();
  return std::optional(std::string(records->record().value));
}

Result<std::unique_ptr<ForwardLookup>> ForwardLookup::Open(const CheckpointReader& reader,
                                                           const format::TableMeta& table) {
  const storage::CheckpointFiles& files = reader.files();
  std::unique_ptr<ForwardLookup> lookup(new ForwardLookup(files, table.id));
  const auto& segments = files.segments();
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    Input input;
    input.file = segment->file;
    input.stream = segment->reader->Records(table.id);
    if (MayHaveRangeDeletes(table)) {
      const auto records = segment->reader->Records(table.id);
      while (true) {
        const Result<bool> more = records->Next();
        if (!more) return segment->name.In(more.error());
        if (!*more) break;
        const Record& record = records->record();
        if (record.op == Op::kRangeDelete)
          input.ranges.push_back({std::string(record.key), std::string(record.value)});
      }
    }
    lookup->inputs_.push_back(std::move(input));
  }
  return lookup;
}

bool ForwardLookup::HasRangeDeletes(uint64_t file) const {
  return std::any_of(inputs_.begin(), inputs_.end(), [&](const Input& input) {
    return input.file == file && !input.ranges.empty();
  });
}

// To the first point record at or after the key.
Status ForwardLookup::Input::MoveTo(std::string_view stored_key) {
  if (ended || (has_record && stream->record().key >= stored_key)) return {};
  TIDEMARK_RETURN_IF_ERROR(stream->SkipTo(stored_key));
  do {
    TIDEMARK_ASSIGN_OR_RETURN(has_record, stream->Next());
  } while (has_record && stream->record().op == Op::kRangeDelete);
  ended = !has_record;
  return {};
}

bool ForwardLookup::Input::IsDeleted(std::string_view stored_key) {
  for (; next_range < ranges.size() && ranges[next_range].from <= stored_key; ++next_range)
    open_ends.push_back(ranges[next_range].to);
  std::erase_if(open_ends, [&](const std::string& end) { return end <= stored_key; });
  return !open_ends.empty();
}

Result<std::optional<std::string_view>> ForwardLookup::Find(std::string_view stored_key) {
  auto found = LookUp(stored_key);
  if (found) return found;
  return files_.InRepository(std::move(found).error());
}

// A segment has at most one record of a key, an epoch's, or what a merge has made of several; and
// none that is older than a range delete of the same segment.
Result<std::optional<std::string_view>> ForwardLookup::LookUp(std::string_view stored_key) {
  pieces_.clear();
  bool decided = false;
  for (Input& input : inputs_) {
    TIDEMARK_RETURN_IF_ERROR(input.MoveTo(stored_key));
    const bool is_deleted = input.IsDeleted(stored_key);
    if (decided) continue;
    decided = is_deleted;
    if (!input.has_record || input.stream->record().key != stored_key) continue;
    const Record& record = input.stream->record();
    decided = decided || record.op != Op::kMerge;
    if (record.op != Op::kDelete) pieces_.emplace_back(record.value);
  }
  if (decided || files_.base() == nullptr) return Joined();
  TIDEMARK_ASSIGN_OR_RETURN(const bool in_base,
                            files_.base()->Get(table_id_, stored_key, &stored_));
  if (in_base) {
    TIDEMARK_ASSIGN_OR_RETURN(const std::string_view value, LiveValue(stored_));
    pieces_.emplace_back(value);
  }
  return Joined();
}

// pieces_ are newest first.
std::optional<std::string_view> ForwardLookup::Joined() {
  if (pieces_.empty()) return std::nullopt;
  value_.clear();
  for (auto piece = pieces_.rbegin(); piece != pieces_.rend(); ++piece) value_ += *piece;
  return value_;
}

}  // namespace tidemark::compaction
