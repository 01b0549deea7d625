// The merge operator of the state's column families: an operand is added at the end of the value.
#pragma once

#include <rocksdb/merge_operator.h>

#include <memory>

namespace tidemark::storage {

// Values and operands are stored values, header included; the result has the header of the oldest
// one. A header that cannot be read makes the read or compaction fail as Corruption. Its name,
// `tidemark.append`, is persisted with the column family.
const std::shared_ptr<rocksdb::MergeOperator>& AppendOperator();

}  // namespace tidemark::storage
