#include "tools/scratch.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

namespace tidemark::tools {
namespace {

void RemoveAll(const std::string& directory) {
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

// Directories that are to go with the process. A handler may not remove a tree, so a thread waits
// for the signals instead.
class Leftovers {
 public:
  static Leftovers& Get() {
    static Leftovers* const leftovers = new Leftovers;  // its thread outlives main()
    return *leftovers;
  }

  void Add(const std::string& directory) {
    const std::lock_guard lock(mutex_);
    directories_.insert(directory);
    if (!std::exchange(waits_, true)) WaitForSignals();
  }
  void Forget(const std::string& directory) {
    const std::lock_guard lock(mutex_);
    directories_.erase(directory);
  }

 private:
  void WaitForSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
      if (!IsIgnored(signal)) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::thread([this, signals] {
      int signal = 0;
      if (sigwait(&signals, &signal) == 0) EndBy(signal);
    }).detach();
  }

  // nohup ignores SIGHUP, and means it.
  static bool IsIgnored(int signal) {
    struct sigaction action {};
    return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
  }

  void EndBy(int signal) {
    const std::lock_guard lock(mutex_);
    // The command goes on meanwhile, and may make files where some were just removed.
    constexpr int kTries = 3;
    for (int i = 0; i < kTries; ++i)
      for (const std::string& directory : directories_) RemoveAll(directory);
    std::signal(signal, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    std::raise(signal);
  }

  std::mutex mutex_;
  std::set<std::string> directories_;
  bool waits_ = false;
};

}  // namespace

Result<std::unique_ptr<Scratch>> Scratch::Make() {
  const char* const set = std::getenv("TMPDIR");
  const std::string above = set != nullptr && *set != '\0' ? set : "/tmp";
  std::string path = above + "/ckpt-inspect-XXXXXX";
  if (mkdtemp(path.data()) == nullptr)
    return Status(StatusCode::kUnavailable, "scratch-directory",
                  "cannot make a directory below " + above + ": " +
                      std::generic_category().message(errno) +
                      "; set TMPDIR to one that can be written");
  Leftovers::Get().Add(path);
  return std::unique_ptr<Scratch>(new Scratch(path));
}

Scratch::~Scratch() {
  RemoveAll(directory_);
  Leftovers::Get().Forget(directory_);
}

}  // namespace tidemark::tools
