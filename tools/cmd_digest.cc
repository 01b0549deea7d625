// ckpt-inspect digest: what a checkpoint holds, in one number.
#include "compaction/digest.h"
#include "tools/command.h"
#include "tools/document.h"
#include "tools/opened_checkpoint.h"
#include "tools/progress.h"

#include <memory>

namespace tidemark::tools {
namespace {

struct DigestArguments : CommonArguments {
  std::string checkpoint;
};

std::string Footer() {
  return "SHA-256 over all live records in the order of tables and keys, of all subtasks together. "
         "Two checkpoints with the same digest restore to the same state, whatever files they are "
         "made of: before and after compaction, export, or a change of parallelism. Equal to "
         "ReadView::Digest where there is one subtask. Reads everything.\n\n" +
         std::string(SelectorHelp()) +
         "\nExamples:\n"
         "  ckpt-inspect digest /mnt/checkpoints/job latest\n"
         "  ckpt-inspect digest /mnt/savepoints/before-1.4 latest --json | jq -r .digest\n";
}

// Table by table, and each of them subtask by subtask.
Result<std::string> DigestOf(const OpenedJob& job, Console* console) {
  Progress progress(console, "digest", ProgressUnit::kRecords, job.EstimateRecords());
  compaction::ContentDigest digest;
  for (const format::TableMeta* meta : job.Tables()) {
    digest.BeginTable(*meta);
    for (const auto& subtask : job.subtasks) {
      const auto table = subtask->FindTable(meta->name);
      if (!table) continue;
      const auto records = Watched(subtask->reader().Scan(**table), &progress);
      TIDEMARK_RETURN_IF_ERROR(
          digest.Add(*records).WithContext("subtask " + std::to_string(subtask->subtask())));
    }
    digest.EndTable();
  }
  return digest.Finish();
}

ExitCode RunDigest(const DigestArguments& arguments, Console* console) {
  OpenedJob job;
  const ExitCode opened =
      OpenJob(arguments.repository, arguments.subtask, arguments.checkpoint, &job, console);
  if (opened != ExitCode::kOk) return opened;
  const Result<std::string> digest = DigestOf(job, console);
  if (!digest) return console->Report(digest.error());
  if (!arguments.json) {
    console->data().append(*digest).append("\n");
    return ExitCode::kOk;
  }
  JsonWriter json(&console->data());
  json.BeginObject();
  WriteHead("tidemark.digest/1", job.catalog, &json);
  json.Key("checkpoints").BeginArray();
  for (const auto& one : job.subtasks) json.Id(one->checkpoint().id);
  json.EndArray();
  json.Key("digest").String(*digest);
  json.Key("errors").BeginArray();
  json.EndArray();
  json.EndObject();
  return ExitCode::kOk;
}

}  // namespace

void AddDigestCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<DigestArguments>();
  CLI::App* const command = AddCommand(app, "digest", "Say in one number what a checkpoint holds",
                                       Footer(), arguments.get());
  command->add_option("ID", arguments->checkpoint, "The checkpoint: 42, latest, latest~2, or a pin")
      ->required();
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunDigest(*arguments, console); };
  });
}

}  // namespace tidemark::tools
