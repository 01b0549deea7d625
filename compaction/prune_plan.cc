#include "compaction/prune_plan.h"

#include "compaction/freed_files.h"
#include "compaction/smallest_prune.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <set>

namespace tidemark::compaction {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using Time = std::chrono::sys_time<milliseconds>;

Status BadRules(std::string message) {
  return Status(StatusCode::kInvalidArgument, "prune-rules", std::move(message));
}

bool HasKeepRules(const PruneRules& rules) {
  return rules.keep_last > 0 || rules.keep_within || rules.keep_hourly > 0 ||
         rules.keep_daily > 0 || rules.keep_weekly > 0;
}

Status CheckRules(const PruneRules& rules) {
  if (!rules.ids.empty() && (HasKeepRules(rules) || rules.free_bytes))
    return BadRules("either the checkpoints that go are given, or rules that choose them");
  if (rules.ids.empty() && !HasKeepRules(rules) && !rules.free_bytes)
    return BadRules(
        "nothing says what goes: expected rules for what is kept, ids, or how much to "
        "free");
  return {};
}

std::string Format(const char* format, std::chrono::year_month_day date, int64_t hour) {
  char text[48];
  std::snprintf(text, sizeof(text), format, static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(hour));
  return text;
}

// A way to cut time into periods; each begins at a number of hours.
struct Period {
  KeptBy by;
  uint32_t PruneRules::*count;
  int64_t hours;
  int64_t offset;      // in hours: the epoch was a Thursday
  const char* format;  // year, month, day, hour
};
constexpr Period kPeriods[] = {
    {KeptBy::kHourly, &PruneRules::keep_hourly, 1, 0, "%04d-%02u-%02uT%02d"},
    {KeptBy::kDaily, &PruneRules::keep_daily, 24, 0, "%04d-%02u-%02u"},
    {KeptBy::kWeekly, &PruneRules::keep_weekly, 168, 72, "week of %04d-%02u-%02u"},
};

int64_t HourOf(int64_t time_ms) {
  return std::chrono::floor<hours>(Time(milliseconds(time_ms))).time_since_epoch().count();
}
int64_t NumberOf(const Period& period, int64_t time_ms) {
  const int64_t shifted = HourOf(time_ms) + period.offset;
  return shifted / period.hours - (shifted % period.hours < 0 ? 1 : 0);
}
std::string NameOf(const Period& period, int64_t number) {
  const hours begin(number * period.hours - period.offset);
  const auto day = std::chrono::floor<days>(begin);
  return Format(period.format, std::chrono::year_month_day(std::chrono::sys_days(day)),
                (begin - day).count());
}

class Planner {
 public:
  Planner(std::span<const format::Manifest* const> lists, std::span<const format::Pin> pins,
          const PruneRules& rules, uint64_t steps_max)
      : lists_(lists), pins_(pins), rules_(rules), steps_max_(steps_max) {
    for (const format::Manifest* const list : lists)
      pinned_files_.push_back(PinnedFilesOf(pins, list->subtask));
  }

  Result<PrunePlan> Run() {
    Gather();
    KeepProtected();
    if (!rules_.ids.empty()) {
      TIDEMARK_RETURN_IF_ERROR(KeepAllButNamed());
    } else {
      KeepByRules();
    }
    if (rules_.free_bytes) TIDEMARK_RETURN_IF_ERROR(KeepWhatNeedNotGo(*rules_.free_bytes));
    AddFiles();
    return std::move(plan_);
  }

 private:
  // What goes of one list.
  std::vector<const format::Checkpoint*> GoingOf(const format::Manifest& list,
                                                 const std::function<bool(size_t)>& goes) const {
    std::vector<const format::Checkpoint*> going;
    for (const format::Checkpoint& checkpoint : list.checkpoints)
      if (goes(index_.at(checkpoint.id))) going.push_back(&checkpoint);
    return going;
  }
  uint64_t BytesFreedIf(const std::function<bool(size_t)>& goes) const {
    uint64_t bytes = 0;
    for (size_t i = 0; i < lists_.size(); ++i)
      for (const format::FileMeta* const file :
           FilesFreed(*lists_[i], GoingOf(*lists_[i], goes), pinned_files_[i]))
        bytes += file->size;
    return bytes;
  }

  void Gather();
  void KeepProtected();
  bool IsComplete(const PlannedCheckpoint& checkpoint) const {
    return checkpoint.subtasks.size() == complete_;
  }
  Status KeepAllButNamed();
  void KeepByRules();
  void KeepByPeriod(const Period& period);
  Status KeepWhatNeedNotGo(uint64_t free_bytes);
  std::vector<bool> SmallestThatFree(uint64_t bytes);
  std::vector<bool> OldestThatFree(uint64_t bytes) const;
  std::vector<FileSpan> Spans() const;
  void AddFiles();
  PlannedCheckpoint& At(uint64_t id) { return plan_.checkpoints[index_.at(id)]; }

  const std::span<const format::Manifest* const> lists_;
  const std::span<const format::Pin> pins_;
  const PruneRules& rules_;
  const uint64_t steps_max_;
  std::vector<PinnedFiles> pinned_files_;  // of each list
  std::map<uint64_t, size_t> index_;       // by id
  size_t complete_ = 0;                    // subtasks that a complete checkpoint has
  std::vector<size_t> newest_first_;       // complete ones
  PrunePlan plan_;
};

void Planner::Gather() {
  std::map<uint64_t, PlannedCheckpoint> by_id;
  for (const format::Manifest* const list : lists_) {
    for (const format::Checkpoint& checkpoint : list->checkpoints) {
      const auto [found, is_new] = by_id.try_emplace(checkpoint.id);
      PlannedCheckpoint& planned = found->second;
      planned.id = checkpoint.id;
      planned.time_ms = is_new ? checkpoint.time_ms : std::max(planned.time_ms, checkpoint.time_ms);
      planned.subtasks.push_back(list->subtask);
      complete_ = std::max(complete_, planned.subtasks.size());
    }
  }
  for (auto& [id, planned] : by_id) {
    index_[id] = plan_.checkpoints.size();
    plan_.checkpoints.push_back(std::move(planned));
  }
  for (size_t i = plan_.checkpoints.size(); i-- > 0;)
    if (IsComplete(plan_.checkpoints[i])) newest_first_.push_back(i);
}

void Planner::KeepProtected() {
  std::set<uint64_t> newest;
  for (const format::Manifest* const list : lists_)
    if (!list->checkpoints.empty()) newest.insert(list->checkpoints.back().id);
  for (const uint64_t id : newest) At(id).kept_by.push_back({KeptBy::kNewest});
  if (!newest_first_.empty()) {
    PlannedCheckpoint& complete = plan_.checkpoints[newest_first_.front()];
    if (complete.kept_by.empty()) complete.kept_by.push_back({KeptBy::kNewestComplete});
  }
  for (const format::Pin& pin : pins_) {
    bool is_listed = false;
    for (const format::Manifest* const list : lists_) {
      const format::Manifest* const pinned = pin.FindList(list->subtask);
      const format::Checkpoint* const found = list->FindCheckpoint(pin.checkpoint);
      is_listed |=
          pinned != nullptr && found != nullptr && found->at == pinned->checkpoints.front().at;
    }
    if (is_listed) At(pin.checkpoint).kept_by.push_back({KeptBy::kPin, pin.name});
  }
}

Status Planner::KeepAllButNamed() {
  const std::set<uint64_t> named(rules_.ids.begin(), rules_.ids.end());
  for (const uint64_t id : named) {
    if (!index_.contains(id))
      return Status(StatusCode::kNotFound, "checkpoint-not-found",
                    "there is no checkpoint " + std::to_string(id) + " in any subtask's list");
    const PlannedCheckpoint& planned = At(id);
    if (planned.goes()) continue;
    const KeepReason& why = planned.kept_by.back();
    return Status(
        StatusCode::kBusy, "checkpoint-kept",
        "checkpoint " + std::to_string(id) +
            (why.by == KeptBy::kPin ? " is kept by pin `" + why.detail + "`; unpin it first"
                                    : " is the newest, which is never dropped"));
  }
  for (PlannedCheckpoint& planned : plan_.checkpoints)
    if (planned.goes() && !named.contains(planned.id))
      planned.kept_by.push_back({KeptBy::kNotNamed});
  return {};
}

void Planner::KeepByRules() {
  if (newest_first_.empty()) return;
  for (size_t i = 0; i < std::min<size_t>(rules_.keep_last, newest_first_.size()); ++i)
    plan_.checkpoints[newest_first_[i]].kept_by.push_back({KeptBy::kLast});
  if (rules_.keep_within) {
    int64_t oldest_ms = 0;
    if (__builtin_sub_overflow(plan_.checkpoints[newest_first_.front()].time_ms,
                               rules_.keep_within->count(), &oldest_ms))
      oldest_ms = std::numeric_limits<int64_t>::min();
    for (const size_t i : newest_first_)
      if (plan_.checkpoints[i].time_ms >= oldest_ms)
        plan_.checkpoints[i].kept_by.push_back({KeptBy::kWithin});
  }
  for (const Period& period : kPeriods) KeepByPeriod(period);
}

void Planner::KeepByPeriod(const Period& period) {
  uint32_t left = rules_.*period.count;
  std::optional<int64_t> last;
  for (const size_t i : newest_first_) {
    if (left == 0) return;
    PlannedCheckpoint& checkpoint = plan_.checkpoints[i];
    const int64_t number = NumberOf(period, checkpoint.time_ms);
    if (number == last) continue;
    last = number;
    checkpoint.kept_by.push_back({period.by, NameOf(period, number)});
    --left;
  }
}

Status Planner::KeepWhatNeedNotGo(uint64_t free_bytes) {
  const uint64_t most = BytesFreedIf([&](size_t i) { return plan_.checkpoints[i].goes(); });
  if (most < free_bytes)
    return Status(StatusCode::kBusy, "prune-free",
                  "there is not so much to free: expected " + std::to_string(free_bytes) +
                      " bytes, got " + std::to_string(most) +
                      " bytes if everything went that may; nothing is dropped");
  std::vector<bool> chosen(plan_.checkpoints.size());
  if (free_bytes > 0) chosen = SmallestThatFree(free_bytes);
  for (size_t i = 0; i < chosen.size(); ++i)
    if (plan_.checkpoints[i].goes() && !chosen[i])
      plan_.checkpoints[i].kept_by.push_back({KeptBy::kNotNeeded});
  return {};
}

std::vector<bool> Planner::SmallestThatFree(uint64_t bytes) {
  std::vector<bool> may_go;
  for (const PlannedCheckpoint& planned : plan_.checkpoints) may_go.push_back(planned.goes());
  const auto found = SmallestPrune(Spans(), may_go, bytes, steps_max_);
  // Where a subtask lacks checkpoints the spans are longer than they need be.
  plan_.is_smallest = found.has_value() && newest_first_.size() == may_go.size();
  if (!found) return OldestThatFree(bytes);
  std::vector<bool> chosen(may_go.size());
  for (const size_t i : *found) chosen[i] = true;
  return chosen;
}

// The more go, the more is freed: the number of them is found by halving.
std::vector<bool> Planner::OldestThatFree(uint64_t bytes) const {
  size_t enough = plan_.checkpoints.size();
  for (size_t too_few = 0; enough - too_few > 1;) {
    const size_t middle = too_few + (enough - too_few) / 2;
    const auto goes = [&](size_t i) { return i < middle && plan_.checkpoints[i].goes(); };
    (BytesFreedIf(goes) >= bytes ? enough : too_few) = middle;
  }
  std::vector<bool> chosen(plan_.checkpoints.size());
  for (size_t i = 0; i < enough; ++i) chosen[i] = plan_.checkpoints[i].goes();
  return chosen;
}

// What needs a file are neighbours, so its first and its last user say all. Were it otherwise, less
// would be counted than is freed.
std::vector<FileSpan> Planner::Spans() const {
  std::map<std::pair<size_t, size_t>, uint64_t> spans;
  for (size_t l = 0; l < lists_.size(); ++l) {
    const format::Manifest& list = *lists_[l];
    std::map<uint64_t, std::pair<size_t, size_t>> files;
    std::map<uint64_t, std::pair<size_t, size_t>> bases;
    const auto extend = [](auto* spans_of, uint64_t id, size_t first, size_t last) {
      const auto [found, is_new] = spans_of->try_emplace(id, first, last);
      if (is_new) return;
      found->second.first = std::min(found->second.first, first);
      found->second.second = std::max(found->second.second, last);
    };
    for (const format::Checkpoint& checkpoint : list.checkpoints) {
      const size_t i = index_.at(checkpoint.id);
      if (checkpoint.base != 0) extend(&bases, checkpoint.base, i, i);
      for (const uint64_t segment : checkpoint.segments) extend(&files, segment, i, i);
    }
    for (const auto& [id, span] : bases)
      for (const format::BaseFile& file : list.bases.at(id).files)
        extend(&files, file.file, span.first, span.second);
    for (const auto& [id, span] : files) {
      const format::FileMeta& file = list.files.at(id);
      if (file.kind != format::FileKind::kInlined && !pinned_files_[l].contains(file.name))
        spans[span] += file.size;
    }
  }
  std::vector<FileSpan> result;
  for (const auto& [span, bytes] : spans) result.push_back({span.first, span.second, bytes});
  return result;
}

void Planner::AddFiles() {
  for (size_t i = 0; i < lists_.size(); ++i) {
    const auto going =
        GoingOf(*lists_[i], [&](size_t index) { return plan_.checkpoints[index].goes(); });
    for (const format::FileMeta* const file : FilesFreed(*lists_[i], going, pinned_files_[i])) {
      plan_.files.push_back({lists_[i]->subtask, file->name, file->size});
      plan_.freed_bytes += file->size;
    }
  }
}

}  // namespace

Result<PrunePlan> PlanPrune(std::span<const format::Manifest* const> lists,
                            std::span<const format::Pin> pins, const PruneRules& rules,
                            uint64_t steps_max) {
  TIDEMARK_RETURN_IF_ERROR(CheckRules(rules));
  return Planner(lists, pins, rules, steps_max).Run();
}

}  // namespace tidemark::compaction
