#include "compaction/planner.h"

#include <algorithm>
#include <span>

namespace tidemark::compaction {

namespace {

using Action = Plan::Action;

// Below these a rewrite saves nothing that anybody would notice: one of the log costs a manifest
// version at least, and where a base is copied it costs whole files.
constexpr uint64_t kLogBytesMin = uint64_t{1} << 20;
constexpr uint64_t kLogBytesMinOfCopies = uint64_t{16} << 20;
constexpr uint64_t kDeadBytesMin = uint64_t{1} << 20;
// A base waits for RocksDB only until the log is so many times as long as it may be.
constexpr double kPatience = 2;

// A base is due somewhat before the restore budget is used up, as making it takes a while.
constexpr double kRestoreBudgetPart = 0.7;

// So many segments behind the base are few.
constexpr uint64_t kShortLivedSegmentsMax = 64;

class Planner {
 public:
  Planner(const Facts& facts, const Costs& costs, const Policy& policy)
      : facts_(facts), costs_(costs), policy_(policy) {
    for (const storage::TableShape& table : facts.state.tables) {
      live_bytes_ += table.live_bytes;
      state_bytes_ += table.bytes;
    }
  }

  Plan Run() const {
    // First, as it takes no time here. Before a base that is requested once is enough: after the
    // last write-back.
    const storage::TableShape* const dead = FindMostlyDead();
    const bool is_write_back_due = IsWriteBackDue();
    const bool may_compact = !facts_.state.compacting && facts_.state.settled &&
                             !(facts_.base_requested && is_write_back_due);
    if (dead != nullptr && may_compact)
      return {.action = Action::kCompact, .table = dead->table_id};
    // After an I/O error of RocksDB a base comes with the next write-back, and who has asked for
    // one is told of the error.
    const bool can_rebase =
        facts_.can_publish && (facts_.state.exportable || facts_.base_requested);
    const bool is_rebase_due = can_rebase && IsRebaseDue();
    if (is_write_back_due && !(is_rebase_due && IsStarving()))
      return {.action = Action::kWriteBack};
    const bool waits = is_rebase_due && MustWait(dead != nullptr);
    if (is_rebase_due && !waits) return {.action = Action::kRebase};
    // The base that is requested makes all of the log superfluous.
    if (facts_.can_publish && !facts_.base_requested) {
      std::vector<uint64_t> segments = ToMerge();
      if (!segments.empty()) return {.action = Action::kMergeLog, .segments = std::move(segments)};
    }
    const bool is_shrinking =
        facts_.state.compacting && IsMostlyDead(facts_.base_bytes, live_bytes_);
    return {.action = waits || dead != nullptr || is_shrinking ? Action::kWait : Action::kNothing};
  }

 private:
  using Log = std::span<const LogSegment>;

  // What a live database that stands at the applied epoch would replay.
  Log LogAfterApplied() const {
    const auto first = std::partition_point(
        facts_.log.begin(), facts_.log.end(),
        [&](const LogSegment& segment) { return segment.last_epoch <= facts_.applied_epoch; });
    return {first, facts_.log.end()};
  }
  // What a base of the applied epoch makes superfluous.
  Log LogUpToApplied() const {
    return Log(facts_.log).first(facts_.log.size() - LogAfterApplied().size());
  }

  static uint64_t BytesOf(Log log) {
    uint64_t bytes = 0;
    for (const LogSegment& segment : log) bytes += segment.bytes;
    return bytes;
  }

  // The parts of the state's size that the log, and that dead data, may take; some is left for what
  // is estimated wrongly, and for manifests. A log is shortened by writing it back, dead data goes
  // by rewriting all that lives: so the log has the smaller part, the smaller the less there is to
  // share, unless a base has to be copied.
  double LogPart() const {
    const double slack = policy_.space_amplification_max - 1;
    return slack * (costs_.links_are_free ? std::min(0.16 * slack, 0.2) : 0.4);
  }
  double DeadPart() const {
    return (policy_.space_amplification_max - 1) * (costs_.links_are_free ? 0.8 : 0.5);
  }

  // Whether it is `times` as long as it may be. Nothing but a new base makes it short again.
  bool IsTooLong(Log log, double times = 1) const {
    const uint64_t least = costs_.links_are_free ? kLogBytesMin : kLogBytesMinOfCopies;
    const double bytes_max =
        std::max(static_cast<double>(least), LogPart() * static_cast<double>(live_bytes_));
    return static_cast<double>(BytesOf(log)) > times * bytes_max ||
           EstimateRestoreSeconds(log, costs_) >
               std::min(1.0, times * kRestoreBudgetPart) * policy_.restore_budget_s;
  }

  // By the part of the log that a write-back would make superfluous: as long as a new base is not
  // published, the whole of it stays long.
  bool IsWriteBackDue() const {
    if (facts_.unapplied_epochs == 0) return false;
    return facts_.write_back_requested || facts_.unapplied_bytes >= policy_.write_back_bytes ||
           facts_.unapplied_epochs >= policy_.write_back_epochs ||
           (facts_.can_publish &&
            (facts_.log_is_damaged || facts_.base_requested || IsTooLong(LogAfterApplied())));
  }

  bool IsMostlyDead(uint64_t bytes, uint64_t live_bytes) const {
    const uint64_t dead_bytes = bytes - std::min(bytes, live_bytes);
    return dead_bytes > kDeadBytesMin &&
           static_cast<double>(dead_bytes) > DeadPart() * static_cast<double>(live_bytes);
  }

  const storage::TableShape* FindMostlyDead() const {
    const auto is_mostly_dead = [&](const storage::TableShape& table) {
      return !facts_.compacted.contains(table.table_id) &&
             IsMostlyDead(table.bytes, table.live_bytes);
    };
    const auto found =
        std::find_if(facts_.state.tables.begin(), facts_.state.tables.end(), is_mostly_dead);
    return found == facts_.state.tables.end() ? nullptr : &*found;
  }

  // Where a link costs nothing, every write-back is published, so that restore replays little. So
  // is a base of which little has to be copied. One of the same epoch is worth it when its data has
  // been rewritten since.
  bool IsRebaseDue() const {
    if (facts_.applied_epoch == facts_.base_epoch) {
      return IsMostlyDead(facts_.base_bytes, live_bytes_) &&
             state_bytes_ + kDeadBytesMin < facts_.base_bytes;
    }
    return facts_.applied_epoch > facts_.base_epoch &&
           (costs_.links_are_free || facts_.log_is_damaged || facts_.base_requested ||
            IsTooLong(facts_.log) || IsRebaseCheap());
  }

  // It copies no more than the log has that it makes superfluous: the checkpoint gets no larger by
  // it, and all such bases together take no more writing than the log did.
  bool IsRebaseCheap() const {
    const uint64_t bytes = BytesOf(LogUpToApplied());
    return bytes > kLogBytesMinOfCopies && facts_.rebase_bytes <= bytes;
  }

  // Where changes come faster than they are written back, one write-back is due after the other.
  // The base has its turn between two of them once the log is much too long: nothing else bounds
  // it.
  bool IsStarving() const {
    return facts_.wrote_back_last && !facts_.base_requested &&
           (facts_.log_is_damaged || IsTooLong(LogUpToApplied(), kPatience));
  }

  // A copy of what is about to be rewritten would be for nothing. A link costs nothing, but a base
  // that is requested is to be the last one.
  bool MustWait(bool is_compaction_due) const {
    if (facts_.log_is_damaged || !(facts_.state.compacting || is_compaction_due)) return false;
    return facts_.base_requested || (!costs_.links_are_free && !IsTooLong(facts_.log, kPatience));
  }

  // ---- Log merge ----

  int SizeClass(uint64_t bytes) const {
    int size = 0;
    for (uint64_t limit = kMergeBytesMin; bytes > limit; limit *= policy_.merge_fan_in) ++size;
    return size;
  }

  // A live database stands at the applied epoch, and replays what is after it: no merge crosses it.
  std::vector<uint64_t> ToMerge() const {
    std::vector<uint64_t> segments;
    if (!IsLogShortLived()) segments = ToMerge(LogAfterApplied());
    return segments.empty() ? ToMerge(LogUpToApplied()) : segments;
  }

  // The next write-back takes so few epochs, at the pace since the last one, that it is no trouble
  // to keep them as they are; and the base that follows it for nothing makes them superfluous.
  bool IsLogShortLived() const {
    return costs_.links_are_free && facts_.unapplied_epochs > 0 &&
           facts_.unapplied_epochs * policy_.write_back_bytes <=
               kShortLivedSegmentsMax * facts_.unapplied_bytes;
  }

  // The smallest size of which there are enough, side by side but for smaller ones between them.
  std::vector<uint64_t> ToMerge(Log log) const {
    int largest = 0;
    for (const LogSegment& segment : log) largest = std::max(largest, SizeClass(segment.bytes));
    for (int size = 0; size <= largest; ++size) {
      for (size_t begin = 0; begin < log.size(); ++begin) {
        std::vector<uint64_t> segments = ToMerge(log.subspan(begin), size);
        if (!segments.empty()) return segments;
      }
    }
    return {};
  }

  // Those at the front of the log.
  std::vector<uint64_t> ToMerge(Log log, int size) const {
    if (SizeClass(log.front().bytes) != size) return {};
    std::vector<uint64_t> segments;
    size_t of_the_size = 0;
    for (const LogSegment& segment : log) {
      const int size_class = SizeClass(segment.bytes);
      if (size_class > size || !segment.mergeable) return {};
      if (size_class == size) ++of_the_size;
      segments.push_back(segment.id);
      if (of_the_size == policy_.merge_fan_in || segments.size() == kMergeSegmentsMax)
        return segments;
    }
    return {};
  }

  const Facts& facts_;
  const Costs& costs_;
  const Policy& policy_;
  uint64_t live_bytes_ = 0;
  uint64_t state_bytes_ = 0;
};

}  // namespace

Plan MakePlan(const Facts& facts, const Costs& costs, const Policy& policy) {
  return Planner(facts, costs, policy).Run();
}

double EstimateRestoreSeconds(std::span<const LogSegment> log, const Costs& costs) {
  double seconds = costs.open_s;
  for (const LogSegment& segment : log)
    seconds += costs.segment_s + static_cast<double>(segment.records) / costs.records_per_s;
  return seconds;
}

}  // namespace tidemark::compaction
