// Runs a row in a process of its own, so that its memory peak, its caches and its CPU time are its
// own.
//
// The program starts itself again with --row; the row's process writes lines to a pipe:
//   start | stop                  the timed part begins | has ended
//   counter <name> <value>
//   error <message>
#pragma once

#include "bench/row.h"

#include <functional>
#include <string>

namespace tidemark::bench {

struct RowOutcome {
  Counters counters;
  std::string error;  // empty: all went well
};

// Runs `row` in a directory of its own below `data_dir`, which is gone afterwards. Blocks.
RowOutcome RunInOwnProcess(const Row& row, const std::string& data_dir,
                           const std::function<void()>& on_start,
                           const std::function<void()>& on_stop);

// Runs `row` here, in a directory below `data_dir`, and writes the lines to the file descriptor
// `results`. Returns the exit code.
int RunHere(const Row& row, const Scale& scale, const std::string& data_dir, int results);

// Removes what runs that were killed left in `data_dir`.
void RemoveLeftovers(const std::string& data_dir);

}  // namespace tidemark::bench
