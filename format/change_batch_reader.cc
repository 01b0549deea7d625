// BatchReader. Everything is checked in Open; Next then only follows the columns.
#include "format/change_batch.h"
#include "format/change_batch_generated.h"
#include "format/flatbuffer.h"
#include "format/little_endian.h"

#include <limits>
#include <numeric>

namespace tidemark::format {
namespace {

// Memory that a frame with a huge value needed is given back before the next frame.
constexpr size_t kKeptBytesMax = 16 * kBatchTargetBytes;

Status Corrupt(std::string_view name, std::string_view where, const std::string& problem) {
  return Status(StatusCode::kCorruption, name, std::string(where) + ": change batch: " + problem);
}

std::string Place(uint32_t record) { return "record " + std::to_string(record); }

template <class T>
size_t SizeOf(const flatbuffers::Vector<T>* column) {
  return column == nullptr ? 0 : column->size();
}

// The verifier has checked alignment for elements of up to four bytes.
template <class T>
const T* DataOf(const flatbuffers::Vector<T>* column) {
  return column == nullptr ? nullptr : reinterpret_cast<const T*>(column->Data());
}

std::string_view TextOf(const flatbuffers::Vector<uint8_t>* column) {
  if (column == nullptr) return {};
  return {reinterpret_cast<const char*>(column->Data()), column->size()};
}

uint64_t Sum(const uint32_t* lengths, uint32_t count) {
  return std::accumulate(lengths, lengths + count, uint64_t{0});
}

}  // namespace

Status BatchReader::Open(std::string_view frame, std::string_view where) {
  record_count_ = 0;
  Rewind();
  if (scratch_.size() > kKeptBytesMax) scratch_ = std::string();
  TIDEMARK_ASSIGN_OR_RETURN(const FrameView view,
                            ReadFrame(frame, FrameKind::kChangeBatch, where, &scratch_));
  const auto* const batch = VerifiedRoot<fb::ChangeBatch>(view.raw);
  if (batch == nullptr) return Corrupt("batch-structure", where, "no valid FlatBuffer");
  if (batch->record_count() == 0) return Corrupt("batch-structure", where, "no records");
  if (batch->table_id() == 0) return Corrupt("batch-structure", where, "table 0 is no table");

  TIDEMARK_RETURN_IF_ERROR(ReadColumns(*batch, where));
  table_id_ = batch->table_id();
  record_count_ = batch->record_count();
  Status checked = CheckRecords(where);
  if (!checked.ok()) record_count_ = 0;
  Rewind();
  return checked;
}

Status BatchReader::ReadColumns(const fb::ChangeBatch& batch, std::string_view where) {
  const uint32_t count = batch.record_count();
  const auto complete = [count](const auto* column) { return SizeOf(column) == count; };
  const auto complete_or_absent = [count](const auto* column) {
    return column == nullptr || column->size() == count;
  };
  if (!complete(batch.ops()) || !complete(batch.key_prefix_lengths()) ||
      !complete(batch.key_suffix_lengths()) || !complete(batch.value_lengths()) ||
      !complete_or_absent(batch.epoch_deltas()) || !complete_or_absent(batch.expiries_ms()))
    return Corrupt("batch-columns", where,
                   "a column has another length than the " + std::to_string(count) + " records");

  columns_ =
      Columns{.ops = DataOf(batch.ops()),
              .key_prefix_lengths = DataOf(batch.key_prefix_lengths()),
              .key_suffix_lengths = DataOf(batch.key_suffix_lengths()),
              .value_lengths = DataOf(batch.value_lengths()),
              .epoch_deltas = DataOf(batch.epoch_deltas()),
              .expiries_ms = batch.expiries_ms() == nullptr ? nullptr : batch.expiries_ms()->Data(),
              .key_bytes = TextOf(batch.key_bytes()),
              .value_bytes = TextOf(batch.value_bytes()),
              .base_epoch = batch.base_epoch()};
  if (Sum(columns_.key_suffix_lengths, count) != columns_.key_bytes.size() ||
      Sum(columns_.value_lengths, count) != columns_.value_bytes.size())
    return Corrupt("batch-columns", where, "lengths do not add up to the bytes of keys or values");
  return {};
}

// Goes through all records as Next does, checking each before it becomes the current one.
Status BatchReader::CheckRecords(std::string_view where) {
  for (uint32_t i = 0; i < record_count_; ++i) {
    const size_t prefix = columns_.key_prefix_lengths[i];
    const size_t suffix = columns_.key_suffix_lengths[i];
    if (prefix > key_.size() || prefix + suffix < kKeyGroupBytes ||
        prefix + suffix > kStoredKeyBytesMax)
      return Corrupt("batch-columns", where,
                     "the key of " + Place(i) + " has a prefix of " + std::to_string(prefix) +
                         " and a suffix of " + std::to_string(suffix) + " bytes");
    if (columns_.epoch_deltas != nullptr &&
        columns_.epoch_deltas[i] > std::numeric_limits<uint64_t>::max() - columns_.base_epoch)
      return Corrupt("batch-columns", where, "the epoch of " + Place(i) + " is too large");
    if (!IsOp(columns_.ops[i]))
      return Corrupt("batch-op", where,
                     Place(i) + " has the unknown op " + std::to_string(columns_.ops[i]));

    const std::string_view tail(key_.data() + prefix, key_.size() - prefix);
    const int order = columns_.key_bytes.substr(key_offset_, suffix).compare(tail);
    const Record before = record_;  // its key is about to change and is not looked at
    Step();
    const bool may_follow =
        order > 0 || (order == 0 && MayFollow(before.op, before.epoch, record_.op, record_.epoch));
    if (i > 0 && !may_follow) return Corrupt("batch-order", where, Place(i) + " is out of order");
    if (!HasFittingValue(record_))
      return Corrupt(
          "batch-op", where,
          Place(i) + " has a value that does not fit op " + std::to_string(columns_.ops[i]));
  }
  return {};
}

void BatchReader::Rewind() {
  key_.clear();
  record_ = {};
  next_ = 0;
  key_offset_ = 0;
  value_offset_ = 0;
}

Result<bool> BatchReader::Next() {
  if (next_ == record_count_) return false;
  Step();
  return true;
}

void BatchReader::Step() {
  const uint32_t i = next_++;
  const size_t prefix = columns_.key_prefix_lengths[i];
  const size_t suffix = columns_.key_suffix_lengths[i];
  key_.resize(prefix + suffix);
  columns_.key_bytes.copy(key_.data() + prefix, suffix, key_offset_);
  key_offset_ += suffix;

  record_.key = {key_.data(), key_.size()};
  record_.value = columns_.value_bytes.substr(value_offset_, columns_.value_lengths[i]);
  value_offset_ += columns_.value_lengths[i];
  record_.epoch =
      columns_.base_epoch + (columns_.epoch_deltas == nullptr ? 0 : columns_.epoch_deltas[i]);
  record_.expiry_ms = columns_.expiries_ms == nullptr
                          ? 0
                          : LoadLittleEndian<uint64_t>(columns_.expiries_ms + size_t{8} * i);
  record_.op = static_cast<Op>(columns_.ops[i]);
}

}  // namespace tidemark::format
