#include "tools/command.h"

namespace tidemark::tools {

CLI::App* AddRepositoryCommand(CLI::App* app, const std::string& name,
                               const std::string& description, const std::string& footer,
                               CommonArguments* arguments) {
  CLI::App* const command = app->add_subcommand(name, description);
  command->footer(footer + "\n" + std::string(ExitCodeHelp()));
  command
      ->add_option("REPO", arguments->repository,
                   "The repository: a directory, or a URI such as file:///mnt/checkpoints/job")
      ->required();
  command->add_flag("--json", arguments->json,
                    "One JSON document on standard output, errors as JSON on standard error");
  return command;
}

CLI::App* AddCommand(CLI::App* app, const std::string& name, const std::string& description,
                     const std::string& footer, CommonArguments* arguments) {
  CLI::App* const command = AddRepositoryCommand(app, name, description, footer, arguments);
  command->add_option("--subtask", arguments->subtask, "Only this subtask (default: all of them)")
      ->type_name("N");
  return command;
}

}  // namespace tidemark::tools
