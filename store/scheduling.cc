#include "store/scheduling.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>

namespace tidemark::store {

namespace {

constexpr int kMaintenanceNice = 10;
constexpr int kRoom = 4;

void SetPolicy(int policy) {
  const sched_param parameters{};
  pthread_setschedparam(pthread_self(), policy, &parameters);
}

// Of the calling thread, since it began.
std::chrono::nanoseconds ProcessorTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

int64_t ThisThread() {
  static thread_local const int64_t id = gettid();
  return id;
}

}  // namespace

void BecomeBackgroundThread(const char* name) {
  pthread_setname_np(pthread_self(), name);
  SetPolicy(SCHED_BATCH);
}

void BecomeMaintenanceThread(const char* name) {
  BecomeBackgroundThread(name);
  setpriority(PRIO_PROCESS, 0, kMaintenanceNice);  // of this thread alone
}

PromptThread::PromptThread(bool prompt) : prompt_(prompt) {
  if (prompt_) SetPolicy(SCHED_OTHER);
}

PromptThread::~PromptThread() {
  if (prompt_) SetPolicy(SCHED_BATCH);
}

bool WriterLoad::LeavesRoom() {
  const int64_t thread = ThisThread();
  const auto used = ProcessorTime();
  const auto at = std::chrono::steady_clock::now();
  const bool leaves_room = thread == thread_ && kRoom * (used - used_) < at - at_;
  thread_ = thread;
  used_ = used;
  at_ = at;
  return leaves_room;
}

}  // namespace tidemark::store
