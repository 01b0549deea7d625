#include "tools/change_log.h"

#include <algorithm>
#include <filesystem>
#include <queue>
#include <system_error>
#include <utility>

namespace tidemark::tools {
namespace {

constexpr int kTriesMax = 10;

bool IsSegment(const format::FileMeta& file) {
  return file.kind == format::FileKind::kSegment || file.kind == format::FileKind::kInlined;
}

// Nobody visits after the visitor has said that it is enough.
struct Reading {
  const LogVisitor& visitor;
  bool is_over = false;

  Status Table(const format::Manifest& list, const storage::SegmentReader& segment,
               const format::TableMeta& table, const EpochRange& epochs) {
    const auto records = segment.Records(table.id);
    while (!is_over) {
      TIDEMARK_ASSIGN_OR_RETURN(const bool more, records->Next());
      if (!more) return {};
      const format::Record& record = records->record();
      if (record.epoch < epochs.first || record.epoch > epochs.last) continue;
      TIDEMARK_ASSIGN_OR_RETURN(const bool goes_on, visitor.record(list, table, record));
      is_over = !goes_on;
    }
    return {};
  }

  Status Segment(const format::Manifest& list, const storage::CheckpointFiles::Segment& segment,
                 const EpochRange& epochs) {
    for (const uint32_t id : segment.reader->header().tables) {
      const auto table = list.tables.find(id);  // others were dropped since
      if (table == list.tables.end() || is_over || !visitor.wants(table->second)) continue;
      TIDEMARK_RETURN_IF_ERROR(
          segment.name.In(Table(list, *segment.reader, table->second, epochs)));
    }
    return {};
  }
};

bool MayBeGone(const Status& error) {
  return error.code() == StatusCode::kCorruption || error.code() == StatusCode::kNotFound;
}

}  // namespace

std::vector<LogPiece> PlanPieces(const format::Manifest& list, const EpochRange& range) {
  std::vector<const format::FileMeta*> segments;
  for (const auto& [id, file] : list.files)
    if (IsSegment(file)) segments.push_back(&file);
  std::sort(segments.begin(), segments.end(),
            [](const auto* a, const auto* b) { return a->first_epoch < b->first_epoch; });
  const auto ends_later = [](const auto* a, const auto* b) {
    return a->last_epoch > b->last_epoch;
  };
  // Those that have begun, the one that ends soonest on top.
  std::priority_queue<const format::FileMeta*, std::vector<const format::FileMeta*>,
                      decltype(ends_later)>
      begun(ends_later);
  std::vector<LogPiece> pieces;
  auto next = segments.begin();
  for (uint64_t epoch = range.first; epoch <= range.last;) {
    for (; next != segments.end() && (*next)->first_epoch <= epoch; ++next) begun.push(*next);
    while (!begun.empty() && begun.top()->last_epoch < epoch) begun.pop();
    if (begun.empty()) {
      if (next == segments.end() || (*next)->first_epoch > range.last) break;
      epoch = (*next)->first_epoch;
      continue;
    }
    const format::FileMeta& best = *begun.top();
    uint64_t last = std::min(best.last_epoch, range.last);
    for (; next != segments.end() && (*next)->first_epoch <= last; ++next) {
      if ((*next)->last_epoch < best.last_epoch) {
        last = (*next)->first_epoch - 1;  // that one tells more from there on
        break;
      }
      begun.push(*next);
    }
    pieces.push_back({best.id, {epoch, last}});
    epoch = last + 1;
  }
  return pieces;
}

Status ReadChangeLog(const Catalog& catalog, const Subtask& subtask, const EpochRange& range,
                     Scratch* scratch, const LogVisitor& visitor) {
  Reading reading{visitor};
  EpochRange rest{std::max<uint64_t>(range.first, 1), range.last};
  format::Manifest list = subtask.manifest();
  for (int tries = 0; tries < kTriesMax;) {
    uint64_t gone = 0;
    for (const LogPiece& piece : PlanPieces(list, rest)) {
      storage::CheckpointFilesOptions options;
      options.scratch = scratch->NewDirectory();
      const auto opened =
          storage::CheckpointFiles::OpenSegments(*catalog.storage, list, {piece.file}, options);
      if (!opened) {
        if (!MayBeGone(opened.error())) return opened.error();
        Subtask now = ReadSubtask(*catalog.storage, catalog.info, list.subtask);
        TIDEMARK_RETURN_IF_ERROR(now.error);
        if (now.manifest().files.contains(piece.file)) return opened.error();
        list = now.manifest();
        gone = piece.file;
        break;
      }
      tries = 0;
      if (piece.epochs.first > rest.first)
        TIDEMARK_RETURN_IF_ERROR(visitor.gap(list, {rest.first, piece.epochs.first - 1}));
      TIDEMARK_RETURN_IF_ERROR(reading.Segment(list, opened->front(), piece.epochs));
      if (reading.is_over) return {};
      rest.first = piece.epochs.last + 1;
      // Segments that lay in a manifest version were copied there.
      std::error_code ignored;
      std::filesystem::remove_all(options.scratch, ignored);
    }
    if (gone == 0) {
      const uint64_t newest = list.checkpoints.empty() ? 0 : list.checkpoints.back().at.epoch;
      const uint64_t last = std::min(rest.last, newest);
      return rest.first <= last ? visitor.gap(list, {rest.first, last}) : Status();
    }
    ++tries;
  }
  return Status(StatusCode::kUnavailable, "manifest-moving",
                "subtask " + std::to_string(list.subtask) +
                    ": segments went faster than they could be opened; try again");
}

}  // namespace tidemark::tools
