// BatchEncoder. It runs for every change of every epoch, so Add only appends to columns that are
// reused, and Finish copies each column once into a FlatBuffer whose memory is reused too.
#include "format/assert.h"
#include "format/change_batch.h"
#include "format/change_batch_generated.h"
#include "format/flatbuffer.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace tidemark::format {
namespace {

// A record whose value is far larger than the target leaves buffers behind that are given back.
constexpr size_t kKeptBytesMax = 16 * kBatchTargetBytes;
// What the columns take besides key and value bytes: op, prefix, suffix and value length.
constexpr size_t kFixedBytes = 1 + 2 + 4 + 4;
// Room for the table, the vectors' lengths and padding.
constexpr size_t kTableBytesMax = 256;
// A prefix length has 16 bits; a key that shares more repeats the rest.
constexpr size_t kPrefixMax = std::numeric_limits<uint16_t>::max();

size_t SharedPrefix(std::string_view a, std::string_view b) {
  const size_t limit = std::min({a.size(), b.size(), kPrefixMax});
  size_t shared = 0;
  // Eight bytes at a time; the first difference is the lowest one set.
  for (; shared + 8 <= limit; shared += 8) {
    uint64_t left;
    uint64_t right;
    std::memcpy(&left, a.data() + shared, 8);
    std::memcpy(&right, b.data() + shared, 8);
    if (left != right) return shared + static_cast<size_t>(__builtin_ctzll(left ^ right)) / 8;
  }
  while (shared < limit && a[shared] == b[shared]) ++shared;
  return shared;
}

flatbuffers::Offset<flatbuffers::Vector<uint8_t>> CreateBytes(const std::vector<char>& bytes,
                                                              flatbuffers::FlatBufferBuilder* to) {
  return to->CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

template <class T>
void Clear(std::vector<T>* column) {
  column->clear();
  if (column->capacity() * sizeof(T) > kKeptBytesMax) column->shrink_to_fit();
}

}  // namespace

struct BatchEncoder::Columns {
  std::vector<uint8_t> ops;
  std::vector<uint16_t> prefixes;
  std::vector<uint32_t> suffixes;
  std::vector<uint32_t> value_lengths;
  std::vector<uint64_t> epochs;    // empty while all are equal to last_epoch
  std::vector<uint64_t> expiries;  // empty while none expires
  std::vector<char> key_bytes;
  std::vector<char> value_bytes;

  std::string first_key;
  std::string last_key;
  uint64_t last_epoch = 0;
  Op last_op = Op::kPut;

  flatbuffers::FlatBufferBuilder builder{kBatchTargetBytes + kBatchTargetBytes / 4};
  std::vector<uint32_t> deltas;

  size_t raw_bytes() const {
    return ops.size() * kFixedBytes + key_bytes.size() + value_bytes.size() +
           epochs.size() * sizeof(uint32_t) + expiries.size() * sizeof(uint64_t);
  }

  void CheckOrder(const Record& record, size_t shared) const;
  void AddEpoch(uint64_t epoch);
  void AddExpiry(uint64_t expiry_ms);
  // False if the epochs are too far apart.
  bool MakeDeltas(uint64_t* base_epoch);
  void Build(uint32_t table_id, uint64_t base_epoch, flatbuffers::FlatBufferBuilder* to) const;
  Status Append(uint32_t table_id, Compression codec, int level, std::string* out);
  void Reset();
};

// Compares what follows the shared prefix: a byte of the new key must be the greater one.
void BatchEncoder::Columns::CheckOrder(const Record& record, size_t shared) const {
  const std::string_view tail = std::string_view(last_key).substr(shared);
  const int order = record.key.substr(shared).compare(tail);
  TIDEMARK_ASSERT(order > 0 ||
                  (order == 0 && MayFollow(last_op, last_epoch, record.op, record.epoch)));
}

void BatchEncoder::Columns::AddEpoch(uint64_t epoch) {
  const size_t before = ops.size();
  if (epochs.empty() && before > 0 && epoch != last_epoch) epochs.assign(before, last_epoch);
  if (!epochs.empty()) epochs.push_back(epoch);
  last_epoch = epoch;
}

void BatchEncoder::Columns::AddExpiry(uint64_t expiry_ms) {
  const size_t before = ops.size();
  if (expiries.empty()) {
    if (expiry_ms == 0) return;
    expiries.assign(before, 0);
  }
  expiries.push_back(expiry_ms);
}

bool BatchEncoder::Columns::MakeDeltas(uint64_t* base_epoch) {
  deltas.clear();
  *base_epoch = last_epoch;
  if (epochs.empty()) return true;
  const auto [least, greatest] = std::minmax_element(epochs.begin(), epochs.end());
  *base_epoch = *least;
  if (*greatest - *least > std::numeric_limits<uint32_t>::max()) return false;
  deltas.reserve(epochs.size());
  for (const uint64_t epoch : epochs) deltas.push_back(static_cast<uint32_t>(epoch - *least));
  return true;
}

void BatchEncoder::Columns::Build(uint32_t table_id, uint64_t base_epoch,
                                  flatbuffers::FlatBufferBuilder* to) const {
  // FlatBuffers are built back to front: what is created last stands first.
  const auto values = CreateBytes(value_bytes, to);
  const auto keys = CreateBytes(key_bytes, to);
  const auto lengths = to->CreateVector(value_lengths.data(), value_lengths.size());
  const auto suffix_lengths = to->CreateVector(suffixes.data(), suffixes.size());
  const auto prefix_lengths = to->CreateVector(prefixes.data(), prefixes.size());
  const auto op_bytes = to->CreateVector(ops.data(), ops.size());
  flatbuffers::Offset<flatbuffers::Vector<uint32_t>> epoch_deltas;
  if (!deltas.empty()) epoch_deltas = to->CreateVector(deltas.data(), deltas.size());
  flatbuffers::Offset<flatbuffers::Vector<uint64_t>> expiries_ms;
  if (!expiries.empty()) expiries_ms = to->CreateVector(expiries.data(), expiries.size());

  fb::ChangeBatchBuilder batch(*to);
  batch.add_base_epoch(base_epoch);
  batch.add_expiries_ms(expiries_ms);
  batch.add_value_bytes(values);
  batch.add_value_lengths(lengths);
  batch.add_key_bytes(keys);
  batch.add_key_suffix_lengths(suffix_lengths);
  batch.add_key_prefix_lengths(prefix_lengths);
  batch.add_epoch_deltas(epoch_deltas);
  batch.add_ops(op_bytes);
  batch.add_record_count(static_cast<uint32_t>(ops.size()));
  batch.add_table_id(table_id);
  to->Finish(batch.Finish());
}

Status BatchEncoder::Columns::Append(uint32_t table_id, Compression codec, int level,
                                     std::string* out) {
  // Before anything is built: a FlatBuffer that grows too large aborts.
  if (raw_bytes() + kTableBytesMax > kFrameRawBytesMax)
    return Status(StatusCode::kInvalidArgument, "frame-too-large",
                  "a change batch of " + std::to_string(raw_bytes()) +
                      " raw bytes is over the limit of " + std::to_string(kFrameRawBytesMax));
  uint64_t base_epoch = 0;
  if (!MakeDeltas(&base_epoch))
    return Status(StatusCode::kInvalidArgument, "epoch-span",
                  "the epochs of a change batch are 2^32 or more apart");

  const auto append_frame = [&](const flatbuffers::FlatBufferBuilder& built) {
    return AppendFrame(FrameKind::kChangeBatch, BytesOf(built), codec, level, out);
  };
  if (raw_bytes() <= kKeptBytesMax) {
    Build(table_id, base_epoch, &builder);
    return append_frame(builder);
  }
  // One allocation of the right size instead of growing the kept one step by step, and without the
  // columns while it is compressed.
  flatbuffers::FlatBufferBuilder large(raw_bytes() + kTableBytesMax);
  Build(table_id, base_epoch, &large);
  Reset();
  return append_frame(large);
}

void BatchEncoder::Columns::Reset() {
  Clear(&ops);
  Clear(&prefixes);
  Clear(&suffixes);
  Clear(&value_lengths);
  Clear(&epochs);
  Clear(&expiries);
  Clear(&key_bytes);
  Clear(&value_bytes);
  Clear(&deltas);
  last_key.clear();
  builder.Clear();
}

BatchEncoder::BatchEncoder(Compression codec, int level)
    : columns_(std::make_unique<Columns>()), codec_(codec), level_(level) {}

BatchEncoder::~BatchEncoder() = default;

void BatchEncoder::Add(const Record& record) {
  Columns& to = *columns_;
  TIDEMARK_ASSERT(record.key.size() >= 2 && record.key.size() <= kStoredKeyBytesMax);
  TIDEMARK_ASSERT(HasFittingValue(record));
  const size_t shared = SharedPrefix(record.key, to.last_key);
  if (to.ops.empty())
    to.first_key = record.key;
  else
    to.CheckOrder(record, shared);

  const std::string_view suffix = record.key.substr(shared);
  to.AddEpoch(record.epoch);
  to.AddExpiry(record.expiry_ms);
  to.ops.push_back(static_cast<uint8_t>(record.op));
  to.prefixes.push_back(static_cast<uint16_t>(shared));
  to.suffixes.push_back(static_cast<uint32_t>(suffix.size()));
  to.key_bytes.insert(to.key_bytes.end(), suffix.begin(), suffix.end());
  to.value_lengths.push_back(static_cast<uint32_t>(record.value.size()));
  to.value_bytes.insert(to.value_bytes.end(), record.value.begin(), record.value.end());
  to.last_key.replace(shared, std::string::npos, suffix);
  to.last_op = record.op;
}

bool BatchEncoder::empty() const noexcept { return columns_->ops.empty(); }

size_t BatchEncoder::raw_bytes() const noexcept { return columns_->raw_bytes(); }

std::string_view BatchEncoder::first_key() const noexcept { return columns_->first_key; }

std::string_view BatchEncoder::last_key() const noexcept { return columns_->last_key; }

Status BatchEncoder::Finish(uint32_t table_id, std::string* out) {
  TIDEMARK_ASSERT(table_id != 0);
  if (empty()) return {};
  Status status = columns_->Append(table_id, codec_, level_, out);
  columns_->Reset();
  return status;
}

}  // namespace tidemark::format
