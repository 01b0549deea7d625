// Progress: that a long command is seen to be alive, on standard error: on a terminal a line that
// is drawn over and over, and is gone at the end; elsewhere a line every ten seconds. None with
// --json.
#pragma once

#include "format/record.h"
#include "tools/console.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace tidemark::tools {

enum class ProgressUnit : uint8_t {
  kBytes,
  kRecords,
  kTime,  // nothing can be counted: how long it has been at work
};

// What is counted, how far it has come, and of how much; a total of 0 is not known.
struct ProgressState {
  std::string what;  // `verify`, `digest of subtask 3`
  ProgressUnit unit = ProgressUnit::kBytes;
  uint64_t done = 0;
  uint64_t total = 0;
  std::chrono::milliseconds elapsed{0};
};
// `verify: 1.2 GiB of 2.7 GiB, 44 %, 3s left`. A total that is surpassed, as estimates are, is left
// out.
std::string ProgressText(const ProgressState& state);
// The same with a bar before it, no wider than `width` columns.
std::string ProgressBar(const ProgressState& state, size_t width);

// Thread safety: one thread at a time.
class Progress {
 public:
  // `console` outlives this. CKPT_INSPECT_PROGRESS_SECONDS, if set, is the time between two lines.
  Progress(Console* console, std::string what, ProgressUnit unit, uint64_t total = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Set(uint64_t done) {
    state_.done = done;
    MaybeShow();
  }
  // For what is only waited for.
  void Tick() { MaybeShow(); }
  // Cheap enough for every record.
  void AddRecord() {
    constexpr uint64_t kRecordsALook = 1024;
    if (++state_.done % kRecordsALook == 0) MaybeShow();
  }

 private:
  using Clock = std::chrono::steady_clock;
  void MaybeShow();

  Console& console_;
  ProgressState state_;
  const Clock::time_point began_ = Clock::now();
  Clock::time_point next_;
};

// `records`, each one counted. `progress` outlives what is returned.
std::unique_ptr<format::RecordStream> Watched(std::unique_ptr<format::RecordStream> records,
                                              Progress* progress);

}  // namespace tidemark::tools
