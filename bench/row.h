// Row: one benchmark of the suite, `<workload>/<engine>/<variant>`, run once in a process of its
// own.
#pragma once

#include "bench/scale.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::bench {

// Names and values, in the order in which they are shown.
using Counters = std::vector<std::pair<std::string, double>>;

struct RowContext {
  const Scale& scale;
  // Empty, on a real disk, removed afterwards.
  std::string directory;
  // Called when the timed part begins and when it ends.
  std::function<void()> on_start;
  std::function<void()> on_stop;
};

// What a row takes and tells, which decides how often it is repeated.
enum class RowKind : uint8_t {
  kShort,
  kLong,   // over a minute at the largest scale
  kBytes,  // mostly how many bytes there are, and these hardly vary
};

struct Row {
  std::string workload;
  std::string engine;
  std::string variant;  // may be empty
  // Throws std::exception if the engine fails or gives a wrong result.
  std::function<Counters(const RowContext&)> run;
  RowKind kind = RowKind::kShort;

  std::string name() const {
    return workload + "/" + engine + (variant.empty() ? "" : "/" + variant);
  }
};

}  // namespace tidemark::bench
