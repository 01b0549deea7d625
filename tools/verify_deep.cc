#include "tools/verify_deep.h"

#include "compaction/digest.h"
#include "format/key.h"
#include "storage/export.h"
#include "tools/opened_checkpoint.h"
#include "tools/progress.h"
#include "tools/quantity.h"

#include <tidemark/read_view.h>
#include <tidemark/store.h>

#include <algorithm>
#include <charconv>

namespace tidemark::tools {
namespace {

constexpr uint64_t kRestoreBudget = uint64_t{64} << 20;

Status NotASubset(const std::string& text) {
  return Status(StatusCode::kInvalidArgument, "subset",
                "`" + text + "` is no part: expected 1/7, 10% or 5GiB");
}

uint64_t HashOf(const format::FileMeta& file) { return format::HashKey(file.name); }

// The digest of what is read in place; reading it checks frames, blocks and headers of values.
Result<std::string> ReadAll(const OpenedCheckpoint& checkpoint, Console* console) {
  compaction::ContentDigest digest;
  Progress progress(console, "read checkpoint " + std::to_string(checkpoint.checkpoint().id),
                    ProgressUnit::kRecords, checkpoint.EstimateRecords());
  for (const format::TableMeta* table : checkpoint.Tables()) {
    digest.BeginTable(*table);
    const auto records = Watched(checkpoint.reader().Scan(*table), &progress);
    TIDEMARK_RETURN_IF_ERROR(digest.Add(*records));
    digest.EndTable();
  }
  return digest.Finish();
}

// The same by a store that has restored it from a copy.
Result<std::string> RestoreElsewhere(const Catalog& catalog, const OpenedCheckpoint& checkpoint,
                                     Scratch* scratch) {
  StoreOptions options;
  options.repository = scratch->NewDirectory();
  TIDEMARK_RETURN_IF_ERROR(
      storage::ExportCheckpoint(*catalog.storage, {checkpoint.list()}, options.repository, {})
          .error());
  TIDEMARK_ASSIGN_OR_RETURN(options.runtime,
                            Runtime::Create({.memory_budget_bytes = kRestoreBudget}));
  options.directory = scratch->NewDirectory();
  options.subtask = checkpoint.subtask();
  options.parallelism = checkpoint.list().parallelism;
  options.max_parallelism = checkpoint.list().max_parallelism;
  options.restore_checkpoint = checkpoint.checkpoint().id;
  TIDEMARK_ASSIGN_OR_RETURN(const auto store, StateStore::Open(options));
  TIDEMARK_ASSIGN_OR_RETURN(const ReadView view,
                            store->OpenView({.checkpoint = checkpoint.checkpoint().id}));
  return view.Digest();
}

Status VerifyOne(const Catalog& catalog, const Subtask& subtask, uint64_t id, VerifyDepth depth,
                 Console* console) {
  constexpr int kTriesMax = 10;
  TIDEMARK_ASSIGN_OR_RETURN(const auto scratch, Scratch::Make());
  TIDEMARK_ASSIGN_OR_RETURN(const Target target,
                            FindTarget(catalog, subtask, {std::to_string(id), ById{id}}));
  for (int tries = 0; tries < kTriesMax; ++tries) {
    TIDEMARK_ASSIGN_OR_RETURN(const auto checkpoint,
                              OpenedCheckpoint::Open(catalog, target, scratch.get()));
    TIDEMARK_ASSIGN_OR_RETURN(const std::string read, ReadAll(*checkpoint, console));
    if (depth == VerifyDepth::kRead) return {};
    const auto restored = RestoreElsewhere(catalog, *checkpoint, scratch.get());
    if (restored && *restored == read) return {};
    if (restored)
      return Status(StatusCode::kCorruption, "restore-differs",
                    "checkpoint " + std::to_string(id) +
                        ": expected a restored state with digest " + read + ", got " + *restored);
    // The copy needs the names of files that are open here, but may be gone.
    if (restored.error().name() != "file-missing" || !HasMoved(catalog, checkpoint->list()))
      return restored.error();
  }
  return Status(StatusCode::kUnavailable, "manifest-moving",
                "checkpoint " + std::to_string(id) +
                    " was rewritten faster than it could be restored; try again");
}

}  // namespace

void VerifyDeep(const Catalog& catalog, const Subtask& subtask, VerifyDepth depth, bool by_id,
                Console* console, SubtaskFindings* findings) {
  if (depth == VerifyDepth::kFiles) return;
  findings->newest_good.reset();
  for (CheckedCheckpoint& checkpoint : findings->checkpoints) {
    if (checkpoint.result != CheckpointResult::kGood) continue;
    const Status found = VerifyOne(catalog, subtask, checkpoint.id, depth, console);
    if (found.name() == "checkpoint-dropped" || found.name() == "checkpoint-not-found") {
      checkpoint.result = CheckpointResult::kIncomplete;
      if (by_id)
        findings->unanswered.push_back(found);
      else
        findings->dropped.push_back(checkpoint.id);
    } else if (!found.ok()) {
      checkpoint.result = found.code() == StatusCode::kCorruption ? CheckpointResult::kDamaged
                                                                  : CheckpointResult::kIncomplete;
      findings->findings.push_back({found, {}, {checkpoint.id}});
    } else {
      findings->newest_good = checkpoint.id;
    }
  }
}

Result<std::function<bool(const format::FileMeta&)>> ParseSubset(const std::string& text,
                                                                 const format::Manifest& list) {
  const auto number = [](std::string_view digits) -> std::optional<uint64_t> {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  using Chosen = std::function<bool(const format::FileMeta&)>;
  if (const size_t slash = text.find('/'); slash != std::string::npos) {
    const auto part = number(std::string_view(text).substr(0, slash));
    const auto parts = number(std::string_view(text).substr(slash + 1));
    if (!part || !parts || *part == 0 || *part > *parts) return NotASubset(text);
    return Chosen([part = *part - 1, parts = *parts](const format::FileMeta& file) {
      return HashOf(file) % parts == part;
    });
  }
  if (text.ends_with('%')) {
    const auto percent = number(std::string_view(text).substr(0, text.size() - 1));
    if (!percent || *percent == 0 || *percent > 100) return NotASubset(text);
    return Chosen(
        [limit = *percent](const format::FileMeta& file) { return HashOf(file) % 100 < limit; });
  }
  const auto bytes = ParseBytes(text);
  if (!bytes) return NotASubset(text);
  std::vector<const format::FileMeta*> files;
  for (const auto& [id, file] : list.files) files.push_back(&file);
  std::sort(files.begin(), files.end(),
            [](const auto* a, const auto* b) { return HashOf(*a) < HashOf(*b); });
  uint64_t sum = 0;
  uint64_t last = 0;  // the hash of the last one that is taken
  for (const format::FileMeta* file : files) {
    if (sum >= *bytes) break;
    sum += file->size;
    last = HashOf(*file);
  }
  return Chosen([last](const format::FileMeta& file) { return HashOf(file) <= last; });
}

}  // namespace tidemark::tools
