// ckpt-inspect diff: what changed from one checkpoint to another, table by table.
#include "compaction/checkpoint_diff.h"
#include "format/key.h"
#include "tools/command.h"
#include "tools/feed.h"
#include "tools/opened_checkpoint.h"
#include "tools/progress.h"
#include "tools/text.h"
#include "tools/text_table.h"
#include "tools/values.h"

#include <map>
#include <memory>
#include <optional>

namespace tidemark::tools {
namespace {

struct DiffArguments : CommonArguments {
  std::string before;
  std::string after;
  std::string table;
  bool stat = false;
  bool keys = false;
  bool values = false;
};

std::string Footer() {
  return "Exit code 0: they hold the same; 1: they differ. What both are made of is not read where "
         "that can be avoided, so neighbours cost what changed between them.\n\n" +
         std::string(SelectorHelp()) +
         "\nExamples:\n"
         "  ckpt-inspect diff /mnt/checkpoints/job latest~1 latest\n"
         "  ckpt-inspect diff /mnt/checkpoints/job 40 42 --values --table counts\n";
}

struct Counts {
  uint64_t added = 0;
  uint64_t changed = 0;
  uint64_t removed = 0;
  bool any() const { return added + changed + removed > 0; }
  void Add(const compaction::DifferingRecord& record) {
    ++(!record.before ? added : !record.after ? removed : changed);
  }
};

std::string_view NameOf(const compaction::DifferingRecord& record) {
  return !record.before ? "added" : !record.after ? "removed" : "changed";
}

class Diff {
 public:
  Diff(const DiffArguments& arguments, const Catalog& catalog, Console* console)
      : arguments_(arguments),
        console_(*console),
        progress_(console, "differences", ProgressUnit::kRecords) {
    if (arguments.json) feed_.emplace(console, "tidemark.diff/1", catalog.storage->Uri());
  }

  // One subtask.
  Status Run(const OpenedCheckpoint& before, const OpenedCheckpoint& after) {
    std::map<std::string_view, std::pair<const format::TableMeta*, const format::TableMeta*>>
        tables;
    for (const format::TableMeta* table : before.Tables()) tables[table->name].first = table;
    for (const format::TableMeta* table : after.Tables()) tables[table->name].second = table;
    const compaction::CheckpointDiff diff(before.reader(), after.reader());
    for (const auto& [name, of] : tables) {
      if (!arguments_.table.empty() && name != arguments_.table) continue;
      const TableValues values(of.second != nullptr ? *of.second : *of.first);
      Counts& counts = counts_[std::string(name)];
      TIDEMARK_RETURN_IF_ERROR(
          diff.Compare(of.first, of.second,
                       [&, subtask = after.subtask()](const compaction::DifferingRecord& record) {
                         progress_.AddRecord();
                         counts.Add(record);
                         if (arguments_.stat) return true;
                         return feed_ ? WriteJson(values, subtask, record)
                                      : WriteText(values, record);
                       })
              .WithContext("subtask " + std::to_string(after.subtask()) + ": table `" +
                           values.table().name + "`"));
    }
    return {};
  }

  ExitCode Finish() {
    Counts all;
    for (const auto& [table, counts] : counts_) {
      all.added += counts.added;
      all.changed += counts.changed;
      all.removed += counts.removed;
    }
    if (feed_) {
      for (const auto& [table, counts] : counts_)
        feed_->Line("table")
            .Text("table", table)
            .Number("added", counts.added)
            .Number("changed", counts.changed)
            .Number("removed", counts.removed)
            .End();
      feed_->Line("summary")
          .Number("added", all.added)
          .Number("changed", all.changed)
          .Number("removed", all.removed)
          .End();
    } else {
      TextTable table({{"TABLE"},
                       {"ADDED", Align::kRight},
                       {"CHANGED", Align::kRight},
                       {"REMOVED", Align::kRight}});
      for (const auto& [name, counts] : counts_)
        table.AddRow({Printable(name), std::to_string(counts.added), std::to_string(counts.changed),
                      std::to_string(counts.removed)});
      if (!table.empty()) console_.data().append(table.Render(console_.style()));
    }
    return all.any() ? ExitCode::kNo : ExitCode::kOk;
  }

 private:
  bool WriteText(const TableValues& values, const compaction::DifferingRecord& record) {
    if (!arguments_.keys && !arguments_.values) return true;
    const std::string_view what = NameOf(record);
    std::string line(what == "added" ? "+ " : what == "removed" ? "- " : "~ ");
    line.append(Printable(values.table().name)).append("  ");
    line.append(values.KeyText(format::UserKey(record.key)));
    if (arguments_.values) {
      line.append(" = ").append(record.before ? values.ValueText(*record.before) : "none");
      line.append(" -> ").append(record.after ? values.ValueText(*record.after) : "none");
    }
    console_.data().append(line).append("\n");
    return console_.Stream();
  }

  bool WriteJson(const TableValues& values, uint32_t subtask,
                 const compaction::DifferingRecord& record) {
    const std::string_view key = format::UserKey(record.key);
    feed_->Line("change")
        .Text("table", values.table().name)
        .Number("subtask", subtask)
        .Text("change", NameOf(record))
        .Raw("key", values.KeyJson(key))
        .Raw("raw_key", RawKeyJson(key));
    if (record.before) feed_->Raw("before", values.ValueJson(*record.before));
    if (record.after) feed_->Raw("after", values.ValueJson(*record.after));
    return feed_->End();
  }

  const DiffArguments& arguments_;
  Console& console_;
  Progress progress_;
  std::optional<Feed> feed_;
  std::map<std::string, Counts> counts_;
};

ExitCode RunDiff(const DiffArguments& arguments, Console* console) {
  OpenedJob before;
  OpenedJob after;
  for (const auto& [job, id] : {std::pair{&before, arguments.before}, {&after, arguments.after}}) {
    const ExitCode opened = OpenJob(arguments.repository, arguments.subtask, id, job, console);
    if (opened != ExitCode::kOk) return opened;
  }
  if (!arguments.table.empty() && !before.FindTable(arguments.table))
    if (const auto table = after.FindTable(arguments.table); !table)
      return console->Report(table.error());
  Diff diff(arguments, after.catalog, console);
  for (size_t i = 0; i < after.subtasks.size(); ++i)
    if (const Status compared = diff.Run(*before.subtasks.at(i), *after.subtasks[i]);
        !compared.ok())
      return console->Report(compared);
  return diff.Finish();
}

}  // namespace

void AddDiffCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<DiffArguments>();
  CLI::App* const command = AddCommand(app, "diff", "Show what changed between two checkpoints",
                                       Footer(), arguments.get());
  command->add_option("A", arguments->before, "The one before: 42, latest~1, or a pin")->required();
  command->add_option("B", arguments->after, "The one after")->required();
  command->add_option("--table", arguments->table, "This table only")->type_name("NAME");
  command->add_flag("--stat", arguments->stat, "Numbers only (without this, --json has the keys)");
  command->add_flag("--keys", arguments->keys, "A line for each key that differs");
  command->add_flag("--values", arguments->values, "And its values");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunDiff(*arguments, console); };
  });
}

}  // namespace tidemark::tools
