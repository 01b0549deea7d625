// ckpt-inspect request: asks the running job for a checkpoint.
#include "tools/command.h"
#include "tools/document.h"
#include "tools/text.h"

#include <tidemark/pins.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

namespace tidemark::tools {
namespace {

constexpr std::chrono::milliseconds kLookInterval{200};

struct RequestArguments : CommonArguments {
  std::string reason;
  std::string withdraw;  // the request's id
  std::optional<uint32_t> wait_seconds;
  bool list = false;
};

constexpr const char* kExamples =
    "The request is an object in the repository. Each subtask's store sees it, tells the job, and "
    "removes it once a checkpoint is durable whose barrier came after that.\n\n"
    "Examples:\n"
    "  ckpt-inspect request /mnt/checkpoints/job --reason 'before the upgrade' --wait 60\n"
    "  ckpt-inspect request /mnt/checkpoints/job --list\n"
    "  ckpt-inspect request /mnt/checkpoints/job --withdraw 0123456789abcdef\n";

// Of one request, or of all.
Result<std::vector<RequestInfo>> OpenRequests(const Catalog& catalog, const std::string& id) {
  TIDEMARK_ASSIGN_OR_RETURN(std::vector<RequestInfo> open, ListRequests(*catalog.storage));
  if (!id.empty())
    std::erase_if(open, [&](const RequestInfo& request) { return request.id != id; });
  return open;
}

void WriteJson(const Catalog& catalog, const std::string& id, const std::string& outcome,
               const std::vector<RequestInfo>& open, Console* console) {
  JsonWriter json(&console->data());
  json.BeginObject();
  WriteHead("tidemark.request/1", catalog, &json);
  json.Key("outcome").String(outcome);
  json.Key("request");
  id.empty() ? json.Null() : json.String(id);
  json.Key("open").BeginArray();
  for (const RequestInfo& request : open) {
    json.BeginObject();
    json.Key("request").String(request.id);
    json.Key("subtask").Number(request.subtask);
    json.Key("created").String(FormatTimeExact(UnixMs(request.created)));
    json.Key("reason").String(request.reason);
    json.EndObject();
  }
  json.EndArray();
  json.Key("errors").BeginArray();
  json.EndArray();
  json.EndObject();
}

void AppendText(const std::vector<RequestInfo>& open, std::string* text) {
  for (const RequestInfo& request : open)
    text->append(request.id + "  subtask " + std::to_string(request.subtask) + ", asked " +
                 FormatAge(UnixMs(request.created), NowMs()) + " ago" +
                 (request.reason.empty() ? "" : ": " + Printable(request.reason)) + "\n");
}

ExitCode List(const Catalog& catalog, Console* console) {
  const auto open = OpenRequests(catalog, "");
  if (!open) return console->Report(open.error());
  if (console->json())
    WriteJson(catalog, "", "listed", *open, console);
  else
    AppendText(*open, &console->data());
  console->Note(Counted(open->size(), "open request"));
  return ExitCode::kOk;
}

ExitCode Withdraw(const Catalog& catalog, const std::string& id, Console* console) {
  const Status withdrawn = WithdrawRequest(*catalog.storage, id);
  if (!withdrawn.ok()) return console->Report(withdrawn);
  if (console->json())
    WriteJson(catalog, id, "withdrawn", {}, console);
  else
    console->Note("withdrew request " + id);
  return ExitCode::kOk;
}

// Until all subtasks have answered, or it takes too long. Those that have not.
Result<std::vector<RequestInfo>> Wait(const Catalog& catalog, const std::string& id,
                                      uint32_t seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (;;) {
    TIDEMARK_ASSIGN_OR_RETURN(std::vector<RequestInfo> open, OpenRequests(catalog, id));
    if (open.empty() || std::chrono::steady_clock::now() >= end) return open;
    std::this_thread::sleep_for(kLookInterval);
  }
}

void NoteIfNobodyIsThere(const Catalog& catalog, Console* console) {
  const auto may_live = [](const Subtask& subtask) {
    return subtask.writer.life == WriterLife::kAlive || subtask.writer.life == WriterLife::kUnknown;
  };
  if (std::none_of(catalog.subtasks.begin(), catalog.subtasks.end(), may_live))
    console->Note("no writer is alive; the request waits for the next one");
}

ExitCode Ask(const Catalog& catalog, const RequestArguments& arguments, Console* console) {
  const Result<std::string> id = RequestCheckpoint(*catalog.storage, arguments.reason);
  if (!id) return console->Report(id.error());
  NoteIfNobodyIsThere(catalog, console);
  const auto open = Wait(catalog, *id, arguments.wait_seconds.value_or(0));
  if (!open) return console->Report(open.error());
  const bool answered = open->empty();
  if (console->json())
    WriteJson(catalog, *id, answered ? "answered" : "asked", *open, console);
  else
    console->data().append(*id + "\n");
  if (!arguments.wait_seconds) return ExitCode::kOk;
  console->Note(answered ? "the checkpoint is durable"
                         : "not answered yet by " + Counted(open->size(), "subtask") +
                               "; the request stays, --withdraw " + *id + " takes it back");
  return answered ? ExitCode::kOk : ExitCode::kNo;
}

ExitCode RunRequest(const RequestArguments& arguments, Console* console) {
  const Result<Catalog> catalog = ReadCatalog(arguments.repository, std::nullopt);
  if (!catalog) return console->Report(catalog.error());
  if (arguments.list) return List(*catalog, console);
  if (!arguments.withdraw.empty()) return Withdraw(*catalog, arguments.withdraw, console);
  return Ask(*catalog, arguments, console);
}

}  // namespace

void AddRequestCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<RequestArguments>();
  CLI::App* const command = AddRepositoryCommand(
      app, "request", "Ask the running job for a checkpoint", kExamples, arguments.get());
  CLI::Option* const reason =
      command->add_option("--reason", arguments->reason, "For people")->type_name("TEXT");
  CLI::Option* const wait =
      command
          ->add_option("--wait", arguments->wait_seconds,
                       "Until it is answered; exit code 1 if it is not within so many seconds")
          ->type_name("SECONDS");
  CLI::Option* const list = command->add_flag("--list", arguments->list,
                                              "Ask for nothing: show the requests that are open");
  CLI::Option* const withdraw =
      command->add_option("--withdraw", arguments->withdraw, "Take a request back")
          ->type_name("REQUEST");
  list->excludes(reason)->excludes(wait);
  withdraw->excludes(reason)->excludes(wait)->excludes(list);
  command->callback([arguments, choice] {
    choice->run = [arguments](Console* console) { return RunRequest(*arguments, console); };
  });
}

}  // namespace tidemark::tools
