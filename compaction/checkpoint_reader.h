// CheckpointReader: the live records of one checkpoint: its base, and the changes of its segments
// on top, merged as they are read. It says what a restore of the checkpoint would hold, and needs
// no room for it.
#pragma once

#include "format/manifest.h"
#include "format/record.h"
#include "storage/checkpoint_files.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::compaction {

// Records of segments merged: what of a table has changed since the base. `segments` are oldest
// first; see MergeNewest.
std::unique_ptr<format::RecordStream> ChangesOf(
    const std::vector<storage::CheckpointFiles::Segment>& segments, uint32_t table_id,
    uint64_t after_epoch, std::vector<std::unique_ptr<format::RecordStream>> newer = {});

// Thread safety: const members from any thread; a stream from one at a time.
class CheckpointReader {
 public:
  explicit CheckpointReader(std::shared_ptr<const storage::CheckpointFiles> files)
      : files_(std::move(files)) {}

  const storage::CheckpointFiles& files() const noexcept { return *files_; }

  // The live records of a table with stored keys in [from, to), ascending; all puts. An unset `to`
  // is the end. The epoch of a record is that of its last change, 0 if the base has it. Reads the
  // whole log of the table before `from` too, for range deletes that reach there, unless the kind
  // of table cannot have any. Keeps the files open. Errors: Corruption, Unavailable; of a value
  // that expires, IncompatibleFormat.
  std::unique_ptr<format::RecordStream> Scan(const format::TableMeta& table,
                                             std::string_view from = {},
                                             std::optional<std::string> to = std::nullopt) const;
  // The value of one key; unset if it has none. Errors as above.
  Result<std::optional<std::string>> Get(const format::TableMeta& table,
                                         std::string_view stored_key) const;

 private:
  const std::shared_ptr<const storage::CheckpointFiles> files_;
};

// Values of ascending keys, each at the price of the frames that may hold it. Of a table that may
// have range deletes all of the log is read first, to find them.
//
// Thread safety: one thread at a time.
class ForwardLookup {
 public:
  // `reader` outlives this. Errors as those of Scan.
  static Result<std::unique_ptr<ForwardLookup>> Open(const CheckpointReader& reader,
                                                     const format::TableMeta& table);
  // The value of `stored_key`, which is above those of earlier calls; unset if there is none. Valid
  // until the next call.
  Result<std::optional<std::string_view>> Find(std::string_view stored_key);
  // Whether a range delete is in the segment of this file (FileMeta::id).
  bool HasRangeDeletes(uint64_t file) const;

 private:
  struct Range {
    std::string from;
    std::string to;
  };
  struct Input {
    uint64_t file = 0;
    std::unique_ptr<format::SkippingStream> stream;
    bool has_record = false;
    bool ended = false;
    std::vector<Range> ranges;  // ascending
    size_t next_range = 0;
    std::vector<std::string> open_ends;  // of ranges that began at or before the last key

    Status MoveTo(std::string_view stored_key);
    bool IsDeleted(std::string_view stored_key);
  };

  ForwardLookup(const storage::CheckpointFiles& files, uint32_t table_id)
      : files_(files), table_id_(table_id) {}
  Result<std::optional<std::string_view>> LookUp(std::string_view stored_key);
  std::optional<std::string_view> Joined();

  const storage::CheckpointFiles& files_;
  const uint32_t table_id_;
  std::vector<Input> inputs_;  // newest first
  std::vector<std::string> pieces_;
  std::string stored_;
  std::string value_;
};

// Whether a store can have written range deletes of this kind of table: those that are ordered, and
// maps.
bool MayHaveRangeDeletes(const format::TableMeta& table);

}  // namespace tidemark::compaction
