#include "store/table_core.h"

#include "format/key.h"
#include "store/callback_guard.h"
#include "store/store_core.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace tidemark::store {

namespace {

using format::kValueTooLong;
using format::Op;

Status ValueTooLong(size_t got, uint64_t limit) {
  return Status(StatusCode::kInvalidArgument, kValueTooLong,
                "a value of " + std::to_string(got) + " bytes; the limit is " +
                    std::to_string(limit) + " (StoreOptions::value_bytes_max)");
}

Status Dropped(const std::string& table) {
  return Status(StatusCode::kNotFound, "table-dropped",
                "table `" + table + "` was dropped; OpenTable creates another one of that name");
}

}  // namespace

TableCore::TableCore(StoreCore& store, format::TableMeta meta)
    : store_(store),
      meta_(std::move(meta)),
      options_(OptionsOf(meta_)),
      index_(store.arena()),
      marks_(meta_.kind == TableKind::kMap ? std::make_unique<Index>(store.arena()) : nullptr) {}

Status TableCore::CheckUsable() const {
  return dropped_ ? Dropped(meta_.name) : store_.CheckUsable();
}

Status TableCore::CheckKey(std::string_view key) const {
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  return store::CheckKey(meta_, key);
}

Status TableCore::CheckValue(std::string_view value) const {
  const uint64_t limit = store_.value_bytes_max();
  return value.size() > limit ? ValueTooLong(value.size(), limit) : Status();
}

// What is met again is in use. What is not, a new key say, goes when it is clean and its turn
// comes.
Version* TableCore::FindAndMark(uint64_t hash, std::string_view key) {
  Version* version = index_.Find(hash, key);
  if (version != nullptr && version->referenced == 0) version->referenced = 1;
  return version;
}

Result<TableCore::Found> TableCore::Read(Version* version, uint64_t hash, std::string_view key) {
  if (version != nullptr) {
    if (version->op == Op::kMerge) [[unlikely]]
      return ReadMerged(hash, key);
    if (!version->present()) {
      absent_hits_.Add();
      const bool is_current = (version->epoch & ~Version::kCopyBit) == store_.epoch();
      return Found{version, std::nullopt, !is_current || version->absent_before, key};
    }
    present_hits_.Add();
    return Found{version, version->value(), false, key};
  }
  if (IsComplete(key)) {
    absent_hits_.Add();
    return Found{nullptr, std::nullopt, true, key};
  }
  // Nothing newer than the layers below exists of a key that the cache does not hold (invariant 7).
  TIDEMARK_ASSIGN_OR_RETURN(const Below below,
                            store_.ReadBelow(meta_.id, ranges_, GroupOf(hash, key), &key));
  if (below.range_deleted) {  // not cached, as a rollback may bring it back
    absent_hits_.Add();
    return Found{nullptr, std::nullopt, true, key};
  }
  misses_.Add();
  const std::optional<std::string_view>& value = below.value;
  const bool known_absent = !value && below.spilled_epoch != store_.epoch();
  const uint64_t epoch = below.spilled_epoch == 0 ? 0 : below.spilled_epoch | Version::kCopyBit;
  version = Cache(hash, key, value, epoch);
  if (version == nullptr) return Found{nullptr, value, known_absent, key};
  return Found{version, value ? std::optional(version->value()) : std::nullopt, known_absent, key};
}

Version* TableCore::Cache(uint64_t hash, std::string_view key,
                          const std::optional<std::string_view>& value, uint64_t epoch) {
  const size_t bytes =
      Version::BytesFor(key.size() + format::kKeyGroupBytes, value ? value->size() : 0);
  store_.NoteMiss();
  store_.GiveIfAsked();
  if (!store_.Admits(meta_.id, hash)) return nullptr;
  const size_t growth = GrowthFor(hash, key, true, false);
  if (!store_.MakeRoomForClean(bytes, growth)) return nullptr;
  if (GrowthFor(hash, key, true, false) > growth) return nullptr;  // its index was emptied for it
  Version* version =
      NewVersion(hash, key, value.value_or(""), value ? Op::kPut : Op::kDelete, epoch);
  IndexInsert(hash, version);
  store_.SetMayEvict();
  return version;
}

Result<std::optional<std::string_view>> TableCore::Get(std::string_view* key) {
  TIDEMARK_RETURN_IF_ERROR(CheckKey(*key));
  const uint64_t hash = format::HashKey(*key);
  Version* version = FindAndMark(hash, *key);
  // Mostly so, and then the rest would cost as many instructions again.
  if (version != nullptr && version->op == Op::kPut) [[likely]] {
    present_hits_.Add();
    return std::optional(version->value());
  }
  TIDEMARK_ASSIGN_OR_RETURN(const Found found, Read(version, hash, *key));
  *key = found.key;
  return found.value;
}

Status TableCore::Put(std::string_view key, std::string_view value) {
  TIDEMARK_RETURN_IF_ERROR(CheckKey(key));
  TIDEMARK_RETURN_IF_ERROR(CheckValue(value));
  if (keeps_count()) [[unlikely]]
    return Counted(&TableCore::PutValue, key, value, true);
  return PutValue(key, value);
}

Status TableCore::PutValue(std::string_view key, std::string_view value) {
  const uint64_t hash = format::HashKey(key);
  if (!scans_.empty()) [[unlikely]]
    RememberForScans(hash, &key, &value);
  return Write(hash, key, FindAndMark(hash, key), Op::kPut, value, false);
}

Status TableCore::Delete(std::string_view key) {
  TIDEMARK_RETURN_IF_ERROR(CheckKey(key));
  if (keeps_count()) [[unlikely]]
    return Counted(&TableCore::DeleteKey, key, "", false);
  return DeleteKey(key, "");
}

Status TableCore::DeleteKey(std::string_view key, std::string_view /*none*/) {
  const uint64_t hash = format::HashKey(key);
  if (!scans_.empty()) [[unlikely]]
    RememberForScans(hash, &key, nullptr);
  Version* newest = FindAndMark(hash, key);
  if (newest == nullptr && HoldsAllOf(key)) return writes_.Add(), Status();  // there is none
  return Write(hash, key, newest, Op::kDelete, "", false);
}

Status TableCore::Append(std::string_view key, std::string_view bytes) {
  TIDEMARK_RETURN_IF_ERROR(CheckKey(key));
  TIDEMARK_RETURN_IF_ERROR(CheckValue(bytes));
  if (keeps_count()) [[unlikely]]
    return Counted(&TableCore::AppendBytes, key, bytes, true);
  return AppendBytes(key, bytes);
}

Status TableCore::Update(std::string_view* key, ChangeFunction change, void* context) {
  TIDEMARK_RETURN_IF_ERROR(CheckKey(*key));
  const uint64_t hash = format::HashKey(*key);
  if (!scans_.empty()) [[unlikely]]
    RememberForScans(hash, key, nullptr);
  TIDEMARK_ASSIGN_OR_RETURN(const Found found, Read(hash, *key));
  *key = found.key;
  Result<std::string_view> changed = [&] {
    const CallbackGuard guard(store_.in_callback());
    return change(context, found.value);
  }();
  if (!changed.has_value()) return std::move(changed).error();
  TIDEMARK_RETURN_IF_ERROR(CheckValue(*changed));
  const bool was_there = found.value.has_value();
  TIDEMARK_RETURN_IF_ERROR(
      Write(hash, found.key, found.version, Op::kPut, *changed, found.known_absent));
  if (!was_there) ++keys_;
  return {};
}

Result<std::span<char>> TableCore::Mutable(std::string_view* key) {
  TIDEMARK_RETURN_IF_ERROR(CheckKey(*key));
  const uint64_t hash = format::HashKey(*key);
  if (!scans_.empty()) [[unlikely]]
    RememberForScans(hash, key, nullptr);
  TIDEMARK_ASSIGN_OR_RETURN(const Found found, Read(hash, *key));
  *key = found.key;
  if (!found.value) return std::span<char>();
  TIDEMARK_RETURN_IF_ERROR(CheckValue(*found.value));  // a list may be longer
  Version* version = found.version;
  if (version == nullptr || version->epoch != store_.epoch() || version->op == Op::kMerge) {
    const std::string key_copy(found.key);  // what it points into may be evicted or replaced
    TIDEMARK_RETURN_IF_ERROR(Write(hash, key_copy, version, Op::kPut, *found.value, false));
    version = index_.Find(hash, key_copy);
  } else {
    writes_.Add();
  }
  *key = format::UserKey(version->key());
  return std::span<char>(version->value_data(), version->value_size);
}

// The cases, from the most frequent one: changed before in this epoch; clean, so that RocksDB has
// the old value and rollback can read it there; neither, so that a new version must be made.
Status TableCore::Write(uint64_t hash, std::string_view key, Version* newest, Op op,
                        std::string_view value, bool known_absent) {
  if (newest == nullptr || !newest->Fits(value.size()))
    return WriteNew(hash, key, newest, op, value, known_absent);
  if (newest->epoch == store_.epoch()) {
    WriteInPlace(newest, op, value);
    return {};
  }
  const size_t growth = ListGrowth();
  if (!store_.IsClean(*newest) || (growth > 0 && !store_.HasRoomFor(0, growth)))
    return WriteNew(hash, key, newest, op, value, known_absent);
  newest->absent_before = !newest->present();
  newest->epoch = store_.epoch();
  MarkDirty(newest);
  WriteInPlace(newest, op, value);
  store_.ReleaseSome();
  return {};
}

void TableCore::WriteInPlace(Version* version, Op op, std::string_view value) {
  writes_.Add();
  version->op = op;
  // The offset of the value depends on the key alone. memmove: the caller may pass a view of this
  // very value.
  if (!value.empty()) std::memmove(version->value_data(), value.data(), value.size());
  version->value_size = static_cast<uint32_t>(value.size());
}

Status TableCore::WriteNew(uint64_t hash, std::string_view key, Version* newest, Op op,
                           std::string_view value, bool known_absent) {
  known_absent = known_absent || (newest == nullptr && HoldsAllOf(key));
  const size_t bytes = Version::BytesFor(key.size() + format::kKeyGroupBytes, value.size());
  std::string key_copy;
  std::string value_copy;
  const auto growth_now = [&] {
    return GrowthFor(hash, key, newest == nullptr,
                     newest == nullptr || newest->epoch != store_.epoch());
  };
  size_t growth = growth_now();
  if (!store_.HasRoomFor(bytes, growth)) {
    // Making room evicts: neither `newest` nor views into the cache survive it.
    key = key_copy = std::string(key);
    value = value_copy = std::string(value);
    const bool was_absent = newest != nullptr && !newest->present() && !newest->is_copy();
    const bool was_dirty = newest != nullptr && newest->epoch == store_.epoch();
    do {
      growth = growth_now();
      TIDEMARK_RETURN_IF_ERROR(store_.MakeRoom(bytes, growth));
      newest = index_.Find(hash, key);
      // An index that evictions have emptied has to grow again.
    } while (growth_now() > growth);
    if (newest == nullptr && was_absent && !was_dirty) known_absent = true;
  }
  Version* version = NewVersion(hash, key, value, op, store_.epoch());
  if (newest != nullptr) version->referenced = newest->referenced;
  if (newest != nullptr && newest->is_copy()) newest = TakeOff(hash, newest);
  if (newest == nullptr) {
    version->absent_before = known_absent;
    IndexInsert(hash, version);
    MarkDirty(version);
  } else if (newest->epoch == store_.epoch()) {
    // It outgrew its block.
    if (version->bytes() > newest->bytes())
      store_.AddEpochBytes(version->bytes() - newest->bytes());
    TakePlace(hash, newest, version);
  } else {
    version->absent_before = !newest->present();
    IndexReplace(hash, newest, version);
    MarkDirty(version);
    if (store_.IsClean(*newest)) {
      Free(newest);
    } else {
      version->older = newest;
      newest->newer = version;
    }
  }
  writes_.Add();
  store_.ReleaseSome();
  store_.SlowDownIfGrown();
  return {};
}

void TableCore::PutOver(uint64_t hash, Version* newest, Version* version) {
  if (newest == nullptr) return IndexInsert(hash, version);
  IndexReplace(hash, newest, version);
  version->older = newest;
  newest->newer = version;
}

Version* TableCore::TakeOff(uint64_t hash, Version* newest) {
  Version* older = newest->older;
  if (older != nullptr) {
    older->newer = nullptr;
    IndexReplace(hash, newest, older);
  } else {
    IndexErase(hash, newest);
  }
  Free(newest);
  return older;
}

void TableCore::TakePlace(uint64_t hash, Version* from, Version* to) {
  to->absent_before = from->absent_before;
  to->referenced = from->referenced;
  to->place = from->place;
  dirty_[to->place] = to;
  to->older = from->older;
  if (to->older != nullptr) to->older->newer = to;
  to->newer = from->newer;
  if (to->newer != nullptr) {
    to->newer->older = to;
  } else {
    IndexReplace(hash, from, to);
  }
  Free(from);
}

Version* TableCore::NewVersion(uint64_t hash, std::string_view key, std::string_view value, Op op,
                               uint64_t epoch, std::string_view tail) {
  Version* version =
      store_.AllocateVersion(key.size() + format::kKeyGroupBytes, value.size() + tail.size());
  version->epoch = epoch;
  version->op = op;
  version->place = meta_.id;
  const uint16_t group = GroupOf(hash, key);
  version->key_data()[0] = static_cast<char>(group >> 8);
  version->key_data()[1] = static_cast<char>(group & 0xff);
  if (!key.empty())
    std::memcpy(version->key_data() + format::kKeyGroupBytes, key.data(), key.size());
  if (!value.empty()) std::memcpy(version->value_data(), value.data(), value.size());
  if (!tail.empty()) std::memcpy(version->value_data() + value.size(), tail.data(), tail.size());
  return version;
}

size_t TableCore::ListGrowth() const {
  return dirty_.size() < dirty_.capacity() ? 0 : (dirty_.size() + 1) * kListEntryBytes;
}

void TableCore::MarkDirty(Version* version) {
  version->place = static_cast<uint32_t>(dirty_.size());
  const bool grows = dirty_.size() == dirty_.capacity();
  dirty_.push_back(version);
  if (grows) Account();
  store_.AddEpochBytes(version->bytes());
}

size_t TableCore::GrowthFor(uint64_t hash, std::string_view key, bool in_index,
                            bool in_dirty_list) const {
  size_t growth = in_index ? index_.GrowthFor(hash) : 0;
  if (in_index && ordered_ != nullptr) growth += ordered_->GrowthFor(key);
  if (in_dirty_list) growth += ListGrowth();
  return growth;
}

void TableCore::Free(Version* version) { store_.Free(version); }

size_t TableCore::Evict(uint64_t hash, Version* version) {
  const size_t freed = Arena::Capacity(version->size_class, version->bytes());
  if (version->is_mark()) {
    marks_->Erase(hash, version);
    Free(version);
    ++marks_voided_;
    return freed;
  }
  if (version->present()) VoidMark(format::UserKey(version->key()));
  // What a copy was made of takes its place.
  if (Version* left = version->older; left != nullptr) {
    left->newer = nullptr;
    IndexReplace(hash, version, left);
  } else {
    IndexErase(hash, version);
  }
  Free(version);
  evictions_.Add();
  if (ordered_ != nullptr) Account();
  return freed;
}

void TableCore::AddTo(StoreMetrics* metrics) const {
  const uint64_t absent_hits = absent_hits_.Get();  // once: those are a part of the hits
  metrics->hits += present_hits_.Get() + absent_hits;
  metrics->known_absent_hits += absent_hits;
  metrics->misses += misses_.Get();
  metrics->evictions += evictions_.Get();
  metrics->writes += writes_.Get();
}

void TableCore::SetDropped(bool dropped) {
  dropped_ = dropped;
  if (dropped) FailScans(Dropped(meta_.name));
}

void TableCore::FreeAll() {
  ordered_.reset();  // it looks at the versions
  index_.ForEach([this](Version* version) { store_.FreeChain(version); });
  index_.Clear();
  if (marks_ != nullptr) {
    marks_->ForEach([this](Version* mark) { Free(mark); });
    marks_->Clear();
  }
  VoidMarks();
  dirty_ = std::vector<Version*>();
  spare_list_ = std::vector<Version*>();
  sealed_list_bytes_ = 0;
  ranges_ = RangeDeletes();
  Account();
}

Status TableCore::ForEach(VisitFunction visit, void* context) {
  TIDEMARK_RETURN_IF_ERROR(CheckUsable());
  const CallbackGuard guard(store_.in_callback());
  bool going_on = true;
  Status damage;
  TIDEMARK_RETURN_IF_ERROR(
      ForEachBelow([&](std::string_view stored_key, std::string_view stored_value) {
        const std::string_view key = format::UserKey(stored_key);
        if (index_.Find(format::HashKey(key), key) != nullptr)
          return true;  // the cache has it, or a newer one
        const auto value = format::ParseStoredValue(stored_value);
        if (!value) {
          damage = value.error().WithContext("table " + meta_.name);
          return false;
        }
        return going_on = visit(context, key, value->value);
      }));
  TIDEMARK_RETURN_IF_ERROR(damage);
  if (!going_on) return {};
  index_.ForEach([&](Version* version) {
    if (!going_on || !version->present()) return;
    std::string_view key = format::UserKey(version->key());
    std::string_view value = version->value();
    if (version->op == Op::kMerge) {
      bool read_below = false;
      const auto folded = Fold(version, &key, &read_below);
      damage = folded.error();
      going_on = folded.has_value();
      if (!going_on) return;
      value = *folded;
    }
    going_on = visit(context, key, value);
  });
  return damage;
}

Status TableCore::ForEachBelow(
    const std::function<bool(std::string_view, std::string_view)>& visit) {
  if (holds_all()) return {};
  const Layers& layers = store_.layers();
  if (!layers.has_spilled() && ranges_.empty()) return store_.ScanState(meta_.id, visit);
  const auto cursor = layers.NewCursor(meta_.id, "", std::string(format::kKeyGroupBytes, '\xff'),
                                       {.own = &ranges_, .rolled_back = nullptr}, store_.epoch());
  for (cursor->SeekAtOrAfter(""); cursor->valid(); cursor->Next()) {
    if (!visit(cursor->key(), cursor->value())) return {};
  }
  return store_.NoteReadError(cursor->status());
}

}  // namespace tidemark::store
