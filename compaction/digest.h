// ContentDigest: what a checkpoint's content is, in one number that does not depend on how it is
// stored: a SHA-256 over all live records in order. Two checkpoints with the same digest restore to
// the same state, whatever bases and segments they are made of. docs/FORMAT.md defines what is
// hashed.
//
// It goes through a job table by table, and through each table subtask by subtask, so that the
// digest of a whole job is the same for every number of subtasks.
#pragma once

#include "format/key.h"
#include "format/manifest.h"
#include "format/record.h"
#include "storage/live_database.h"

#include <tidemark/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tidemark::compaction {

// Thread safety: one thread at a time.
class ContentDigest {
 public:
  ContentDigest();
  ~ContentDigest();
  ContentDigest(const ContentDigest&) = delete;
  ContentDigest& operator=(const ContentDigest&) = delete;

  // A table begins, the one before has ended. Their names ascend.
  void BeginTable(const format::TableMeta& table);
  // All that `view` has of the table. Views of several subtasks follow each other by their key
  // groups, and `table_id` is that of each one's own list. Blocks for reading. Corruption
  // (`stored-key`, `value-header`, `key-group-order`, and what reading finds), naming the table;
  // Unavailable. After an error the digest is of no use.
  Status Add(const storage::StateView& view, uint32_t table_id);
  // The same of live records, ascending.
  Status Add(format::RecordStream& records);
  void EndTable();

  // 64 lower-case hexadecimal digits; the digest is done with. Internal (`digest-failed`) if
  // libcrypto refuses SHA-256 or has no memory for it.
  Result<std::string> Finish();

 private:
  class Sha256;
  Status AddRecord(std::string_view stored_key, const format::StoredValue& value);
  void AppendInteger(uint64_t value, size_t bytes);
  // With its length.
  void AppendString(std::string_view bytes);
  void Flush();

  const std::unique_ptr<Sha256> hash_;
  std::string buffer_;  // what is to be hashed next: most records are smaller than a call is worth
  std::string table_;   // the name of the one begun
  uint16_t group_ = 0;  // of its last key
};

}  // namespace tidemark::compaction
