// ckpt-inspect dump and get: the records of a checkpoint.
#include "format/key.h"
#include "tools/command.h"
#include "tools/feed.h"
#include "tools/opened_checkpoint.h"
#include "tools/progress.h"
#include "tools/text.h"
#include "tools/values.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace tidemark::tools {
namespace {

struct DumpArguments : CommonArguments {
  std::string checkpoint;
  std::string table;
  std::string prefix;
  std::string from;
  std::string to;
  uint64_t limit = 0;
  std::string format = "text";
};

struct GetArguments : CommonArguments {
  std::string checkpoint;
  std::string table;
  std::string key;
  std::optional<std::string> entry;  // its key may be empty
};

constexpr const char* kKeys =
    "Keys are written as they are shown: 123, some text, hex:00ff or b64:AP8= for bytes, and for "
    "maps "
    "PARTITION / ENTRY.\n\n";

std::string DumpFooter() {
  return "Values are decoded: integers, strings, lists, FlatBuffers as JSON through the schema "
         "that "
         "the repository keeps; other bytes are hex. " +
         std::string(kKeys) + std::string(SelectorHelp()) +
         "\nExamples:\n"
         "  ckpt-inspect dump /mnt/checkpoints/job latest --table counts --limit 10\n"
         "  ckpt-inspect dump /mnt/checkpoints/job 42 --json | jq -c 'select(.type == "
         "\"record\")'\n"
         "  ckpt-inspect dump /mnt/checkpoints/job latest --table users --prefix a --format csv\n";
}

std::string GetFooter() {
  return "Exit code 1: the key has no value. " + std::string(kKeys) + std::string(SelectorHelp()) +
         "\nExamples:\n"
         "  ckpt-inspect get /mnt/checkpoints/job latest counts apple\n"
         "  ckpt-inspect get /mnt/checkpoints/job 42 maps 17 entry-3 --json\n";
}

// Which keys of a table are asked for; they are compared as its bytes are, which for integers is
// the order of numbers.
struct KeyFilter {
  std::string prefix;
  std::string from;
  std::optional<std::string> to;

  bool Takes(std::string_view key) const {
    return key.starts_with(prefix) && key >= from && (!to || key < *to);
  }

  // The part of an ordered table in which such keys are; of all others, whose keys are in the order
  // of their groups first, everything.
  std::unique_ptr<format::RecordStream> Scan(const OpenedCheckpoint& subtask,
                                             const format::TableMeta& table) const {
    if (table.kind != TableKind::kOrderedBytes) return subtask.reader().Scan(table);
    const std::string first = StoredKeyOf(subtask.list(), table, std::max(from, prefix));
    std::optional<std::string> end;
    if (to) end = StoredKeyOf(subtask.list(), table, *to);
    if (end && *end < first) end = first;
    return subtask.reader().Scan(table, first, end);
  }
  // Whether all that comes after `key` in an ordered table is beyond the prefix.
  bool IsPast(std::string_view key) const { return !key.starts_with(prefix) && key > prefix; }
};

Result<KeyFilter> FilterOf(const DumpArguments& arguments, const TableValues& values) {
  KeyFilter filter;
  if (!arguments.prefix.empty()) {
    TIDEMARK_ASSIGN_OR_RETURN(filter.prefix, values.ParseKey(arguments.prefix));
  }
  if (!arguments.from.empty()) {
    TIDEMARK_ASSIGN_OR_RETURN(filter.from, values.ParseKey(arguments.from));
  }
  if (!arguments.to.empty()) {
    TIDEMARK_ASSIGN_OR_RETURN(filter.to, values.ParseKey(arguments.to));
  }
  return filter;
}

std::string Quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

// Writes records in the format that was asked for.
class Dump {
 public:
  Dump(const DumpArguments& arguments, const OpenedJob& job, Console* console)
      : arguments_(arguments),
        job_(job),
        console_(*console),
        progress_(console, "dump", ProgressUnit::kRecords, job.EstimateRecords(arguments.table)) {
    if (arguments.format == "ndjson")
      feed_.emplace(console, "tidemark.dump/1", job.catalog.storage->Uri());
    if (arguments.format == "csv") console_.data().append("table,subtask,key,value\n");
  }

  Status Run() {
    for (const format::TableMeta* table : job_.Tables()) {
      if (!arguments_.table.empty() && table->name != arguments_.table) continue;
      const TableValues values(*table);
      TIDEMARK_ASSIGN_OR_RETURN(const KeyFilter filter, FilterOf(arguments_, values));
      for (const auto& subtask : job_.subtasks)
        TIDEMARK_RETURN_IF_ERROR(RunTable(*subtask, values, filter));
    }
    if (feed_) feed_->Line("summary").Number("records", records_).End();
    return {};
  }

 private:
  bool IsDone() const { return is_over_ || (arguments_.limit > 0 && records_ >= arguments_.limit); }

  Status RunTable(const OpenedCheckpoint& subtask, const TableValues& values,
                  const KeyFilter& filter) {
    const auto table = subtask.FindTable(values.table().name);
    if (!table || IsDone()) return {};
    const auto records = filter.Scan(subtask, **table);
    while (!IsDone()) {
      TIDEMARK_ASSIGN_OR_RETURN(const bool more, records->Next());
      if (!more) return {};
      progress_.AddRecord();
      const format::Record& record = records->record();
      const std::string_view key = format::UserKey(record.key);
      if (filter.Takes(key)) Write(subtask.subtask(), values, key, record.value);
      if ((*table)->kind == TableKind::kOrderedBytes && filter.IsPast(key)) return {};
    }
    return {};
  }

  void Write(uint32_t subtask, const TableValues& values, std::string_view key,
             std::string_view value) {
    ++records_;
    const std::string& table = values.table().name;
    if (feed_) {
      is_over_ = !feed_->Line("record")
                      .Text("table", table)
                      .Number("subtask", subtask)
                      .Raw("key", values.KeyJson(key))
                      .Raw("raw_key", RawKeyJson(key))
                      .Raw("value", values.ValueJson(value))
                      .End();
      return;
    }
    std::string& out = console_.data();
    if (arguments_.format == "csv") {
      out.append(Cell(table)).append(",").append(std::to_string(subtask)).append(",");
      out.append(Cell(values.KeyPlain(key))).append(",").append(Cell(values.ValuePlain(value)));
    } else {
      out.append(Printable(table)).append("  ").append(values.KeyText(key)).append(" = ");
      out.append(values.ValueText(value));
    }
    out.append("\n");
    is_over_ = !console_.Stream();
  }

  // As it is, but on a terminal, which would take some of it for commands.
  std::string Cell(const std::string& text) const {
    return Quoted(is_terminal_ ? Printable(text) : text);
  }

  const bool is_terminal_ = isatty(STDOUT_FILENO) == 1;
  const DumpArguments& arguments_;
  const OpenedJob& job_;
  Console& console_;
  Progress progress_;
  std::optional<Feed> feed_;
  uint64_t records_ = 0;
  bool is_over_ = false;  // nobody reads any more
};

ExitCode RunDump(DumpArguments arguments, Console* console) {
  if (arguments.json) arguments.format = "ndjson";
  OpenedJob job;
  const ExitCode opened =
      OpenJob(arguments.repository, arguments.subtask, arguments.checkpoint, &job, console);
  if (opened != ExitCode::kOk) return opened;
  if (!arguments.table.empty())
    if (const auto table = job.FindTable(arguments.table); !table)
      return console->Report(table.error());
  const Status dumped = Dump(arguments, job, console).Run();
  return dumped.ok() ? ExitCode::kOk : console->Report(dumped);
}

// A map's key has two parts, any other has one.
Status CheckParts(const GetArguments& arguments, const format::TableMeta& table) {
  const bool is_map = table.kind == TableKind::kMap;
  const bool has_entry = arguments.entry || arguments.key.find(" / ") != std::string::npos;
  if (is_map && !has_entry)
    return Status(StatusCode::kInvalidArgument, "key",
                  "table `" + table.name + "` has maps: give the entry's key too, as ENTRY");
  if (!is_map && arguments.entry)
    return Status(StatusCode::kInvalidArgument, "key",
                  "table `" + table.name + "` has no maps: expected one key, got two");
  return {};
}

Status TwoValues(const GetArguments& arguments, uint32_t one, uint32_t other) {
  return Status(StatusCode::kInvalidArgument, "key",
                "subtasks " + std::to_string(one) + " and " + std::to_string(other) +
                    " both have a value of this key, as each has a table `" + arguments.table +
                    "` of its own: say which with --subtask N");
}

ExitCode RunGet(const GetArguments& arguments, Console* console) {
  OpenedJob job;
  const ExitCode opened =
      OpenJob(arguments.repository, arguments.subtask, arguments.checkpoint, &job, console);
  if (opened != ExitCode::kOk) return opened;
  const auto meta = job.FindTable(arguments.table);
  if (!meta) return console->Report(meta.error());
  if (const Status parts = CheckParts(arguments, **meta); !parts.ok())
    return console->Report(parts);
  const TableValues values(**meta);
  const auto key = arguments.entry ? values.ParseEntry(arguments.key, *arguments.entry)
                                   : values.ParseKey(arguments.key);
  if (!key) return console->Report(key.error());
  std::optional<std::string> value;
  uint32_t owner = 0;
  for (const auto& subtask : job.subtasks) {
    const auto table = subtask->FindTable(arguments.table);
    if (!table) continue;
    auto got = subtask->reader().Get(**table, StoredKeyOf(subtask->list(), **table, *key));
    if (!got) return console->Report(got.error());
    if (!*got) continue;
    // Ordered tables do not rescale: each subtask has its own.
    if (value) return console->Report(TwoValues(arguments, owner, subtask->subtask()));
    value = *std::move(got);
    owner = subtask->subtask();
  }
  if (arguments.json) {
    JsonWriter json(&console->data());
    json.BeginObject();
    json.Key("schema").String("tidemark.get/1");
    json.Key("table").String(arguments.table);
    json.Key("found").Bool(value.has_value());
    json.Key("subtask");
    value ? json.Number(owner) : json.Null();
    json.Key("key").Raw(values.KeyJson(*key));
    json.Key("raw_key").Raw(RawKeyJson(*key));
    json.Key("value");
    value ? json.Raw(values.ValueJson(*value)) : json.Null();
    json.Key("bytes").Number(value ? value->size() : 0);
    json.EndObject();
  } else if (value) {
    console->data().append(values.ValueText(*value)).append("\n");
  } else {
    console->Note("no value: table " + arguments.table + ", key " + values.KeyText(*key));
  }
  return value ? ExitCode::kOk : ExitCode::kNo;
}

}  // namespace

void AddDumpCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<DumpArguments>();
  CLI::App* const command = AddCommand(app, "dump", "Write out the records of a checkpoint",
                                       DumpFooter(), arguments.get());
  command->add_option("ID", arguments->checkpoint, "The checkpoint: 42, latest, latest~2, or a pin")
      ->required();
  command->add_option("--table", arguments->table, "This table only")->type_name("NAME");
  command->add_option("--prefix", arguments->prefix, "Keys that begin so; of a map, a partition")
      ->type_name("KEY");
  command->add_option("--from", arguments->from, "Keys from here on")->type_name("KEY");
  command->add_option("--to", arguments->to, "Keys before this one")->type_name("KEY");
  command->add_option("--limit", arguments->limit, "So many records at most")->type_name("N");
  command->add_option("--format", arguments->format, "text, ndjson (as --json) or csv")
      ->check(CLI::IsMember({"text", "ndjson", "csv"}))
      ->type_name("FORMAT");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunDump(*arguments, console); };
  });
}

void AddGetCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<GetArguments>();
  CLI::App* const command =
      AddCommand(app, "get", "Show the value of one key", GetFooter(), arguments.get());
  command->add_option("ID", arguments->checkpoint, "The checkpoint: 42, latest, latest~2, or a pin")
      ->required();
  command->add_option("TABLE", arguments->table, "The table's name")->required();
  command->add_option("KEY", arguments->key, "The key; of a map, the partition")->required();
  command->add_option("ENTRY", arguments->entry, "The entry's key, of a map");
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunGet(*arguments, console); };
  });
}

}  // namespace tidemark::tools
