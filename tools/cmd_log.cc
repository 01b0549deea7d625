// ckpt-inspect log and history: the change log, as a whole, or of one key.
#include "format/key.h"
#include "tools/command.h"
#include "tools/feed.h"
#include "tools/opened_checkpoint.h"
#include "tools/text.h"
#include "tools/values.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>

namespace tidemark::tools {
namespace {

struct LogArguments : CommonArguments {
  std::string range;
  std::string table;
  bool is_history = false;  // of one key
  std::string key;
  std::string entry;
};

constexpr const char* kLogExamples =
    "Records in the order of epochs, within one of tables and keys; those of a merged segment "
    "together, each with its own epoch. Epochs that no retained segment holds any more, because a "
    "base has them, are left out and said on standard error. FROM..TO are epochs, both included, "
    "and either may be left out.\n\n"
    "Examples:\n"
    "  ckpt-inspect log /mnt/checkpoints/job 120..125\n"
    "  ckpt-inspect log /mnt/checkpoints/job --table counts --json | jq -c .\n";

constexpr const char* kHistoryExamples =
    "What the retained log says of one key, oldest first, and the checkpoint that each change is "
    "in. What was there before that is in a base: `get` shows it.\n\n"
    "Examples:\n"
    "  ckpt-inspect history /mnt/checkpoints/job counts apple\n";

struct EpochRange {
  uint64_t first = 0;
  uint64_t last = UINT64_MAX;
};

Result<EpochRange> ParseRange(const std::string& text) {
  EpochRange range;
  if (text.empty()) return range;
  const auto number = [](std::string_view digits, uint64_t* value) {
    if (digits.empty()) return true;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), *value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  const size_t dots = text.find("..");
  const std::string first = text.substr(0, dots);
  const bool fits =
      dots == std::string::npos
          ? !first.empty() && number(first, &range.first) && number(first, &range.last)
          : number(first, &range.first) && number(text.substr(dots + 2), &range.last);
  if (fits && range.first <= range.last) return range;
  return Status(StatusCode::kInvalidArgument, "epoch-range",
                "`" + text + "` is no range of epochs: expected FROM..TO, as 120..125");
}

// Of the segments in a list those that tell most, one for each epoch: where a merged one and its
// parts are both there, the parts.
std::vector<uint64_t> SegmentsIn(const format::Manifest& list, const EpochRange& range,
                                 Console* console) {
  std::vector<const format::FileMeta*> all;
  for (const auto& [id, file] : list.files) {
    const bool is_segment =
        file.kind == format::FileKind::kSegment || file.kind == format::FileKind::kInlined;
    if (is_segment && file.last_epoch >= range.first && file.first_epoch <= range.last)
      all.push_back(&file);
  }
  std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) {
    return a->first_epoch != b->first_epoch ? a->first_epoch < b->first_epoch
                                            : a->last_epoch < b->last_epoch;
  });
  std::vector<uint64_t> chosen;
  uint64_t next = std::max<uint64_t>(range.first, 1);
  for (const format::FileMeta* file : all) {
    if (file->last_epoch < next) continue;
    if (file->first_epoch > next)
      console->Note("subtask " + std::to_string(list.subtask) + ": epochs " + std::to_string(next) +
                    " to " + std::to_string(file->first_epoch - 1) + " are in bases only");
    chosen.push_back(file->id);
    next = file->last_epoch + 1;
  }
  return chosen;
}

std::string_view OpName(format::Op op) {
  switch (op) {
    case format::Op::kPut:
      return "put";
    case format::Op::kInsert:
      return "insert";
    case format::Op::kDelete:
      return "delete";
    case format::Op::kMerge:
      return "append";
    case format::Op::kRangeDelete:
      return "delete-range";
  }
  return "unknown";
}

class Log {
 public:
  Log(const LogArguments& arguments, const Catalog& catalog, EpochRange range,
      std::string_view schema, Console* console)
      : arguments_(arguments), catalog_(catalog), range_(range), console_(*console) {
    if (arguments.json) feed_.emplace(console, schema, catalog.storage->Uri());
  }

  Status Run(const Subtask& subtask, Scratch* scratch) {
    const format::Manifest& list = subtask.manifest();
    storage::CheckpointFilesOptions options;
    options.scratch = scratch->NewDirectory();
    TIDEMARK_ASSIGN_OR_RETURN(
        const auto segments,
        storage::CheckpointFiles::OpenSegments(*catalog_.storage, list,
                                               SegmentsIn(list, range_, &console_), options));
    for (const auto& segment : segments)
      for (const uint32_t id : segment.reader->header().tables) {
        const auto table = list.tables.find(id);  // others were dropped since
        if (table == list.tables.end() || is_over_) continue;
        if (!arguments_.table.empty() && table->second.name != arguments_.table) continue;
        TIDEMARK_RETURN_IF_ERROR(RunTable(list, *segment.reader, table->second));
      }
    return {};
  }

  ExitCode Finish() {
    if (feed_) feed_->Line("summary").Number("records", records_).End();
    return is_history() && records_ == 0 ? ExitCode::kNo : ExitCode::kOk;
  }

 private:
  bool is_history() const { return arguments_.is_history; }

  Status RunTable(const format::Manifest& list, const storage::SegmentReader& segment,
                  const format::TableMeta& table) {
    const TableValues values(table);
    std::string wanted;
    if (is_history()) {
      TIDEMARK_ASSIGN_OR_RETURN(const std::string key,
                                arguments_.entry.empty()
                                    ? values.ParseKey(arguments_.key)
                                    : values.ParseEntry(arguments_.key, arguments_.entry));
      wanted = StoredKeyOf(list, table, key);
    }
    const auto records = segment.Records(table.id);
    while (!is_over_) {
      TIDEMARK_ASSIGN_OR_RETURN(const bool more, records->Next());
      if (!more) return {};
      const format::Record& record = records->record();
      if (record.epoch < range_.first || record.epoch > range_.last) continue;
      if (is_history() && !Concerns(record, wanted)) continue;
      Write(list, values, record);
    }
    return {};
  }

  static bool Concerns(const format::Record& record, const std::string& key) {
    if (record.op == format::Op::kRangeDelete) return record.key <= key && key < record.value;
    return record.key == key;
  }

  // The first one that has the epoch; 0 if none is left.
  static uint64_t CheckpointOf(const format::Manifest& list, uint64_t epoch) {
    const auto found = std::lower_bound(
        list.checkpoints.begin(), list.checkpoints.end(), epoch,
        [](const format::Checkpoint& one, uint64_t e) { return one.at.epoch < e; });
    return found == list.checkpoints.end() ? 0 : found->id;
  }

  void Write(const format::Manifest& list, const TableValues& values,
             const format::Record& record) {
    ++records_;
    const bool is_range = record.op == format::Op::kRangeDelete;
    const bool has_value = !is_range && record.op != format::Op::kDelete;
    const std::string_view key = format::UserKey(record.key);
    const uint64_t checkpoint = CheckpointOf(list, record.epoch);
    if (feed_) {
      feed_->Line("change")
          .Number("subtask", list.subtask)
          .Id("epoch", record.epoch)
          .Id("checkpoint", checkpoint)
          .Text("table", values.table().name)
          .Text("op", OpName(record.op))
          .Raw("key", values.KeyJson(key))
          .Raw("raw_key", RawKeyJson(key));
      if (is_range) feed_->Raw("to", values.KeyJson(format::UserKey(record.value)));
      if (has_value) feed_->Raw("value", values.ValueJson(record.value));
      is_over_ = !feed_->End();
      return;
    }
    std::string& out = console_.data();
    out.append("epoch ").append(std::to_string(record.epoch));
    out.append("  checkpoint ").append(std::to_string(checkpoint)).append("  ");
    out.append(Printable(values.table().name)).append("  ").append(OpName(record.op)).append(" ");
    out.append(values.KeyText(key));
    if (is_range) out.append(" to ").append(values.KeyText(format::UserKey(record.value)));
    if (has_value) out.append(" = ").append(values.ValueText(record.value));
    out.append("\n");
    is_over_ = !console_.Stream();
  }

  const LogArguments& arguments_;
  const Catalog& catalog_;
  const EpochRange range_;
  Console& console_;
  std::optional<Feed> feed_;
  uint64_t records_ = 0;
  bool is_over_ = false;  // nobody reads any more
};

Status CheckTable(const Catalog& catalog, const std::string& name) {
  if (name.empty()) return {};
  for (const Subtask& subtask : catalog.subtasks)
    for (const auto& [id, table] : subtask.manifest().tables)
      if (table.name == name) return {};
  return Status(StatusCode::kNotFound, "table-not-found",
                catalog.storage->Uri() + " has no table `" + name +
                    "` in its retained checkpoints; `show` lists them");
}

ExitCode RunLog(const LogArguments& arguments, std::string_view schema, Console* console) {
  const auto range = ParseRange(arguments.range);
  if (!range) return console->Report(range.error());
  const Result<Catalog> catalog = ReadCatalog(arguments.repository, arguments.subtask);
  if (!catalog) return console->Report(catalog.error());
  const ExitCode trouble = ReportTrouble(*catalog, /*asked=*/true, console);
  if (trouble != ExitCode::kOk) return trouble;
  if (const Status known = CheckTable(*catalog, arguments.table); !known.ok())
    return console->Report(known);
  const auto scratch = Scratch::Make();
  if (!scratch) return console->Report(scratch.error());
  Log log(arguments, *catalog, *range, schema, console);
  for (const Subtask& subtask : catalog->subtasks)
    if (const Status read = log.Run(subtask, scratch->get()); !read.ok())
      return console->Report(read);
  return log.Finish();
}

}  // namespace

void AddLogCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<LogArguments>();
  CLI::App* const command =
      AddCommand(app, "log", "Write out the change log", kLogExamples, arguments.get());
  command->add_option("FROM..TO", arguments->range, "Epochs (default: all that are there)");
  command->add_option("--table", arguments->table, "This table only")->type_name("NAME");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) {
      return RunLog(*arguments, "tidemark.log/1", console);
    };
  });
}

void AddHistoryCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<LogArguments>();
  arguments->is_history = true;
  CLI::App* const command =
      AddCommand(app, "history", "Show how a key changed", kHistoryExamples, arguments.get());
  command->add_option("TABLE", arguments->table, "The table's name")->required();
  command->add_option("KEY", arguments->key, "The key; of a map, the partition")->required();
  command->add_option("ENTRY", arguments->entry, "The entry's key, of a map");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) {
      return RunLog(*arguments, "tidemark.history/1", console);
    };
  });
}

}  // namespace tidemark::tools
