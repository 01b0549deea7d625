// How background threads share the processor with the writer. Best effort: where the system refuses
// nothing changes.
#pragma once

#include <chrono>
#include <cstdint>

namespace tidemark::store {

// Lets the calling thread yield to the writer's: a background thread that wakes up must not take
// its core away in the middle of a barrier. Names it for debuggers.
void BecomeBackgroundThread(const char* name);

// A tenth of a core that somebody else wants, too.
void BecomeMaintenanceThread(const char* name);

// For as long as this lives, the calling background thread takes a core as soon as it wakes up.
// What waits for the disk again and again would otherwise wait for a slice of whoever has its core
// each time.
class PromptThread {
 public:
  explicit PromptThread(bool prompt);
  ~PromptThread();
  PromptThread(const PromptThread&) = delete;
  PromptThread& operator=(const PromptThread&) = delete;

 private:
  const bool prompt_;
};

// How busy the writer's thread is.
// Thread safety: one thread at a time.
class WriterLoad {
 public:
  // Whether the calling thread has used less than a quarter of the time since the last call: it
  // waits for its input, so nothing is lost if somebody takes its core. False if that was another
  // thread's. Takes two readings of clocks.
  bool LeavesRoom();

 private:
  int64_t thread_ = 0;
  std::chrono::nanoseconds used_{};
  std::chrono::steady_clock::time_point at_;
};

}  // namespace tidemark::store
