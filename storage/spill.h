// What an epoch has moved out of memory because it is larger than that. It is part of no
// checkpoint: nothing depends on its being durable, and what a crash leaves goes when the live
// database is opened again.
#pragma once

#include "format/record.h"

#include <tidemark/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tidemark::storage {

class StateCursor;

// One sorted run of an epoch. Without Finish nothing of it is there.
//
// Thread safety: one thread at a time.
class SpillRun {
 public:
  virtual ~SpillRun() = default;
  // Tables ascend, and stored keys within a table.
  virtual Status Add(uint32_t table_id, std::string_view stored_key, format::Op op,
                     std::string_view value) = 0;
  // Puts the run above those before, all of it or, on error, nothing. Returns its bytes.
  virtual Result<uint64_t> Finish() = 0;
};

// The runs of one epoch. They are dropped with its last owner, before the LiveDatabase is closed.
//
// Thread safety: while runs are added, the thread that adds them; afterwards any.
class SpilledEpoch {
 public:
  virtual ~SpilledEpoch() = default;
  virtual uint64_t epoch() const = 0;
  virtual std::unique_ptr<SpillRun> NewRun() = 0;
  virtual bool HasTable(uint32_t table_id) const = 0;
  // The newest record of a key, see ParseSpilledRecord: false if there is none.
  virtual Result<bool> Get(uint32_t table_id, std::string_view stored_key,
                           std::string* record) const = 0;
  // Over the newest records of the stored keys in [from, to).
  virtual std::unique_ptr<StateCursor> NewCursor(uint32_t table_id, std::string_view from,
                                                 std::string_view to) const = 0;
  // The newest records of a table; it shares the ownership of the epoch.
  virtual std::unique_ptr<format::RecordStream> NewStream(uint32_t table_id) const = 0;
};

// A record's value in a run: [op u8][stored value, header included; nothing for a delete].
struct SpilledRecord {
  format::Op op = format::Op::kPut;
  std::string_view stored_value;
};
// Corruption (`spilled-record`).
Result<SpilledRecord> ParseSpilledRecord(std::string_view record);

}  // namespace tidemark::storage
