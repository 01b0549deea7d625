#include "bench/wiredtiger_table.h"

#include <filesystem>

namespace tidemark::bench {
namespace {

constexpr const char* kTable = "table:state";
// README.md says why each option has the value that it has.
constexpr const char* kTableOptions =
    "key_format=u,value_format=u,access_pattern_hint=random,block_compressor=snappy";

Status Translate(int code) {
  if (code == 0) return {};
  return Status(StatusCode::kInternal, "wiredtiger", wiredtiger_strerror(code));
}

WT_ITEM ToWiredTiger(std::string_view bytes) {
  WT_ITEM item{};
  item.data = bytes.data();
  item.size = bytes.size();
  return item;
}

std::string_view FromWiredTiger(const WT_ITEM& item) {
  return {static_cast<const char*>(item.data), item.size};
}

}  // namespace

WiredTigerTable::~WiredTigerTable() {
  // An engine that has failed has said so already.
  static_cast<void>(Close());
}

Status WiredTigerTable::Connect(const std::string& path, const WiredTigerOptions& options,
                                const std::string& how) {
  const std::string config =
      how + ",cache_size=" + std::to_string(options.cache_bytes) +
      ",eviction=(threads_min=1,threads_max=" + std::to_string(options.eviction_threads) +
      "),extensions=[" TIDEMARK_BENCH_WIREDTIGER "]";
  TIDEMARK_RETURN_IF_ERROR(Translate(
      wiredtiger_open(path.c_str(), /*errhandler=*/nullptr, config.c_str(), &connection_)));
  return Translate(connection_->open_session(connection_, nullptr, nullptr, &session_));
}

Status WiredTigerTable::OpenForWriting(const std::string& path, const WiredTigerOptions& options) {
  std::filesystem::create_directories(path);
  TIDEMARK_RETURN_IF_ERROR(Connect(path, options, "create"));
  TIDEMARK_RETURN_IF_ERROR(Translate(session_->create(session_, kTable, kTableOptions)));
  return Translate(session_->open_cursor(session_, kTable, nullptr, nullptr, &cursor_));
}

Status WiredTigerTable::OpenCheckpoint(const std::string& path, const WiredTigerOptions& options,
                                       const std::string& name) {
  TIDEMARK_RETURN_IF_ERROR(Connect(path, options, "readonly=true"));
  const std::string config = "checkpoint=" + name;
  return Translate(session_->open_cursor(session_, kTable, nullptr, config.c_str(), &cursor_));
}

Status WiredTigerTable::Close() {
  cursor_ = nullptr, session_ = nullptr;
  if (!connection_) return {};
  WT_CONNECTION* const connection = connection_;
  connection_ = nullptr;
  return Translate(connection->close(connection, nullptr));
}

// A cursor that stands somewhere keeps its page and its snapshot.
Status WiredTigerTable::Checkpoint(const std::string& name, const std::string& dropped) {
  TIDEMARK_RETURN_IF_ERROR(Translate(cursor_->reset(cursor_)));
  const std::string config = "name=" + name + ",drop=(" + dropped + ")";
  return Translate(session_->checkpoint(session_, config.c_str()));
}

Status WiredTigerTable::Put(std::string_view key, std::string_view value) {
  WT_ITEM stored_key = ToWiredTiger(key);
  WT_ITEM stored = ToWiredTiger(value);
  cursor_->set_key(cursor_, &stored_key);
  cursor_->set_value(cursor_, &stored);
  return Translate(cursor_->insert(cursor_));
}

Result<bool> WiredTigerTable::Find(std::string_view key, std::string_view& value) {
  WT_ITEM sought = ToWiredTiger(key);
  cursor_->set_key(cursor_, &sought);
  const int code = cursor_->search(cursor_);
  if (code == WT_NOTFOUND) return false;
  TIDEMARK_RETURN_IF_ERROR(Translate(code));
  WT_ITEM found{};
  TIDEMARK_RETURN_IF_ERROR(Translate(cursor_->get_value(cursor_, &found)));
  value = FromWiredTiger(found);
  return true;
}

// The cursor is there, so nothing is searched again.
Status WiredTigerTable::PutFound(std::string_view /*key*/, std::string_view value) {
  WT_ITEM stored = ToWiredTiger(value);
  cursor_->set_value(cursor_, &stored);
  return Translate(cursor_->update(cursor_));
}

Status WiredTigerTable::Remove(std::string_view key) {
  WT_ITEM stored_key = ToWiredTiger(key);
  cursor_->set_key(cursor_, &stored_key);
  const int code = cursor_->remove(cursor_);
  return code == WT_NOTFOUND ? Status() : Translate(code);
}

Result<bool> WiredTigerTable::Seek(std::string_view key, TableEntry& entry) {
  WT_ITEM sought = ToWiredTiger(key);
  cursor_->set_key(cursor_, &sought);
  int position = 0;
  const int code = cursor_->search_near(cursor_, &position);
  if (code == 0 && position < 0) return Next(entry);
  return Read(code, entry);
}

Result<bool> WiredTigerTable::Next(TableEntry& entry) {
  return Read(cursor_->next(cursor_), entry);
}

Result<bool> WiredTigerTable::Read(int code, TableEntry& entry) {
  if (code == WT_NOTFOUND) return false;
  TIDEMARK_RETURN_IF_ERROR(Translate(code));
  WT_ITEM key{};
  WT_ITEM value{};
  TIDEMARK_RETURN_IF_ERROR(Translate(cursor_->get_key(cursor_, &key)));
  TIDEMARK_RETURN_IF_ERROR(Translate(cursor_->get_value(cursor_, &value)));
  entry = {FromWiredTiger(key), FromWiredTiger(value)};
  return true;
}

}  // namespace tidemark::bench
