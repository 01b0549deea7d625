// Executor: the runtime's maintenance threads; Lane: tasks of one store, run on them one after the
// other.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tidemark::store {

// Lets the calling thread yield to the writer's: a background thread that wakes up must not take
// its core away in the middle of a barrier. Names it for debuggers.
void BecomeBackgroundThread(const char* name);

// Thread safety: all members may be called concurrently. Tasks must not throw.
class Executor {
 public:
  explicit Executor(uint32_t threads);
  // Runs what is queued, then joins.
  ~Executor();
  // `owner` is for TakeBack, and may be null.
  void Post(std::function<void()> task, const void* owner = nullptr);
  // Forgets a task of this owner that has not begun. False if there is none.
  bool TakeBack(const void* owner);
  // Runs what is queued on the calling thread, until nothing is.
  void RunQueued();
  // One of these. False if there is none.
  bool RunOne();
  bool has_threads() const noexcept { return !threads_.empty(); }

 private:
  void Run();
  // Null if nothing is queued.
  std::function<void()> TakeTask();

  struct Task {
    std::function<void()> run;
    const void* owner;
  };
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;  // protected by mutex_
  bool stopping_ = false;   // protected by mutex_
  std::vector<std::thread> threads_;
};

// Runs `step` on the executor whenever it was kicked since its last run began; never twice at a
// time. Where the executor has no threads, who waits for a run does it.
//
// Thread safety: all members may be called concurrently; Stop from outside of `step`.
class Lane {
 public:
  Lane(Executor& executor, std::function<void()> step)
      : executor_(executor), step_(std::move(step)) {}
  void Kick();
  // Blocks until no run is going on or due.
  void WaitIdle();
  // Waits for the current run; one that has not begun, and later kicks, do nothing.
  void Stop();

 private:
  void Run();
  void AwaitIdle();

  Executor& executor_;
  const std::function<void()> step_;
  std::mutex mutex_;
  std::condition_variable idle_;
  bool kicked_ = false;   // protected by mutex_
  bool running_ = false;  // ... queued on the executor or running
  bool stopped_ = false;
};

}  // namespace tidemark::store
