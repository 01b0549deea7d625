// ckpt-inspect explain, schema and version: about the tool and what it says, not about a
// repository.
#include "format/frame.h"
#include "tools/command.h"
#include "tools/explanations.h"
#include "tools/json.h"
#include "tools/schemas.h"

#include <memory>

namespace tidemark::tools {
namespace {

struct Arguments {
  std::string name;
  bool json = false;
};

ExitCode RunExplain(const Arguments& arguments, Console* console) {
  const Explanation* const found = FindExplanation(arguments.name);
  if (found == nullptr) {
    std::string like;
    for (const std::string& name : NamesLike(arguments.name))
      like.append(like.empty() ? "; near it: " : ", ").append(name);
    return console->Report(Status(StatusCode::kNotFound, "error-unknown",
                                  "no error is named `" + arguments.name + "`" + like));
  }
  std::string& out = console->data();
  if (!arguments.json) {
    const Style& style = console->style();
    out.append(style.Bold(arguments.name)).append("\n\n  ").append(found->meaning);
    out.append("\n\n").append(style.Bold("What is safe: ")).append(found->kept);
    out.append("\n").append(style.Bold("Next: ")).append(found->next).append("\n");
    return ExitCode::kOk;
  }
  JsonWriter json(&out);
  json.BeginObject();
  json.Key("schema").String("tidemark.explain/1");
  json.Key("name").String(arguments.name);
  json.Key("meaning").String(found->meaning);
  json.Key("kept").String(found->kept);
  json.Key("next").String(found->next);
  json.EndObject();
  return ExitCode::kOk;
}

ExitCode RunSchema(const Arguments& arguments, Console* console) {
  std::string names;
  for (const Schema& schema : Schemas()) {
    if (schema.command == arguments.name) {
      console->data().append(schema.json);
      return ExitCode::kOk;
    }
    names.append(names.empty() ? "" : ", ").append(schema.command);
  }
  return console->Report(Status(StatusCode::kNotFound, "schema-unknown",
                                "no output is named `" + arguments.name + "`; there are " + names));
}

ExitCode RunVersion(const Arguments& arguments, Console* console) {
  std::string& out = console->data();
  if (!arguments.json) {
    out.append("ckpt-inspect " TIDEMARK_VERSION "\nreads format versions 1 to ");
    out.append(std::to_string(format::kFormatMajor)).append("\n");
    return ExitCode::kOk;
  }
  JsonWriter json(&out);
  json.BeginObject();
  json.Key("schema").String("tidemark.version/1");
  json.Key("version").String(TIDEMARK_VERSION);
  json.Key("format_min").Number(1);
  json.Key("format_max").Number(format::kFormatMajor);
  json.EndObject();
  return ExitCode::kOk;
}

using RunFunction = ExitCode (*)(const Arguments&, Console*);

CLI::App* Add(CLI::App* app, Choice* choice, const char* name, const char* description,
              const char* examples, RunFunction run, const std::shared_ptr<Arguments>& arguments) {
  CLI::App* const command = app->add_subcommand(name, description);
  command->footer(std::string(examples) + "\n" + std::string(ExitCodeHelp()));
  command->callback([arguments, choice, run] {
    choice->run = [arguments, run](Console* console) { return run(*arguments, console); };
  });
  command->add_flag("--json", arguments->json,
                    "One JSON document on standard output, errors as JSON on standard error");
  return command;
}

}  // namespace

void AddExplainCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<Arguments>();
  Add(app, choice, "explain", "Say what a named error means, and what to do next",
      "The name stands in brackets at the end of an error, and as `name` in JSON.\n\n"
      "Examples:\n  ckpt-inspect explain file-checksum\n",
      RunExplain, arguments)
      ->add_option("ERROR", arguments->name, "The error's name")
      ->required();
}

void AddSchemaCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<Arguments>();
  Add(app, choice, "schema", "Print the JSON Schema of a command's output",
      "For feeds (dump, log, history, diff) it is that of one line. `error` is what goes to "
      "standard error. Fields are only ever added to a version of a schema.\n\n"
      "Examples:\n  ckpt-inspect schema list\n",
      RunSchema, arguments)
      ->add_option("COMMAND", arguments->name, "The command, or `error`")
      ->required();
}

void AddVersionCommand(CLI::App* app, Choice* choice) {
  Add(app, choice, "version", "Say which version this is, and what it reads",
      "Examples:\n  ckpt-inspect version --json\n", RunVersion, std::make_shared<Arguments>());
}

}  // namespace tidemark::tools
