// LmdbTable: the one database of an LMDB environment, in one transaction after the other.
#pragma once

#include "bench/ordered_states.h"

#include <lmdb.h>
#include <tidemark/status.h>

#include <string>
#include <string_view>

namespace tidemark::bench {

// Its members are those that ordered_states.h asks for, and the ends of transactions.
//
// Thread safety: one thread, the same one from Open to Close, which is LMDB's condition.
class LmdbTable {
 public:
  LmdbTable() = default;
  ~LmdbTable() { Close(); }
  LmdbTable(const LmdbTable&) = delete;
  LmdbTable& operator=(const LmdbTable&) = delete;

  // Creates what is missing at `path`, and begins a transaction.
  Status OpenForWriting(const std::string& path);
  // Begins one that reads what was committed last.
  Status OpenForReading(const std::string& path);
  // What has not been committed is lost.
  void Close();

  // Commits, and syncs, the transaction, and begins the next one.
  Status Commit();

  Status Put(std::string_view key, std::string_view value);
  Result<bool> Find(std::string_view key, std::string_view& value);
  Status PutFound(std::string_view key, std::string_view value);
  Status Remove(std::string_view key);
  Result<bool> Seek(std::string_view key, TableEntry& entry);
  Result<bool> Next(TableEntry& entry);

 private:
  Status OpenEnvironment(const std::string& path, unsigned flags);
  Status Begin(unsigned flags);
  Result<bool> Move(MDB_cursor_op how, MDB_val& key, TableEntry& entry);

  MDB_env* environment_ = nullptr;
  MDB_txn* transaction_ = nullptr;
  MDB_dbi database_ = 0;
  MDB_cursor* cursor_ = nullptr;  // of the transaction
};

}  // namespace tidemark::bench
