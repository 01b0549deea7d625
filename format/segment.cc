#include "format/segment.h"

#include "format/assert.h"
#include "format/change_batch_generated.h"
#include "format/checksum.h"
#include "format/flatbuffer.h"
#include "format/frame.h"
#include "format/names.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace tidemark::format {
namespace {

template <class T>
void AppendBigEndian(T value, std::string* out) {
  for (size_t shift = 8 * sizeof(T); shift > 0; shift -= 8)
    out->push_back(static_cast<char>(value >> (shift - 8)));
}

template <class T>
T LoadBigEndian(std::string_view bytes) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value << 8 | static_cast<uint8_t>(bytes[i]));
  return value;
}

Status Corrupt(std::string_view name, std::string_view where, const std::string& problem) {
  return Status(StatusCode::kCorruption, name, std::string(where) + ": " + problem);
}

flatbuffers::Offset<flatbuffers::Vector<uint8_t>> CreateWriter(
    const WriterId& writer, flatbuffers::FlatBufferBuilder* builder) {
  return builder->CreateVector(writer.bytes.data(), writer.bytes.size());
}

// False if there are not exactly sixteen bytes.
bool ReadWriter(const flatbuffers::Vector<uint8_t>* bytes, WriterId* writer) {
  if (bytes == nullptr || bytes->size() != writer->bytes.size()) return false;
  std::memcpy(writer->bytes.data(), bytes->Data(), writer->bytes.size());
  return true;
}

bool AreTableIds(const std::vector<uint32_t>& ids) {
  return (ids.empty() || ids.front() != 0) &&
         std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end();
}

bool ReadTables(const flatbuffers::Vector<uint32_t>* ids, std::vector<uint32_t>* tables) {
  if (ids != nullptr) tables->assign(ids->begin(), ids->end());
  return AreTableIds(*tables);
}

using StoredCounts = flatbuffers::Vector<const fb::TableCount*>;

flatbuffers::Offset<StoredCounts> CreateCounts(const TableCounts& counts,
                                               flatbuffers::FlatBufferBuilder* builder) {
  if (counts.empty()) return {};
  std::vector<fb::TableCount> stored;
  for (const TableCount& count : counts) stored.emplace_back(count.table_id, count.keys);
  return builder->CreateVectorOfStructs(stored);
}

// False if the tables do not ascend from 1 on.
bool ReadCounts(const StoredCounts* stored, TableCounts* counts) {
  if (stored == nullptr) return true;
  std::vector<uint32_t> ids;
  for (flatbuffers::uoffset_t i = 0; i < stored->size(); ++i) {
    const auto count = ElementAt<fb::TableCount>(stored->Data(), i);
    ids.push_back(count.table());
    counts->push_back({count.table(), count.keys()});
  }
  return AreTableIds(ids);
}

// A frame without compression: these are small, and read before anything else is.
std::string FinishFrame(FrameKind kind, const flatbuffers::FlatBufferBuilder& builder) {
  std::string frame;
  const Status status = AppendFrame(kind, BytesOf(builder), Compression::kNone, 0, &frame);
  TIDEMARK_ASSERT(status.ok());  // it fails on gigabytes only
  return frame;
}

}  // namespace

std::string WriterId::Hex() const { return ToHex(bytes); }

WriterId WriterId::Random() {
  WriterId id;
  for (size_t i = 0; i < id.bytes.size(); i += sizeof(uint64_t)) {
    const uint64_t random = RandomUnique();
    std::memcpy(id.bytes.data() + i, &random, sizeof(random));
  }
  return id;
}

void UpdateCounts(const TableCounts& newer, TableCounts* counts) {
  const auto by_table = [](const TableCount& a, const TableCount& b) {
    return a.table_id < b.table_id;
  };
  for (const TableCount& count : newer) {
    const auto at = std::lower_bound(counts->begin(), counts->end(), count, by_table);
    if (at != counts->end() && at->table_id == count.table_id) {
      at->keys = count.keys;
    } else {
      counts->insert(at, count);
    }
  }
}

uint64_t FindCount(const TableCounts& counts, uint32_t table_id) {
  const auto found = std::find_if(counts.begin(), counts.end(), [&](const TableCount& count) {
    return count.table_id == table_id;
  });
  return found == counts.end() ? 0 : found->keys;
}

std::string EncodeSegmentKey(uint64_t last_epoch, uint32_t table_id, std::string_view first_key) {
  std::string key;
  key.reserve(kSegmentKeyPrefixBytes + first_key.size());
  AppendBigEndian(last_epoch, &key);
  AppendBigEndian(table_id, &key);
  return key.append(first_key);
}

Result<SegmentKey> DecodeSegmentKey(std::string_view key, std::string_view where) {
  if (key.size() < kSegmentKeyPrefixBytes)
    return Corrupt("segment-key", where,
                   "expected an entry key of at least " + std::to_string(kSegmentKeyPrefixBytes) +
                       " bytes, got " + std::to_string(key.size()));
  return SegmentKey{.last_epoch = LoadBigEndian<uint64_t>(key),
                    .table_id = LoadBigEndian<uint32_t>(key.substr(sizeof(uint64_t))),
                    .first_key = key.substr(kSegmentKeyPrefixBytes)};
}

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  TIDEMARK_ASSERT(AreTableIds(header.tables));
  flatbuffers::FlatBufferBuilder builder;
  const auto writer = CreateWriter(header.writer, &builder);
  const auto tables = builder.CreateVector(header.tables);
  const auto counts = CreateCounts(header.counts, &builder);
  builder.Finish(fb::CreateSegmentHeader(builder, header.attempt, writer, header.first_epoch,
                                         header.last_epoch, header.unique, header.records,
                                         header.net_change_bytes, tables, counts));
  return FinishFrame(FrameKind::kSegmentHeader, builder);
}

Result<SegmentHeader> DecodeSegmentHeader(std::string_view frame, std::string_view where) {
  std::string scratch;
  TIDEMARK_ASSIGN_OR_RETURN(const FrameView view,
                            ReadFrame(frame, FrameKind::kSegmentHeader, where, &scratch));
  const auto* const root = VerifiedRoot<fb::SegmentHeader>(view.raw);
  if (root == nullptr)
    return Corrupt("segment-header", where, "segment header: no valid FlatBuffer");

  SegmentHeader header;
  header.attempt = root->attempt();
  header.first_epoch = root->first_epoch();
  header.last_epoch = root->last_epoch();
  header.unique = root->unique();
  header.records = root->records();
  header.net_change_bytes = root->net_change_bytes();
  if (!ReadWriter(root->writer_id(), &header.writer))
    return Corrupt("segment-header", where, "segment header: no writer id of 16 bytes");
  if (!ReadTables(root->tables(), &header.tables))
    return Corrupt("segment-header", where, "segment header: table ids do not ascend from 1 on");
  if (!ReadCounts(root->counts(), &header.counts))
    return Corrupt("segment-header", where, "segment header: counts do not ascend from table 1 on");
  if (header.first_epoch == 0 || header.first_epoch > header.last_epoch)
    return Corrupt("segment-header", where,
                   "segment header: epochs " + std::to_string(header.first_epoch) + " to " +
                       std::to_string(header.last_epoch) + " are no range");
  return header;
}

std::string EncodeAppliedMark(const AppliedMark& mark) {
  TIDEMARK_ASSERT(AreTableIds(mark.tables));
  flatbuffers::FlatBufferBuilder builder;
  const auto writer = CreateWriter(mark.at.writer, &builder);
  const auto tables = builder.CreateVector(mark.tables);
  const auto counts = CreateCounts(mark.counts, &builder);
  builder.Finish(
      fb::CreateAppliedMark(builder, mark.at.attempt, writer, mark.at.epoch, tables, counts));
  return FinishFrame(FrameKind::kAppliedMark, builder);
}

Result<AppliedMark> DecodeAppliedMark(std::string_view frame, std::string_view where) {
  std::string scratch;
  TIDEMARK_ASSIGN_OR_RETURN(const FrameView view,
                            ReadFrame(frame, FrameKind::kAppliedMark, where, &scratch));
  const auto* const root = VerifiedRoot<fb::AppliedMark>(view.raw);
  if (root == nullptr) return Corrupt("applied-mark", where, "applied mark: no valid FlatBuffer");

  AppliedMark mark;
  mark.at.attempt = root->attempt();
  mark.at.epoch = root->epoch();
  if (!ReadWriter(root->writer_id(), &mark.at.writer))
    return Corrupt("applied-mark", where, "applied mark: no writer id of 16 bytes");
  if (!ReadTables(root->tables(), &mark.tables))
    return Corrupt("applied-mark", where, "applied mark: table ids do not ascend from 1 on");
  if (!ReadCounts(root->counts(), &mark.counts))
    return Corrupt("applied-mark", where, "applied mark: counts do not ascend from table 1 on");
  return mark;
}

}  // namespace tidemark::format
