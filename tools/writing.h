// What commands that write have in common: they refuse a live writer, and ask before they delete.
#pragma once

#include "tools/catalog.h"
#include "tools/console.h"

#include <CLI/CLI.hpp>

#include <string>

namespace tidemark::tools {

struct WritingArguments {
  bool yes = false;
  bool take_over = false;
};
void AddYesOption(CLI::App* command, WritingArguments* arguments);
void AddTakeOverOption(CLI::App* command, WritingArguments* arguments);

// kOk if every list of the catalog could be read in full and no writer is seen to live (or is to be
// taken over from). Else it is reported, and nothing may be written.
ExitCode CheckMayWrite(const Catalog& catalog, const WritingArguments& arguments, Console* console);

// Writes out what the console has so far, so that it is seen, and asks on the terminal. kOk: go on
// (with --yes without being asked); kNo: the answer was no, and that is said. Without a terminal,
// or for JSON, nobody can be asked: reported (`not-confirmed`), nothing is written out, kRefused.
ExitCode Confirm(const std::string& question, const WritingArguments& arguments, Console* console);

}  // namespace tidemark::tools
