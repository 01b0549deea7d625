// The merge operators of the RocksDB peers.
#pragma once

#include <rocksdb/merge_operator.h>

#include <memory>

namespace tidemark::bench {

// For lists: operands and values are elements one behind the other; merging them is joining bytes.
std::shared_ptr<rocksdb::MergeOperator> MakeAppendOperator();

// For values that are changed unseen: operands are Changes, which are applied one after the other
// when the value is read, flushed or compacted. A key without a value is an error then.
std::shared_ptr<rocksdb::MergeOperator> MakeChangeOperator();

}  // namespace tidemark::bench
