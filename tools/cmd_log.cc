// ckpt-inspect log and history: the change log, as a whole, or of one key.
#include "format/key.h"
#include "tools/change_log.h"
#include "tools/command.h"
#include "tools/feed.h"
#include "tools/opened_checkpoint.h"
#include "tools/progress.h"
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
    "Records in the order of epochs, within one of tables and keys; each once, from that "
    "retained segment that tells most of its epoch; a merged one has only the newest change of a "
    "key, and of lists all elements together. Epochs that no retained segment holds any more, "
    "because a "
    "base has them, are gaps: lines of their own in JSON, else said on standard error. FROM..TO "
    "are epochs, both included, "
    "and either may be left out.\n\n"
    "Examples:\n"
    "  ckpt-inspect log /mnt/checkpoints/job 120..125\n"
    "  ckpt-inspect log /mnt/checkpoints/job --table counts --json | jq -c .\n";

constexpr const char* kHistoryExamples =
    "What the retained log says of one key, oldest first, and the checkpoint that each change is "
    "in; before it, and wherever epochs are in bases only, what the base has.\n\n"
    "Examples:\n"
    "  ckpt-inspect history /mnt/checkpoints/job counts apple\n";

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
      : arguments_(arguments),
        catalog_(catalog),
        range_(range),
        console_(*console),
        progress_(console, "log", ProgressUnit::kRecords) {
    if (arguments.json) feed_.emplace(console, schema, catalog.storage->Uri());
  }

  Status Run(const Subtask& subtask, Scratch* scratch) {
    tables_.clear();
    return ReadChangeLog(
        catalog_, subtask, range_, scratch,
        {.gap =
             [&](const format::Manifest& list, const EpochRange& epochs) {
               Gap(list, epochs);
               return is_history() ? ShowBase(list, epochs.last, scratch) : Status();
             },
         .record = [&](const format::Manifest& list, const format::TableMeta& table,
                       const format::Record& record) { return Visit(list, table, record); },
         .wants =
             [&](const format::TableMeta& table) {
               return arguments_.table.empty() || table.name == arguments_.table;
             }});
  }

  ExitCode Finish() {
    if (feed_) feed_->Line("summary").Number("records", records_).End();
    return is_history() && records_ == 0 && !is_in_base_ ? ExitCode::kNo : ExitCode::kOk;
  }

 private:
  bool is_history() const { return arguments_.is_history; }

  // A table of the subtask that is read.
  struct LogTable {
    explicit LogTable(const format::TableMeta& of) : meta(of), values(meta) {}
    const format::TableMeta meta;
    const TableValues values;
    std::string wanted;  // of a history, the stored key
  };

  Result<const LogTable*> TableOf(const format::Manifest& list, const format::TableMeta& meta) {
    std::unique_ptr<LogTable>& table = tables_[meta.id];
    if (table != nullptr) return table.get();
    auto made = std::make_unique<LogTable>(meta);
    if (is_history()) {
      TIDEMARK_ASSIGN_OR_RETURN(const std::string key,
                                arguments_.entry.empty()
                                    ? made->values.ParseKey(arguments_.key)
                                    : made->values.ParseEntry(arguments_.key, arguments_.entry));
      made->wanted = StoredKeyOf(list, meta, key);
    }
    table = std::move(made);
    return table.get();
  }

  Result<bool> Visit(const format::Manifest& list, const format::TableMeta& meta,
                     const format::Record& record) {
    progress_.AddRecord();
    TIDEMARK_ASSIGN_OR_RETURN(const LogTable* const table, TableOf(list, meta));
    if (is_history() && !Concerns(record, table->wanted)) return true;
    Write(list, table->values, record);
    return !is_over_;
  }

  void Gap(const format::Manifest& list, const EpochRange& epochs) {
    if (feed_) {
      feed_->Line("gap")
          .Number("subtask", list.subtask)
          .Id("first_epoch", epochs.first)
          .Id("last_epoch", epochs.last)
          .End();
      return;
    }
    console_.Note("subtask " + std::to_string(list.subtask) + ": " +
                  (epochs.first == epochs.last ? "epoch " + std::to_string(epochs.first) + " is"
                                               : "epochs " + std::to_string(epochs.first) + " to " +
                                                     std::to_string(epochs.last) + " are") +
                  " in bases only");
  }

  // What the base of this epoch has of the key, if one of the checkpoints stands on such a base.
  Status ShowBase(const format::Manifest& list, uint64_t epoch, Scratch* scratch) {
    const auto stands_on_it = [&](const format::Checkpoint& one) {
      const auto base = list.bases.find(one.base);
      return base != list.bases.end() && base->second.at.epoch == epoch;
    };
    const auto found = std::find_if(list.checkpoints.begin(), list.checkpoints.end(), stands_on_it);
    if (found == list.checkpoints.end()) return {};
    for (const uint32_t id : *found->tables) {
      const format::TableMeta& meta = list.tables.at(id);
      if (meta.name != arguments_.table) continue;
      TIDEMARK_ASSIGN_OR_RETURN(const LogTable* const table, TableOf(list, meta));
      format::Manifest base_alone = format::ListOf(list, *found);
      base_alone.checkpoints.front().segments.clear();
      storage::CheckpointFilesOptions options;
      options.scratch = scratch->NewDirectory();
      auto files = storage::CheckpointFiles::Open(*catalog_.storage, base_alone,
                                                  base_alone.checkpoints.front(), options);
      if (!files) return BaseFailed(list, found->base, files.error());
      const compaction::CheckpointReader reader(*std::move(files));
      TIDEMARK_ASSIGN_OR_RETURN(const auto value, reader.Get(meta, table->wanted));
      if (value) WriteBase(list.subtask, epoch, *table, *value);
    }
    return {};
  }

  // Its writer may have dropped it meanwhile, which is no damage.
  Status BaseFailed(const format::Manifest& list, uint64_t base, const Status& error) {
    const Subtask now = ReadSubtask(*catalog_.storage, catalog_.info, list.subtask);
    if (!now.error.ok() || now.manifest().bases.contains(base)) return error;
    console_.Note("subtask " + std::to_string(list.subtask) +
                  ": a base was dropped by its writer before it could be read");
    return {};
  }

  void WriteBase(uint32_t subtask, uint64_t epoch, const LogTable& table, std::string_view value) {
    is_in_base_ = true;
    const std::string_view key = format::UserKey(table.wanted);
    if (feed_) {
      feed_->Line("base")
          .Number("subtask", subtask)
          .Id("epoch", epoch)
          .Text("table", table.meta.name)
          .Raw("key", table.values.KeyJson(key))
          .Raw("raw_key", RawKeyJson(key))
          .Raw("value", table.values.ValueJson(value))
          .End();
      return;
    }
    console_.data().append("epoch " + std::to_string(epoch) + "  base  " +
                           Printable(table.meta.name) + "  has " + table.values.KeyText(key) +
                           " = " + table.values.ValueText(value) + "\n");
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
  Progress progress_;
  std::optional<Feed> feed_;
  std::map<uint32_t, std::unique_ptr<LogTable>> tables_;  // of the subtask, by id
  uint64_t records_ = 0;
  bool is_in_base_ = false;
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
  const ExitCode trouble = ReportTrouble(*catalog, /*asked=*/true, /*needs_all=*/false, console);
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
