// ckpt-inspect: looks at repositories offline. Creates, changes and keeps locked nothing, but for
// the commands that are there to do so, and say so.
#include "format/frame.h"
#include "tools/command.h"

#include <csignal>
#include <exception>
#include <sstream>
#include <string_view>

namespace tidemark::tools {
namespace {

std::string Version() {
  return "ckpt-inspect " TIDEMARK_VERSION ", reads format versions 1 to " +
         std::to_string(format::kFormatMajor);
}

std::string Footer() {
  return "Examples:\n"
         "  ckpt-inspect list /mnt/checkpoints/job\n"
         "  ckpt-inspect show /mnt/checkpoints/job latest\n"
         "  ckpt-inspect verify /mnt/checkpoints/job --level checksum\n"
         "Each command explains itself: ckpt-inspect list --help\n\n" +
         std::string(ExitCodeHelp());
}

void Declare(CLI::App* app, Choice* choice) {
  app->name("ckpt-inspect");
  app->description(
      "Looks into a repository of Tidemark checkpoints, without the job that writes it. Changes "
      "nothing unless asked to: prune, compact, fsck --clean, pin, unpin and request do.");
  app->set_version_flag("--version", Version(), "Say which version this is");
  app->require_subcommand(1);
  app->get_formatter()->column_width(24);
  app->footer(Footer());
  AddListCommand(app, choice);
  AddShowCommand(app, choice);
  AddVerifyCommand(app, choice);
  AddDumpCommand(app, choice);
  AddGetCommand(app, choice);
  AddDiffCommand(app, choice);
  AddLogCommand(app, choice);
  AddHistoryCommand(app, choice);
  AddDigestCommand(app, choice);
  AddStatsCommand(app, choice);
  AddExportCommand(app, choice);
  AddImportCommand(app, choice);
  AddReportCommand(app, choice);
  AddIdentifyCommand(app, choice);
  AddExplainCommand(app, choice);
  AddSchemaCommand(app, choice);
  AddVersionCommand(app, choice);
  AddCompletionCommand(app, choice);
  AddManCommand(app, choice);
  AddPruneCommand(app, choice);
  AddPinCommand(app, choice);
  AddUnpinCommand(app, choice);
  AddRequestCommand(app, choice);
  AddCompactCommand(app, choice);
  AddFsckCommand(app, choice);
}

// Also when the command line is wrong, its errors are to be in the language asked for.
bool AsksForJson(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--json") return true;
  return false;
}

// --help and --version end up here too.
ExitCode EndOfParsing(const CLI::App& app, const CLI::ParseError& error, Console* console) {
  std::ostringstream out;
  std::ostringstream complaint;
  if (app.exit(error, out, complaint) == 0) {
    console->data().append(out.str());
    return ExitCode::kOk;
  }
  return console->Report(Status(StatusCode::kInvalidArgument, "command-line",
                                std::string(error.what()) + "; ckpt-inspect --help says more"));
}

ExitCode ParseAndRun(int argc, char** argv, Console* console) {
  CLI::App app;
  Choice choice;
  Declare(&app, &choice);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return EndOfParsing(app, error, console);
  }
  return choice.run(console);
}

int Main(int argc, char** argv) {
  // A reader that goes away shows as EPIPE, which Console knows what to do with.
  std::signal(SIGPIPE, SIG_IGN);
  Console console(AsksForJson(argc, argv));
  ExitCode outcome = ExitCode::kInternal;
  try {
    outcome = ParseAndRun(argc, argv, &console);
  } catch (const std::exception& error) {
    console.data().clear();
    outcome = console.Report(Status(StatusCode::kInternal, "exception", error.what()));
  }
  return static_cast<int>(Worse(outcome, console.Flush()));
}

}  // namespace
}  // namespace tidemark::tools

int main(int argc, char** argv) { return tidemark::tools::Main(argc, argv); }
