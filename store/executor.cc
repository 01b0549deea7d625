#include "store/executor.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace tidemark::store {

namespace {

// Commits go first: a tenth of their share of a core that both want.
constexpr int kMaintenanceNice = 10;

}  // namespace

void BecomeBackgroundThread(const char* name) {
  pthread_setname_np(pthread_self(), name);
  // SCHED_BATCH threads do not preempt others when they wake up. Best effort.
  const sched_param parameters{};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &parameters);
}

Executor::Executor(uint32_t threads) {
  for (uint32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

Executor::~Executor() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  RunQueued();
}

void Executor::Post(std::function<void()> task, const void* owner) {
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back({std::move(task), owner});
  }
  wake_.notify_one();
}

bool Executor::TakeBack(const void* owner) {
  std::lock_guard lock(mutex_);
  const auto task = std::find_if(tasks_.begin(), tasks_.end(),
                                 [owner](const Task& queued) { return queued.owner == owner; });
  if (task == tasks_.end()) return false;
  tasks_.erase(task);
  return true;
}

std::function<void()> Executor::TakeTask() {
  std::lock_guard lock(mutex_);
  if (tasks_.empty()) return nullptr;
  std::function<void()> task = std::move(tasks_.front().run);
  tasks_.pop_front();
  return task;
}

bool Executor::RunOne() {
  const std::function<void()> task = TakeTask();
  if (task == nullptr) return false;
  task();
  return true;
}

void Executor::RunQueued() {
  while (RunOne()) {
  }
}

void Executor::Run() {
  BecomeBackgroundThread("tidemark-maint");
  // Of this thread alone. Best effort.
  setpriority(PRIO_PROCESS, 0, kMaintenanceNice);
  while (true) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front().run);
      tasks_.pop_front();
    }
    task();
  }
}

void Lane::Kick() {
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    kicked_ = true;
    if (running_) return;
    running_ = true;
  }
  executor_.Post([this] { Run(); }, this);
}

void Lane::Run() {
  {
    std::lock_guard lock(mutex_);
    if (!kicked_ || stopped_) {
      running_ = false;
      // Under the lock: after it, whoever waits may destroy this lane.
      idle_.notify_all();
      return;
    }
    kicked_ = false;
  }
  step_();
  // Behind the other lanes, however much there is to do here. And a host's thread came for one
  // task, and may have what it waits for.
  executor_.Post([this] { Run(); }, this);
}

void Lane::WaitIdle() { AwaitIdle(); }

void Lane::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    // Other stores' steps may be before it, and take long.
    if (running_ && executor_.TakeBack(this)) {
      running_ = false;
      idle_.notify_all();
    }
  }
  AwaitIdle();
}

void Lane::AwaitIdle() {
  constexpr std::chrono::milliseconds kLookAgain{1};
  std::unique_lock lock(mutex_);
  while (running_) {
    if (executor_.has_threads()) {
      idle_.wait(lock, [this] { return !running_; });
      return;
    }
    lock.unlock();
    executor_.RunQueued();
    lock.lock();
    // Another thread of the host may be at it.
    idle_.wait_for(lock, kLookAgain, [this] { return !running_; });
  }
}

}  // namespace tidemark::store
