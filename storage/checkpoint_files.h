// CheckpointFiles: one checkpoint, open for reading where it lies: its base as a RocksDB that is
// only read, and the segments behind it. For whoever looks into a repository without being its
// writer: nothing in the repository is created, changed, linked or locked.
#pragma once

#include "format/manifest.h"
#include "storage/block_cache.h"
#include "storage/file_system.h"
#include "storage/live_database.h"
#include "storage/segment_reader.h"

#include <tidemark/storage.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tidemark::storage {

struct CheckpointFilesOptions {
  // A directory outside of the repository that is empty or absent, and that the caller removes
  // afterwards. Where objects are local files it gets symbolic links to them, elsewhere copies;
  // segments that a manifest version holds are written to it.
  std::string scratch;
  FileSystemPtr fs = DefaultFileSystem();
  std::shared_ptr<BlockCache> block_cache = std::make_shared<BlockCache>(uint64_t{32} << 20);
};

// Where an object is read, and what it is.
struct LocalName {
  std::string path;
  std::string object;  // with the storage's URI

  // The error with the object in place of the path.
  Status In(Status error) const;
};

// Thread safety: const members from any thread.
class CheckpointFiles {
 public:
  // Opens a checkpoint of `list`; all of its files stay open until this goes, so a writer may
  // delete them. Names and sizes are looked at, and RocksDB's MANIFEST is hashed; everything else
  // has checksums of its own, of blocks and frames, which are checked as it is read. Corruption:
  // `file-missing`, `file-size`, `file-checksum` and `live-file-missing` (a writer may have deleted
  // it since `list` was read), `base-mark`, `base-file-name`, `segment-header`, and RocksDB's.
  // Unavailable, ResourceExhausted.
  static Result<std::shared_ptr<const CheckpointFiles>> Open(const CheckpointStorage& storage,
                                                             const format::Manifest& list,
                                                             const format::Checkpoint& checkpoint,
                                                             const CheckpointFilesOptions& options);

  uint64_t base_epoch() const noexcept { return base_epoch_; }
  // Null if the checkpoint starts from the empty state.
  const StateView* base() const noexcept { return base_.get(); }
  // About how many keys the base has of a table.
  uint64_t EstimateBaseKeys(uint32_t table_id) const;
  // Ids (FileMeta::id) of the base's SSTs that hold something of the table.
  std::set<uint64_t> BaseFilesOf(uint32_t table_id) const;

  // The keys that one of the base's SSTs holds, ascending, each as a put of nothing that is newer
  // than any segment; null if that is not all that it says (it deletes something), if it holds
  // more than `entries_max`, or if it has no name any more. Errors: as of opening and reading SSTs.
  Result<std::unique_ptr<format::RecordStream>> KeysOf(uint64_t file, uint64_t entries_max) const;

  struct Segment {
    uint64_t file = 0;  // FileMeta::id
    std::shared_ptr<const SegmentReader> reader;
    LocalName name;
  };
  // Oldest first.
  const std::vector<Segment>& segments() const noexcept { return segments_; }

  // An error of what this has opened, with the object in place of the path below `scratch` that it
  // names.
  Status InRepository(Status error) const;

  // Segments alone, of any checkpoints of `list`, in the order that they are given in. Errors as
  // Open.
  static Result<std::vector<Segment>> OpenSegments(const CheckpointStorage& storage,
                                                   const format::Manifest& list,
                                                   const std::vector<uint64_t>& files,
                                                   const CheckpointFilesOptions& options);

 private:
  class Opening;

  FileSystemPtr fs_;
  uint64_t base_epoch_ = 0;
  std::shared_ptr<const StateView> base_;
  std::map<uint64_t, std::string> base_paths_;  // of SSTs, by FileMeta::id
  std::vector<LocalName> names_;
  std::map<uint32_t, std::set<uint64_t>> base_files_;  // by table
  std::map<uint32_t, uint64_t> base_keys_;             // by table
  std::vector<Segment> segments_;
};

}  // namespace tidemark::storage
