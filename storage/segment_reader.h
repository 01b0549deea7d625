// SegmentReader: one segment file, open for reading table by table.
#pragma once

#include "format/record.h"
#include "format/segment.h"
#include "storage/file_system.h"

#include <tidemark/status.h>

#include <cstdint>
#include <memory>
#include <string>

namespace tidemark::storage {

// Thread safety: const members from any thread; a stream from one at a time.
class SegmentReader : public std::enable_shared_from_this<SegmentReader> {
 public:
  // The caller has verified the file's checksum. It may be unlinked once this returns. Corruption
  // for one that is no segment, Unavailable.
  static Result<std::shared_ptr<const SegmentReader>> Open(const FileSystemPtr& fs,
                                                           const std::string& path);
  virtual ~SegmentReader() = default;

  const format::SegmentHeader& header() const noexcept { return header_; }
  // The records of one table, none if it has none here. Keeps the reader alive. Memory: one frame.
  virtual std::unique_ptr<format::SkippingStream> Records(uint32_t table_id) const = 0;

 protected:
  format::SegmentHeader header_;
};

}  // namespace tidemark::storage
