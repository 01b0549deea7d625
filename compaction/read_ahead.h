// ReadAhead: the records of a stream, which a thread of its own reads and merges meanwhile.
#pragma once

#include "format/record.h"

#include <memory>

namespace tidemark::compaction {

// For who works on each record about as long as `records` does, and has a processor to spare: both
// are done at once. `records` is used by one thread at a time, and by none once the result is gone.
// Its first batch is read by the caller's thread: few records start no thread.
// Memory: four batches of 256 KiB, or of one larger record, at most.
std::unique_ptr<format::RecordStream> ReadAhead(std::unique_ptr<format::RecordStream> records);

}  // namespace tidemark::compaction
