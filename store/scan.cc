#include "store/scan.h"

#include "format/key.h"
#include "store/store_core.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace tidemark::store {

namespace {

// A node of a map of ranges, and what the allocator adds.
constexpr size_t kRangeOverheadBytes = 160;

}  // namespace

ScanCore::ScanCore(std::shared_ptr<TableCore> table, Range range, bool reverse)
    : table_(std::move(table)),
      range_(std::move(range)),
      reverse_(reverse),
      done_(range_.from >= range_.to),
      bound_(reverse ? range_.to : range_.from),
      memory_(*table_->ordered(), range_.from) {
  table_->AddScan(this);
}

ScanCore::~ScanCore() { Close(); }

void ScanCore::Close() {
  End(Status(StatusCode::kClosed, "iterator-closed", "the iterator was closed; make another one"));
}

void ScanCore::End(Status why) {
  if (!status_.ok()) return;
  Fail(std::move(why));
  table_->RemoveScan(this);
}

void ScanCore::Fail(Status why) {
  status_ = std::move(why);
  for (const auto& [image, view] : images_) table_->store().Free(image);
  images_.clear();
  hidden_.clear();
  memory_bytes_ = 0;
  below_.reset();
  value_ = {};
}

std::string_view ScanCore::key() const {
  const std::string_view stored = bound_;
  return format::UserKey(reverse_ ? stored : stored.substr(0, stored.size() - 1));
}

Result<bool> ScanCore::Next() {
  if (!status_.ok()) return status_.WithContext("table `" + table_->meta().name + "`");
  TIDEMARK_RETURN_IF_ERROR(table_->store().CheckUsable());
  while (!done_) {
    TIDEMARK_ASSIGN_OR_RETURN(const bool present, MoveToNearest());
    if (present) return true;
  }
  value_ = {};
  return false;
}

// Moves to the nearest key of the three sources. False if there is no entry at it, or if it is the
// end (done_).
Result<bool> ScanCore::MoveToNearest() {
  ForgetShown();
  SettleMemory();
  TIDEMARK_RETURN_IF_ERROR(SettleBelow());
  const Version* version = memory_.here();
  if (version != nullptr && !IsAhead(version->key())) version = nullptr;
  const bool in_below = below_ != nullptr && below_->valid();
  const auto image = NearestPreImage();

  std::optional<std::string_view> nearest;
  const auto consider = [&](std::string_view key) {
    if (!nearest || IsNearer(key, *nearest)) nearest = key;
  };
  if (version != nullptr) consider(version->key());
  if (in_below) consider(below_->key());
  if (image != images_.end()) consider(image->first->key());
  if (!nearest) {
    done_ = true;
    return false;
  }
  memory_shown_ = version != nullptr && version->key() == *nearest;
  below_shown_ = in_below && below_->key() == *nearest;
  const bool has_image = image != images_.end() && image->first->key() == *nearest;
  SetPosition(*nearest);
  if (has_image) {
    Result<bool> present = ReadPreImage(*image);
    if (!present.has_value()) End(present.error());  // going on would leave the entry out
    return present;
  }
  if (memory_shown_) {
    value_ = version->value();
    return version->present() && !IsHidden(*nearest);
  }
  TIDEMARK_RETURN_IF_ERROR(ShowStored(below_->value()));
  return true;
}

Result<bool> ScanCore::ReadPreImage(const PreImages::value_type& image) {
  const auto& [version, view] = image;
  if (view == nullptr) {
    value_ = version->value();
    return version->present();
  }
  std::string stored;
  Result<bool> found = view->Get(table_->meta().id, version->key(), &stored);
  if (!found.has_value()) return table_->store().NoteReadError(std::move(found).error());
  if (!*found) return false;
  TIDEMARK_RETURN_IF_ERROR(ShowStored(stored));
  return true;
}

// Copies the value to an aligned place.
Status ScanCore::ShowStored(std::string_view stored_value) {
  const auto parsed = format::ParseStoredValue(stored_value);
  if (!parsed.has_value())
    return table_->store().NoteReadError(
        parsed.error().WithContext("table " + table_->meta().name));
  value_buffer_.assign(parsed->value);
  value_ = value_buffer_;
  return {};
}

void ScanCore::SettleMemory() {
  if (!memory_.valid()) {
    reverse_ ? memory_.SeekBefore(bound_) : memory_.SeekAtOrAfter(bound_);
  } else if (memory_shown_) {
    reverse_ ? memory_.Previous() : memory_.Next();
  }
  memory_shown_ = false;
}

Status ScanCore::SettleBelow() {
  if (marks_seen_ != table_->marks_voided()) {
    marks_seen_ = table_->marks_voided();
    is_complete_ = table_->IsComplete(format::UserKey(range_.from));
  }
  if (is_complete_) {
    below_.reset();
    below_shown_ = false;
    return {};
  }
  const StoreCore& store = table_->store();
  if (below_ == nullptr || below_generation_ != store.layers().generation()) {
    below_generation_ = store.layers().generation();
    below_ = store.layers().NewCursor(table_->meta().id, range_.from, range_.to, ranges(),
                                      store.epoch());
    reverse_ ? below_->SeekBefore(bound_) : below_->SeekAtOrAfter(bound_);
  } else if (below_shown_) {
    reverse_ ? below_->Previous() : below_->Next();
  }
  below_shown_ = false;
  if (below_->valid()) return {};
  return table_->store().NoteReadError(below_->status());
}

void ScanCore::Hide(const std::shared_ptr<const RangeSet>& ranges) {
  uint64_t bytes = 0;
  bool any_ahead = false;
  for (const auto& [from, to] : *ranges) {
    bytes += kRangeOverheadBytes + from.size() + to.size();
    any_ahead = any_ahead || IsAhead({from, to});
  }
  if (!any_ahead) return;
  hidden_.push_back(ranges);
  memory_bytes_ += bytes;
}

// By a range delete that was rolled back since. What the epoch had put over it is a pre-image.
bool ScanCore::IsHidden(std::string_view stored_key) const {
  return FindRange(hidden_, stored_key) != nullptr;
}

VisibleRanges ScanCore::ranges() const {
  return {.own = &table_->ranges(), .rolled_back = &hidden_};
}

ScanCore::PreImages::const_iterator ScanCore::NearestPreImage() const {
  if (images_.empty()) return images_.end();
  auto image = images_.lower_bound(bound_);
  if (!reverse_) return image;
  return image == images_.begin() ? images_.end() : --image;
}

// Pre-images that lie behind; the value of the last one was in use until now.
void ScanCore::ForgetShown() {
  const uint64_t before = memory_bytes_;
  while (!images_.empty()) {
    const auto next = reverse_ ? std::prev(images_.end()) : images_.begin();
    Version* image = next->first;
    if (IsAhead(image->key())) break;
    images_.erase(next);
    table_->store().Free(image);
    memory_bytes_ -= kPlaceBytes;
  }
  if (memory_bytes_ != before) table_->Account();
}

bool ScanCore::IsAhead(std::string_view stored_key) const {
  return reverse_ ? stored_key < bound_ && stored_key >= range_.from
                  : stored_key >= bound_ && stored_key < range_.to;
}

void ScanCore::SetPosition(std::string_view stored_key) {
  bound_.assign(stored_key);
  if (!reverse_) bound_.push_back('\0');
}

// ---- What the table tells ----

bool ScanCore::Wants(std::string_view stored_key) const {
  return !done_ && IsAhead(stored_key) && !images_.contains(stored_key);
}

bool ScanCore::IsAhead(const Range& range) const {
  const std::string_view from = reverse_ ? range_.from : bound_;
  const std::string_view to = reverse_ ? bound_ : range_.to;
  return !done_ &&
         std::max<std::string_view>(from, range.from) < std::min<std::string_view>(to, range.to);
}

Status ScanCore::Outgrown() {
  return Status(StatusCode::kResourceExhausted, "scan-outgrown",
                "the entries that changed since the iterator was made do not fit the memory budget "
                "(RuntimeOptions::memory_budget_bytes); close iterators before changing so much, "
                "or raise it");
}

size_t ScanCore::PreImageBytes(std::string_view stored_key, const Version* newest) {
  const bool has_value = newest != nullptr && newest->present();
  return Version::BytesFor(stored_key.size(), has_value ? newest->value_size : 0);
}

bool ScanCore::Remember(std::string_view stored_key, const Version* newest) {
  Status kept = Keep(stored_key, newest);
  if (kept.ok()) return table_->Account(), true;
  End(std::move(kept));
  return false;
}

Status ScanCore::Keep(std::string_view stored_key, const Version* newest) {
  StoreCore& store = table_->store();
  std::string value_below;
  std::optional<std::string_view> value;
  std::shared_ptr<const storage::StateView> view;
  if (IsHidden(stored_key)) {
    // It was absent, whatever is there now.
  } else if (newest != nullptr) {
    if (newest->present()) value = newest->value();
  } else if (store.layers().has_spilled()) {
    TIDEMARK_ASSIGN_OR_RETURN(const Below below,
                              store.layers().Read(table_->meta().id, stored_key, table_->ranges(),
                                                  store.epoch(), &value_below));
    value = below.value;
  } else if (ranges().Find(stored_key, store.view()->epoch()) == nullptr) {
    view = store.view();
  }
  const size_t bytes = Version::BytesFor(stored_key.size(), value ? value->size() : 0);
  if (!store.HasRoomFor(bytes, kPlaceBytes)) return Outgrown();
  images_.emplace(NewPreImage(stored_key, value), std::move(view));
  memory_bytes_ += kPlaceBytes;
  return {};
}

// Its `newer` is itself, so that it looks superseded to eviction (StoreCore::MayEvict).
Version* ScanCore::NewPreImage(std::string_view stored_key, std::optional<std::string_view> value) {
  const std::string_view held = value.value_or(std::string_view());
  Version* image = table_->store().AllocateVersion(stored_key.size(), held.size());
  image->newer = image;
  image->op = value ? format::Op::kPut : format::Op::kDelete;
  std::memcpy(image->key_data(), stored_key.data(), stored_key.size());
  if (!held.empty()) std::memcpy(image->value_data(), held.data(), held.size());
  return image;
}

}  // namespace tidemark::store
