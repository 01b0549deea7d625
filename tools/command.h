// Command: what main() needs to know of each one. A command lives in a file of its own,
// cmd_<name>.cc, that declares its arguments to CLI11, runs, and formats; what it knows of
// repositories lies below, in storage/ and compaction/.
//
// A new command is a new file, its Add function here, and a line in main.cc.
#pragma once

#include "tools/console.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace tidemark::tools {

// Arguments that every command takes.
struct CommonArguments {
  std::string repository;
  std::optional<uint32_t> subtask;
  bool json = false;
};

// The command that the command line chose.
struct Choice {
  std::function<ExitCode(Console*)> run;
};

// Declares a command with the arguments common to all. `arguments` must outlive `app`. `footer`
// ends its help, before the exit codes.
CLI::App* AddCommand(CLI::App* app, const std::string& name, const std::string& description,
                     const std::string& footer, CommonArguments* arguments);
// The same without --subtask, for what is only done to all of them together.
CLI::App* AddRepositoryCommand(CLI::App* app, const std::string& name,
                               const std::string& description, const std::string& footer,
                               CommonArguments* arguments);

// Each declares its command to `app`; when it is parsed, `choice` is set.
void AddCompletionCommand(CLI::App* app, Choice* choice);
void AddDiffCommand(CLI::App* app, Choice* choice);
void AddDigestCommand(CLI::App* app, Choice* choice);
void AddDumpCommand(CLI::App* app, Choice* choice);
void AddExplainCommand(CLI::App* app, Choice* choice);
void AddExportCommand(CLI::App* app, Choice* choice);
void AddGetCommand(CLI::App* app, Choice* choice);
void AddHistoryCommand(CLI::App* app, Choice* choice);
void AddIdentifyCommand(CLI::App* app, Choice* choice);
void AddImportCommand(CLI::App* app, Choice* choice);
void AddCompactCommand(CLI::App* app, Choice* choice);
void AddFsckCommand(CLI::App* app, Choice* choice);
void AddListCommand(CLI::App* app, Choice* choice);
void AddLogCommand(CLI::App* app, Choice* choice);
void AddManCommand(CLI::App* app, Choice* choice);
void AddPinCommand(CLI::App* app, Choice* choice);
void AddPruneCommand(CLI::App* app, Choice* choice);
void AddReportCommand(CLI::App* app, Choice* choice);
void AddRequestCommand(CLI::App* app, Choice* choice);
void AddSchemaCommand(CLI::App* app, Choice* choice);
void AddShowCommand(CLI::App* app, Choice* choice);
void AddStatsCommand(CLI::App* app, Choice* choice);
void AddUnpinCommand(CLI::App* app, Choice* choice);
void AddVersionCommand(CLI::App* app, Choice* choice);
void AddVerifyCommand(CLI::App* app, Choice* choice);

}  // namespace tidemark::tools
