// The state as of one applied epoch, read through a RocksDB snapshot.
#pragma once

#include "storage/database.h"
#include "storage/live_database.h"

#include <rocksdb/options.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidemark::storage {

using TableFamilies = std::map<uint32_t, ColumnFamily>;  // by table id

// A cursor over [from, to) of a column family, not positioned yet. It shares both.
std::unique_ptr<StateCursor> NewRocksDbCursor(std::shared_ptr<Database> database,
                                              ColumnFamily family, rocksdb::ReadOptions options,
                                              std::string_view from, std::string_view to);

class SnapshotView final : public StateView {
 public:
  // Takes a snapshot now; `tables` are those of the mark at `epoch`.
  SnapshotView(std::shared_ptr<Database> database, TableFamilies tables, uint64_t epoch);
  ~SnapshotView() override;

  Result<bool> Get(uint32_t table_id, std::string_view stored_key,
                   std::string* value) const override;
  Status MultiGet(uint32_t table_id, const std::vector<std::string>& stored_keys,
                  std::vector<std::optional<std::string>>* values) const override;
  uint64_t EstimateKeys(uint32_t table_id) const override;
  Status Scan(uint32_t table_id,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override;
  std::unique_ptr<StateCursor> NewCursor(uint32_t table_id, std::string_view from,
                                         std::string_view to) const override;

 private:
  Status Failed(const rocksdb::Status& status, std::string_view what, uint32_t table_id) const;

  // Constant after construction. The families keep theirs alive though it be dropped meanwhile.
  const std::shared_ptr<Database> database_;
  const TableFamilies tables_;
  const rocksdb::Snapshot* const snapshot_;
  rocksdb::ReadOptions get_options_;
  rocksdb::ReadOptions scan_options_;
};

}  // namespace tidemark::storage
