// ckpt-inspect completion and man: for shells and for man(1), made of the same declarations that
// the command line is parsed with, so that they cannot tell anything else.
#include "tools/command.h"

#include <algorithm>
#include <memory>

namespace tidemark::tools {
namespace {

struct Arguments {
  std::string shell;
};

std::vector<const CLI::App*> Commands(const CLI::App* app) {
  return app->get_subcommands([](const CLI::App*) { return true; });
}

// `--json --subtask ...`.
std::string OptionsOf(const CLI::App* command) {
  std::string words;
  for (const CLI::Option* option : command->get_options())
    for (const std::string& name : option->get_lnames())
      words.append(words.empty() ? "--" : " --").append(name);
  return words;
}

std::string CommandNames(const CLI::App* app) {
  std::string names;
  for (const CLI::App* command : Commands(app))
    names.append(names.empty() ? "" : " ").append(command->get_name());
  return names;
}

// What follows the options is a path, in all commands.
std::string BashCompletion(const CLI::App* app) {
  std::string script =
      "# bash completion of ckpt-inspect; source it, or put it into "
      "/usr/share/bash-completion/completions/ckpt-inspect\n"
      "_ckpt_inspect() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]}\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    COMPREPLY=($(compgen -W '" +
      CommandNames(app) +
      " --help --version' -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  local options=\n"
      "  case ${COMP_WORDS[1]} in\n";
  for (const CLI::App* command : Commands(app))
    script.append("    ")
        .append(command->get_name())
        .append(") options='")
        .append(OptionsOf(command))
        .append("' ;;\n");
  return script +
         "  esac\n"
         "  if [[ $word == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _ckpt_inspect ckpt-inspect\n";
}

std::string ZshQuoted(const std::string& text) {
  std::string quoted;
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else if (c == ':' || c == '[' || c == ']') {
      quoted.append("\\").push_back(c);
    } else {
      quoted += c;
    }
  }
  return quoted;
}

std::string ZshCompletion(const CLI::App* app) {
  std::string script =
      "#compdef ckpt-inspect\n"
      "_ckpt_inspect() {\n"
      "  if ((CURRENT == 2)); then\n"
      "    local -a commands=(\n";
  for (const CLI::App* command : Commands(app))
    script.append("      '")
        .append(command->get_name())
        .append(":")
        .append(ZshQuoted(command->get_description()))
        .append("'\n");
  script +=
      "    )\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  case $words[2] in\n";
  for (const CLI::App* command : Commands(app)) {
    script.append("    ").append(command->get_name()).append(") _arguments");
    for (const CLI::Option* option : command->get_options())
      for (const std::string& name : option->get_lnames())
        script.append(" '--")
            .append(name)
            .append("[")
            .append(ZshQuoted(option->get_description()))
            .append("]'");
    script.append(" '*:file:_files' ;;\n");
  }
  return script +
         "  esac\n"
         "}\n"
         "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
         "  _ckpt_inspect \"$@\"\n"
         "else\n"
         "  compdef _ckpt_inspect ckpt-inspect\n"
         "fi\n";
}

// Text for troff: backslashes, and dots and quotes at the start of lines.
std::string Roff(std::string_view text) {
  std::string roff;
  bool at_start = true;
  for (const char c : text) {
    if (at_start && (c == '.' || c == '\'')) roff += "\\&";
    if (c == '\\')
      roff += "\\e";
    else if (c == '-')
      roff += "\\-";
    else
      roff += c;
    at_start = c == '\n';
  }
  return roff;
}

// Each line of the text is one, however long it is.
std::string Lines(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line = Roff(text.substr(0, end));
    lines.append(line.empty() ? ".PP" : line).append(line.empty() ? "\n" : "\n.br\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string ManPage(const CLI::App* app) {
  std::string page = ".TH CKPT\\-INSPECT 1 \"\" \"Tidemark " TIDEMARK_VERSION
                     "\" \"User Commands\"\n"
                     ".SH NAME\nckpt\\-inspect \\- look into a repository of Tidemark checkpoints\n"
                     ".SH SYNOPSIS\n.B ckpt\\-inspect\n.I COMMAND\n[\\fIARGUMENTS\\fR]\n"
                     ".SH DESCRIPTION\n" +
                     Roff(app->get_description()) + "\n.SH COMMANDS\n";
  for (const CLI::App* command : Commands(app)) {
    page.append(".SS ").append(Roff(command->get_name()));
    for (const CLI::Option* option : command->get_options())
      if (option->get_positional())
        page.append(" ").append(Roff(option->get_name(/*positional=*/true)));
    page.append("\n").append(Roff(command->get_description())).append(".\n");
    for (const CLI::Option* option : command->get_options()) {
      const std::string name =
          option->get_positional() ? option->get_name(true) : option->get_name(false, true);
      page.append(".TP\n.B ").append(Roff(name)).append("\n");
      page.append(Roff(option->get_description())).append("\n");
    }
    page.append(".PP\n").append(Lines(command->get_footer()));
  }
  return page +
         ".SH FILES\nCommands that read records work in a directory below TMPDIR, or /tmp.\n"
         ".SH ENVIRONMENT\n"
         ".TP\n.B CKPT_INSPECT_PROGRESS_SECONDS\nTime between two words of progress (10; on a "
         "terminal 0.1).\n"
         ".TP\n.B NO_COLOR\nNo colours, if it is set and not empty.\n"
         ".TP\n.B TMPDIR\nWhere scratch directories are made.\n";
}

ExitCode RunCompletion(const CLI::App* app, const Arguments& arguments, Console* console) {
  console->data().append(arguments.shell == "zsh" ? ZshCompletion(app) : BashCompletion(app));
  return ExitCode::kOk;
}

}  // namespace

void AddCompletionCommand(CLI::App* app, Choice* choice) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* const command =
      app->add_subcommand("completion", "Print the completion of a shell: bash or zsh");
  command->footer("Examples:\n  source <(ckpt-inspect completion bash)\n");
  command->add_option("SHELL", arguments->shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  command->callback([app, arguments, choice] {
    choice->run = [app, arguments](Console* console) {
      return RunCompletion(app, *arguments, console);
    };
  });
}

void AddManCommand(CLI::App* app, Choice* choice) {
  CLI::App* const command = app->add_subcommand("man", "Print the manual page, for man(1)");
  command->footer("Examples:\n  ckpt-inspect man | man -l -\n");
  command->callback([app, choice] {
    choice->run = [app](Console* console) {
      console->data().append(ManPage(app));
      return ExitCode::kOk;
    };
  });
}

}  // namespace tidemark::tools
