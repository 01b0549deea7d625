// Change batches: about 128 KiB of records of one table, as columns, in one frame.
#pragma once

#include "format/frame.h"
#include "format/key.h"
#include "format/record.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::fb {
struct ChangeBatch;
}

namespace tidemark::format {

constexpr size_t kBatchTargetBytes = size_t{128} << 10;

// Turns records into frames. Reuse one encoder for many frames: its buffers stay.
// Thread safety: one thread at a time.
class BatchEncoder {
 public:
  BatchEncoder(Compression codec, int level);
  ~BatchEncoder();
  BatchEncoder(const BatchEncoder&) = delete;
  BatchEncoder& operator=(const BatchEncoder&) = delete;

  // Adds a record. Asserted: its key is a stored key; records come in the order that record.h
  // describes; a delete has no value; a range delete ends above its key.
  void Add(const Record& record);
  bool empty() const noexcept;
  // Raw bytes so far, all columns counted; callers finish the frame at kBatchTargetBytes, but never
  // between two records of a key.
  size_t raw_bytes() const noexcept;
  // The stored key of the first record. Valid until the first Add after Finish.
  std::string_view first_key() const noexcept;
  // The stored key of the last record; empty if there is none yet.
  std::string_view last_key() const noexcept;
  // Appends the frame of the records added since the last Finish to `out` (nothing if there are
  // none), and starts anew, also after an error. `table_id` is not 0. InvalidArgument:
  // `frame-too-large`, or `epoch-span` for epochs that are 2^32 or more apart; Internal as
  // AppendFrame.
  Status Finish(uint32_t table_id, std::string* out);

 private:
  struct Columns;
  std::unique_ptr<Columns> columns_;
  Compression codec_;
  int level_;
};

// Reads the records of one frame. Reuse one reader for many frames.
class BatchReader final : public RecordStream {
 public:
  BatchReader() = default;
  BatchReader(const BatchReader&) = delete;
  BatchReader& operator=(const BatchReader&) = delete;

  // Verifies the frame, the FlatBuffers structure and every column (lengths add up, prefixes fit,
  // ops are known, keys ascend and hold a key group) before the first record, so that Next cannot
  // fail afterwards. `frame` must outlive the reading. After an error there are no records.
  // Corruption as ReadFrame, or
  //   batch-structure   no ChangeBatch, one without records, or one of table 0
  //   batch-columns     columns of the wrong length, or lengths that do not fit each other
  //   batch-order       keys or epochs out of order
  //   batch-op          an unknown op, a delete with a value, a range delete without a range
  Status Open(std::string_view frame, std::string_view where);
  uint32_t table_id() const noexcept { return table_id_; }
  uint32_t record_count() const noexcept { return record_count_; }
  // The views of a record are valid until the next call of Next or Open. Values are not aligned.
  Result<bool> Next() override;

 private:
  // The columns, inside the frame or `scratch_`.
  struct Columns {
    const uint8_t* ops = nullptr;
    const uint16_t* key_prefix_lengths = nullptr;
    const uint32_t* key_suffix_lengths = nullptr;
    const uint32_t* value_lengths = nullptr;
    const uint32_t* epoch_deltas = nullptr;  // null: all 0
    const uint8_t* expiries_ms = nullptr;    // u64 LE each, perhaps unaligned; null: all 0
    std::string_view key_bytes;
    std::string_view value_bytes;
    uint64_t base_epoch = 0;
  };

  Status ReadColumns(const fb::ChangeBatch& batch, std::string_view where);
  Status CheckRecords(std::string_view where);
  void Rewind();
  void Step();

  std::string scratch_;
  std::vector<char> key_;  // the current record's key
  Columns columns_;
  uint32_t table_id_ = 0;
  uint32_t record_count_ = 0;
  uint32_t next_ = 0;
  size_t key_offset_ = 0;
  size_t value_offset_ = 0;
};

}  // namespace tidemark::format
