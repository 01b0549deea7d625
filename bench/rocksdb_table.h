// RocksDbTable: the column family that a state of a RocksDB peer lives in, read and written at once
// or through the batch of the epoch.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/utilities/write_batch_with_index.h>
#include <rocksdb/write_batch.h>
#include <tidemark/status.h>

#include <functional>
#include <memory>

namespace tidemark::bench {

// RocksDB's status as ours.
inline Status Translate(const rocksdb::Status& status) {
  if (status.ok()) return {};
  return Status(StatusCode::kInternal, "rocksdb", status.ToString());
}

// Statuses are RocksDB's. Thread safety: one thread at a time.
class RocksDbTable {
 public:
  virtual ~RocksDbTable() = default;

  virtual rocksdb::Status Put(const rocksdb::Slice& key, const rocksdb::Slice& value) = 0;
  virtual rocksdb::Status Merge(const rocksdb::Slice& key, const rocksdb::Slice& operand) = 0;
  virtual rocksdb::Status Delete(const rocksdb::Slice& key) = 0;
  // What `fill` puts into a batch, in one write.
  using Fill = std::function<rocksdb::Status(rocksdb::WriteBatchBase&)>;
  virtual rocksdb::Status WriteTogether(const Fill& fill) = 0;

  virtual rocksdb::Status Get(const rocksdb::Slice& key, rocksdb::PinnableSlice& value) = 0;
  virtual std::unique_ptr<rocksdb::Iterator> Iterate(const rocksdb::ReadOptions& options) = 0;
};

// Each change is a write of its own, without a log. `db` outlives the table.
class DirectTable final : public RocksDbTable {
 public:
  explicit DirectTable(rocksdb::DB& db) : db_(db) { write_options_.disableWAL = true; }

  rocksdb::Status Put(const rocksdb::Slice& key, const rocksdb::Slice& value) override;
  rocksdb::Status Merge(const rocksdb::Slice& key, const rocksdb::Slice& operand) override;
  rocksdb::Status Delete(const rocksdb::Slice& key) override;
  rocksdb::Status WriteTogether(const Fill& fill) override;
  rocksdb::Status Get(const rocksdb::Slice& key, rocksdb::PinnableSlice& value) override;
  std::unique_ptr<rocksdb::Iterator> Iterate(const rocksdb::ReadOptions& options) override;

 private:
  rocksdb::DB& db_;
  rocksdb::WriteOptions write_options_;
  const rocksdb::ReadOptions read_options_;
  rocksdb::WriteBatch batch_;
};

// Changes gather in a batch, through which reads see them, until Commit. `db` outlives the table.
class BatchTable final : public RocksDbTable {
 public:
  explicit BatchTable(rocksdb::DB& db)
      : db_(db),
        batch_(rocksdb::BytewiseComparator(), /*reserved_bytes=*/0, /*overwrite_key=*/true) {}

  // Writes what the batch amounts to with one call, in key order, and goes on with an empty one.
  // The batch itself also has what was overwritten in it, which would cost the log and the
  // memtable.
  rocksdb::Status Commit(const rocksdb::WriteOptions& options);

  rocksdb::Status Put(const rocksdb::Slice& key, const rocksdb::Slice& value) override;
  rocksdb::Status Merge(const rocksdb::Slice& key, const rocksdb::Slice& operand) override;
  rocksdb::Status Delete(const rocksdb::Slice& key) override;
  rocksdb::Status WriteTogether(const Fill& fill) override;
  rocksdb::Status Get(const rocksdb::Slice& key, rocksdb::PinnableSlice& value) override;
  std::unique_ptr<rocksdb::Iterator> Iterate(const rocksdb::ReadOptions& options) override;

 private:
  rocksdb::Status CollectLastChanges();

  rocksdb::DB& db_;
  const rocksdb::ReadOptions read_options_;
  rocksdb::WriteBatchWithIndex batch_;
  rocksdb::WriteBatch last_changes_;
};

}  // namespace tidemark::bench
