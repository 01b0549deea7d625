// TableCore's part in merge operands. The one merge there is adds bytes at the end of a value.
//
// An operand stays a version of its own, for the change log, until RocksDB has merged it. The value
// that it makes is read when somebody asks, or folded when the value that it lies on is released,
// and then kept as a copy on top of it:
//
//   index -> [copy: value and operand] -> [operand, epoch 7] -> [operand, epoch 6] -> (RocksDB)
//
// Appending extends both, so a list that is appended to and read by turns is folded once.
#include "format/key.h"
#include "store/store_core.h"
#include "store/table_core.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tidemark::store {

namespace {

using format::Op;

using format::kAppendedBytesMax;
using format::kValueTooLong;

Status NotAList(const std::string& table) {
  return Status(StatusCode::kUnsupported, "table-not-list",
                "table `" + table + "`: only tables of kind kList can be appended to");
}

Status ListTooLong(const std::string& table, uint64_t bytes, uint64_t limit) {
  return Status(StatusCode::kInvalidArgument, kValueTooLong,
                "table `" + table + "`: a list of " + std::to_string(bytes) +
                    " bytes; the limit is " + std::to_string(limit) +
                    " (StoreOptions::value_bytes_max)");
}

bool FitsMore(const Version& version, std::string_view bytes) {
  return version.Fits(version.value_size + bytes.size());
}

void AddAtEnd(Version* version, std::string_view bytes) {
  if (!bytes.empty())
    std::memcpy(version->value_data() + version->value_size, bytes.data(), bytes.size());
  version->value_size += static_cast<uint32_t>(bytes.size());
}

}  // namespace

// ---- Reading ----

Result<std::string_view> TableCore::Fold(const Version* newest, std::string_view* key,
                                         bool* read_below) {
  const uint64_t view_epoch = store_.view()->epoch();
  std::vector<std::string_view> operands;  // newest first
  const Version* version = newest;
  for (; version != nullptr && version->op == Op::kMerge && version->epoch > view_epoch;
       version = version->older) {
    operands.push_back(version->value());
  }
  std::string_view base;
  if (version != nullptr && version->op != Op::kMerge) {
    base = version->value();
    if (!version->present()) base = {};
  } else {
    const uint16_t group = GroupOf(format::HashKey(*key), *key);
    TIDEMARK_ASSIGN_OR_RETURN(const Below below, store_.ReadBelow(meta_.id, ranges_, group, key));
    base = below.value.value_or("");
    *read_below = true;
  }
  uint64_t bytes = base.size();
  for (const std::string_view operand : operands) bytes += operand.size();
  if (bytes > kAppendedBytesMax) return ListTooLong(meta_.name, bytes, kAppendedBytesMax);
  folded_.assign(base);
  for (auto operand = operands.rbegin(); operand != operands.rend(); ++operand) folded_ += *operand;
  return std::string_view(folded_);
}

Result<TableCore::Found> TableCore::ReadMerged(uint64_t hash, std::string_view key) {
  bool read_below = false;
  Version* newest = index_.Find(hash, key);
  TIDEMARK_ASSIGN_OR_RETURN(std::string_view value, Fold(newest, &key, &read_below));
  const size_t bytes = Version::BytesFor(key.size() + format::kKeyGroupBytes, value.size());
  bool has_room = store_.HasRoomFor(bytes, 0);
  if (!has_room) {
    fold_key_.assign(key);  // it may lie in the cache
    key = fold_key_;
    // Lists that are released on the way are folded into the buffer too.
    std::string folded = std::move(folded_);
    has_room = store_.MakeRoomForClean(bytes, GrowthFor(hash, key, true, false));
    folded_ = std::move(folded);
    value = folded_;
    // The operand may have been released, or what it lies on: then RocksDB has the value, or a copy
    // is there.
    newest = index_.Find(hash, key);
    if (newest == nullptr || newest->op != Op::kMerge) return Read(newest, hash, key);
  }
  (read_below ? misses_ : present_hits_).Add();
  if (!has_room) return Found{newest, value, false, key};
  Version* copy = PutCopy(hash, key, value, newest);
  return Found{copy, copy->value(), false, key};
}

Version* TableCore::PutCopy(uint64_t hash, std::string_view key, std::string_view value,
                            Version* newest) {
  const uint64_t epoch = newest != nullptr ? newest->epoch : 0;
  Version* copy = NewVersion(hash, key, value, Op::kPut, epoch | Version::kCopyBit);
  PutOver(hash, newest, copy);
  store_.SetMayEvict();
  return copy;
}

// Else RocksDB would be asked for what is all here, and a table that holds all of its keys would
// hold them no longer.
void TableCore::KeepMerged(const Version& value) {
  uint64_t bytes = value.value_size;
  Version* newest = value.newer;
  for (;; newest = newest->newer) {
    if (newest->op != Op::kMerge) return;  // a copy, or another value
    bytes += newest->value_size;
    if (newest->newer == nullptr) break;
  }
  if (bytes > kAppendedBytesMax ||
      !store_.HasRoomFor(Version::BytesFor(value.key_size(), bytes), 0))
    return;
  folded_.assign(value.value());
  for (const Version* operand = value.newer; operand != nullptr; operand = operand->newer)
    folded_ += operand->value();
  const std::string_view key = format::UserKey(value.key());
  PutCopy(format::HashKey(key), key, folded_, newest)->referenced = newest->referenced;
}

void TableCore::ForgetMerged(Version* version) {
  VoidMark(format::UserKey(version->key()));
  IndexErase(format::HashKey(format::UserKey(version->key())), version);
  Free(version);
}

// ---- Appending ----

Status TableCore::AppendBytes(std::string_view key, std::string_view bytes) {
  if (meta_.kind != TableKind::kList) return NotAList(meta_.name);
  const uint64_t hash = format::HashKey(key);
  std::string key_copy;
  std::string bytes_copy;
  for (bool made_room = false;;) {
    Version* newest = FindAndMark(hash, key);
    // To an absent key it is a put.
    const bool is_new = newest == nullptr && HoldsAllOf(key);
    if (is_new || (newest != nullptr && !newest->present() && !newest->is_copy()))
      return Write(hash, key, newest, Op::kPut, bytes, false);
    Version* listed = newest != nullptr && newest->is_copy() ? newest->older : newest;
    Version* own = listed != nullptr && listed->epoch == store_.epoch() ? listed : nullptr;
    const uint64_t size = bytes.size() + (own != nullptr ? own->value_size : 0);
    uint64_t spilled = 0;
    // It lies below what an own operand adds; an own put has replaced it. Asked for only where it
    // may matter.
    if (size + spilled_value_max_ > store_.value_bytes_max() && store_.HasSpilled(meta_.id) &&
        (own == nullptr || own->op == Op::kMerge)) [[unlikely]] {
      TIDEMARK_ASSIGN_OR_RETURN(spilled, SpilledBytes(hash, key));
    }
    if (size + spilled > store_.value_bytes_max())
      return ListTooLong(meta_.name, size + spilled, store_.value_bytes_max());
    const size_t needed = Version::BytesFor(key.size() + format::kKeyGroupBytes,
                                            own != nullptr ? size : bytes.size());
    const size_t growth = own != nullptr ? 0 : GrowthFor(hash, key, newest == nullptr, true);
    const bool has_room =
        made_room ? store_.HasRoomAtAll(needed, growth) : store_.HasRoomFor(needed, growth);
    if (has_room || (own != nullptr && own->Fits(size))) {
      own != nullptr ? ExtendOwn(hash, key, own, bytes) : PushOperand(hash, key, newest, bytes);
      writes_.Add();
      store_.ReleaseSome();
      store_.SlowDownIfGrown();
      return {};
    }
    // Making room may take any of these versions away, and what the arguments are views of.
    key = key_copy = std::string(key);
    bytes = bytes_copy = std::string(bytes);
    TIDEMARK_RETURN_IF_ERROR(store_.MakeRoom(needed, growth));
    made_room = true;
  }
}

// A put, or an operand, of the current epoch becomes longer.
void TableCore::ExtendOwn(uint64_t hash, std::string_view key, Version* own,
                          std::string_view bytes) {
  const size_t added = bytes.size();
  store_.AddEpochBytes(bytes.size());
  if (FitsMore(*own, bytes)) {
    AddAtEnd(own, bytes);
  } else {
    Version* longer = NewVersion(hash, key, own->value(), own->op, own->epoch, bytes);
    TakePlace(hash, own, longer);
    own = longer;
  }
  if (own->newer != nullptr)
    ExtendCopy(hash, own->newer, own->value().substr(own->value_size - added));
}

// The first operand of its key in the current epoch. A clean value becomes its copy.
void TableCore::PushOperand(uint64_t hash, std::string_view key, Version* newest,
                            std::string_view bytes) {
  Version* operand = NewVersion(hash, key, bytes, Op::kMerge, store_.epoch());
  if (newest != nullptr) operand->referenced = newest->referenced;
  Version* copy = nullptr;
  if (newest == nullptr) {
    IndexInsert(hash, operand);
  } else if (newest->is_copy()) {
    copy = newest;
    operand->older = copy->older;
  } else if (store_.IsClean(*newest)) {
    copy = newest;
  } else {
    operand->older = newest;
    IndexReplace(hash, newest, operand);
  }
  if (operand->older != nullptr) operand->older->newer = operand;
  MarkDirty(operand);
  if (copy == nullptr) return;
  copy->older = operand;
  operand->newer = copy;
  copy->epoch = operand->epoch | Version::kCopyBit;
  ExtendCopy(hash, copy, operand->value());
}

void TableCore::ExtendCopy(uint64_t hash, Version* copy, std::string_view bytes) {
  const uint64_t size = copy->value_size + bytes.size();
  const bool fits = FitsMore(*copy, bytes);
  const bool has_room = fits || store_.HasRoomFor(Version::BytesFor(copy->key_size(), size), 0);
  if (size > kAppendedBytesMax || !copy->present() || !has_room) {
    TakeOff(hash, copy);
  } else if (fits) {
    AddAtEnd(copy, bytes);
  } else {
    Version* longer =
        NewVersion(hash, format::UserKey(copy->key()), copy->value(), Op::kPut, copy->epoch, bytes);
    longer->referenced = copy->referenced;
    longer->older = copy->older;
    longer->older->newer = longer;
    IndexReplace(hash, copy, longer);
    Free(copy);
  }
}

}  // namespace tidemark::store
