#include "bench/lmdb_table.h"

#include <filesystem>

namespace tidemark::bench {
namespace {

// Of addresses; the file grows as it is used.
constexpr size_t kMapBytes = size_t{64} << 30;
constexpr mdb_mode_t kFileMode = 0644;

Status Translate(int code) {
  if (code == MDB_SUCCESS) return {};
  return Status(StatusCode::kInternal, "lmdb", mdb_strerror(code));
}

// LMDB does not write through it.
MDB_val ToLmdb(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }

std::string_view FromLmdb(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

}  // namespace

Status LmdbTable::OpenEnvironment(const std::string& path, unsigned flags) {
  std::filesystem::create_directories(path);
  TIDEMARK_RETURN_IF_ERROR(Translate(mdb_env_create(&environment_)));
  TIDEMARK_RETURN_IF_ERROR(Translate(mdb_env_set_mapsize(environment_, kMapBytes)));
  return Translate(mdb_env_open(environment_, path.c_str(), flags, kFileMode));
}

Status LmdbTable::OpenForWriting(const std::string& path) {
  TIDEMARK_RETURN_IF_ERROR(OpenEnvironment(path, /*flags=*/0));
  return Begin(/*flags=*/0);
}

Status LmdbTable::OpenForReading(const std::string& path) {
  TIDEMARK_RETURN_IF_ERROR(OpenEnvironment(path, MDB_RDONLY));
  return Begin(MDB_RDONLY);
}

void LmdbTable::Close() {
  if (cursor_) mdb_cursor_close(cursor_);
  if (transaction_) mdb_txn_abort(transaction_);
  if (environment_) mdb_env_close(environment_);
  cursor_ = nullptr, transaction_ = nullptr, environment_ = nullptr;
}

Status LmdbTable::Begin(unsigned flags) {
  TIDEMARK_RETURN_IF_ERROR(
      Translate(mdb_txn_begin(environment_, /*parent=*/nullptr, flags, &transaction_)));
  TIDEMARK_RETURN_IF_ERROR(
      Translate(mdb_dbi_open(transaction_, /*name=*/nullptr, /*flags=*/0, &database_)));
  return Translate(mdb_cursor_open(transaction_, database_, &cursor_));
}

Status LmdbTable::Commit() {
  mdb_cursor_close(cursor_);
  cursor_ = nullptr;
  const int committed = mdb_txn_commit(transaction_);
  transaction_ = nullptr;
  TIDEMARK_RETURN_IF_ERROR(Translate(committed));
  return Begin(/*flags=*/0);
}

Status LmdbTable::Put(std::string_view key, std::string_view value) {
  MDB_val stored_key = ToLmdb(key);
  MDB_val stored = ToLmdb(value);
  return Translate(mdb_cursor_put(cursor_, &stored_key, &stored, /*flags=*/0));
}

Result<bool> LmdbTable::Find(std::string_view key, std::string_view& value) {
  MDB_val sought = ToLmdb(key);
  TableEntry entry;
  TIDEMARK_ASSIGN_OR_RETURN(const bool found, Move(MDB_SET_KEY, sought, entry));
  if (found) value = entry.value;
  return found;
}

// The cursor is there, so nothing is searched again.
Status LmdbTable::PutFound(std::string_view key, std::string_view value) {
  MDB_val stored_key = ToLmdb(key);
  MDB_val stored = ToLmdb(value);
  return Translate(mdb_cursor_put(cursor_, &stored_key, &stored, MDB_CURRENT));
}

Status LmdbTable::Remove(std::string_view key) {
  std::string_view value;
  TIDEMARK_ASSIGN_OR_RETURN(const bool found, Find(key, value));
  return found ? Translate(mdb_cursor_del(cursor_, /*flags=*/0)) : Status();
}

Result<bool> LmdbTable::Seek(std::string_view key, TableEntry& entry) {
  MDB_val sought = ToLmdb(key);
  return Move(MDB_SET_RANGE, sought, entry);
}

Result<bool> LmdbTable::Next(TableEntry& entry) {
  MDB_val key;
  return Move(MDB_NEXT, key, entry);
}

Result<bool> LmdbTable::Move(MDB_cursor_op how, MDB_val& key, TableEntry& entry) {
  MDB_val value;
  const int code = mdb_cursor_get(cursor_, &key, &value, how);
  if (code == MDB_NOTFOUND) return false;
  TIDEMARK_RETURN_IF_ERROR(Translate(code));
  entry = {FromLmdb(key), FromLmdb(value)};
  return true;
}

}  // namespace tidemark::bench
