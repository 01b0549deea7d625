#include "bench/rocksdb_table.h"

#include <memory>
#include <utility>

namespace tidemark::bench {

using rocksdb::Slice;

namespace {

// Ends at `bound` even where the iterator of a batch over a database does not: behind the bound it
// may show what the batch has there (facebook/rocksdb issue 11606).
class BoundedIterator final : public rocksdb::Iterator {
 public:
  BoundedIterator(std::unique_ptr<rocksdb::Iterator> iterator, const Slice& bound)
      : iterator_(std::move(iterator)), bound_(bound) {}

  bool Valid() const override { return iterator_->Valid() && iterator_->key().compare(bound_) < 0; }
  void SeekToFirst() override { iterator_->SeekToFirst(); }
  void SeekToLast() override { iterator_->SeekToLast(); }
  void Seek(const Slice& key) override { iterator_->Seek(key); }
  void SeekForPrev(const Slice& key) override { iterator_->SeekForPrev(key); }
  void Next() override { iterator_->Next(); }
  void Prev() override { iterator_->Prev(); }
  Slice key() const override { return iterator_->key(); }
  Slice value() const override { return iterator_->value(); }
  rocksdb::Status status() const override { return iterator_->status(); }

 private:
  const std::unique_ptr<rocksdb::Iterator> iterator_;
  const Slice bound_;
};

}  // namespace

rocksdb::Status DirectTable::Put(const Slice& key, const Slice& value) {
  return db_.Put(write_options_, key, value);
}

rocksdb::Status DirectTable::Merge(const Slice& key, const Slice& operand) {
  return db_.Merge(write_options_, key, operand);
}

rocksdb::Status DirectTable::Delete(const Slice& key) { return db_.Delete(write_options_, key); }

rocksdb::Status DirectTable::WriteTogether(const Fill& fill) {
  batch_.Clear();
  const rocksdb::Status status = fill(batch_);
  return status.ok() ? db_.Write(write_options_, &batch_) : status;
}

rocksdb::Status DirectTable::Get(const Slice& key, rocksdb::PinnableSlice& value) {
  return db_.Get(read_options_, db_.DefaultColumnFamily(), key, &value);
}

std::unique_ptr<rocksdb::Iterator> DirectTable::Iterate(const rocksdb::ReadOptions& options) {
  return std::unique_ptr<rocksdb::Iterator>(db_.NewIterator(options));
}

rocksdb::Status BatchTable::Commit(const rocksdb::WriteOptions& options) {
  rocksdb::Status status = CollectLastChanges();
  if (status.ok()) status = db_.Write(options, &last_changes_);
  batch_.Clear();
  return status;
}

// The index leads to the last change of each key, and to all of its merges.
rocksdb::Status BatchTable::CollectLastChanges() {
  last_changes_.Clear();
  const std::unique_ptr<rocksdb::WBWIIterator> changes(batch_.NewIterator());
  rocksdb::Status status;
  for (changes->SeekToFirst(); status.ok() && changes->Valid(); changes->Next()) {
    const rocksdb::WriteEntry change = changes->Entry();
    switch (change.type) {
      case rocksdb::kPutRecord:
        status = last_changes_.Put(change.key, change.value);
        break;
      case rocksdb::kMergeRecord:
        status = last_changes_.Merge(change.key, change.value);
        break;
      case rocksdb::kDeleteRecord:
        status = last_changes_.Delete(change.key);
        break;
      default:
        status = rocksdb::Status::NotSupported("a kind of change that no state makes");
    }
  }
  return status.ok() ? changes->status() : status;
}

rocksdb::Status BatchTable::Put(const Slice& key, const Slice& value) {
  return batch_.Put(key, value);
}

rocksdb::Status BatchTable::Merge(const Slice& key, const Slice& operand) {
  return batch_.Merge(key, operand);
}

rocksdb::Status BatchTable::Delete(const Slice& key) { return batch_.Delete(key); }

rocksdb::Status BatchTable::WriteTogether(const Fill& fill) { return fill(batch_); }

rocksdb::Status BatchTable::Get(const Slice& key, rocksdb::PinnableSlice& value) {
  return batch_.GetFromBatchAndDB(&db_, read_options_, key, &value);
}

std::unique_ptr<rocksdb::Iterator> BatchTable::Iterate(const rocksdb::ReadOptions& options) {
  std::unique_ptr<rocksdb::Iterator> iterator(
      batch_.NewIteratorWithBase(db_.DefaultColumnFamily(), db_.NewIterator(options), &options));
  if (!options.iterate_upper_bound) return iterator;
  return std::make_unique<BoundedIterator>(std::move(iterator), *options.iterate_upper_bound);
}

}  // namespace tidemark::bench
