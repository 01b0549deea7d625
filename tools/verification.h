// Verification: runs the checks of storage/verify.h over the checkpoints of one subtask, and puts
// what was found in the user's terms: which file, which checkpoints are made of it, what is intact.
//
// A live writer drops checkpoints and files while we look. A file that is gone is therefore looked
// up again in the newest list before anything is called damaged.
#pragma once

#include "storage/verify.h"
#include "tools/catalog.h"
#include "tools/selector.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tidemark::tools {

// Records of a table that a damaged file may have held.
struct LostKeys {
  format::TableMeta table;
  std::string first;                // stored key; empty: from the beginning
  std::optional<std::string> last;  // unset: to the end
};

struct Finding {
  Status error;
  std::string file;  // the object's name in the repository; empty if the list itself is at fault
  std::vector<uint64_t> checkpoints;  // all retained ones that it affects, ascending
  // What the list says of the file, which may not be readable any more; unset if the list itself is
  // at fault.
  std::optional<format::FileMeta> meta = std::nullopt;
  std::vector<LostKeys> lost{};  // by table; empty if that is not known
};

enum class CheckpointResult : uint8_t {
  kGood,        // nothing found at the level of this run
  kDamaged,     // proven
  kIncomplete,  // something could not be read, which proves nothing
};

struct CheckedCheckpoint {
  uint64_t id = 0;
  int64_t time_ms = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
  CheckpointResult result = CheckpointResult::kGood;
  bool asked = true;  // false: looked at only to find one that is intact
};

struct Amount {
  uint64_t checkpoints = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
  Amount& operator+=(const Amount& other);
};

// What was found in one subtask.
struct SubtaskFindings {
  uint32_t subtask = 0;
  std::vector<CheckedCheckpoint> checkpoints;  // ascending
  std::vector<Finding> findings;
  // Asked for, and not there (`checkpoint-not-found`), or dropped by the writer meanwhile
  // (`checkpoint-dropped`), or the list went on changing (`manifest-moving`).
  std::vector<Status> unanswered;
  std::vector<uint64_t> dropped;  // of all, not asked for by id, that the writer dropped meanwhile
  Amount checked;                 // of what the list names; bytes: whose content was read
  Amount available;               // in the list
  std::optional<uint64_t> newest_good;

  bool damaged() const;
};

// Called now and then with what has been read so far.
using VerifyProgress = std::function<void(const Amount&)>;

// Thread safety: one thread at a time.
class Verification {
 public:
  // All of them outlive this. `subtask` has a list; it is read again if need be. Nothing selected
  // means everything.
  Verification(const Catalog& catalog, Subtask* subtask, storage::VerifyLevel level,
               VerifyProgress progress)
      : catalog_(catalog), subtask_(*subtask), level_(level), progress_(std::move(progress)) {}

  // Of all files that it would look at, only those that `chosen` takes; checkpoints count as good
  // where nothing is known against them.
  void Restrict(std::function<bool(const format::FileMeta&)> chosen) {
    chosen_ = std::move(chosen);
  }

  SubtaskFindings Run(const std::vector<Selector>& selected);

 private:
  void Select(const std::vector<Selector>& selected);
  void VerifyUntilListHolds();
  void VerifyFiles();
  void VerifyAll(const std::vector<const format::FileMeta*>& files);
  bool AnyVanished() const;
  Result<bool> ListMovedOn();
  void ForgetVanished();
  void DropUnretained();
  void SearchGoodOne();
  const format::Checkpoint* NextCandidate() const;
  CheckpointResult ResultOf(const format::Checkpoint& checkpoint) const;
  void Summarize();
  const std::vector<Status>& ListFindings(const format::Checkpoint& checkpoint) const;
  void AddFileFindings();
  Amount Checked() const;
  CheckedCheckpoint Describe(const format::Checkpoint& checkpoint) const;

  const format::Manifest& manifest() const { return subtask_.manifest(); }

  const Catalog& catalog_;
  Subtask& subtask_;
  const storage::VerifyLevel level_;
  const VerifyProgress progress_;
  std::function<bool(const format::FileMeta&)> chosen_;

  bool asked_for_some_ = false;
  std::set<uint64_t> asked_;          // ids
  std::set<uint64_t> extra_;          // ids looked at beyond that
  std::map<uint64_t, Status> known_;  // by FileMeta::id, which is never reused
  Amount progress_so_far_;
  // What the list itself gets wrong, by checkpoint; of the current list.
  mutable std::map<uint64_t, std::vector<Status>> list_findings_;
  SubtaskFindings result_;
};

}  // namespace tidemark::tools
