// InspectList, InspectVerify and InspectDiff: ckpt-inspect as somebody uses it who was just woken:
// what there is, whether it is intact, what has changed. The real program is started, on a
// repository of thousands of checkpoints; the page cache is as it is.
#include "bench/measure.h"
#include "bench/random.h"
#include "bench/table_job.h"
#include "bench/workloads.h"
#include "storage/segment_file.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

extern char** environ;

namespace tidemark::bench {
namespace {

#ifdef TIDEMARK_BENCH_INSPECT

constexpr int kRepetitions = 5;
// How far back a larger difference begins.
constexpr uint64_t kFar = 100;

struct Took {
  double seconds = 0;
  double peak_rss_bytes = 0;
  int status = -1;
};

// Runs ckpt-inspect from a process of its own, which is made while this one is small: what a child
// has used at most counts from what its parent had when it was made.
class Runner {
 public:
  Runner() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 || (child_ = fork()) < 0)
      throw std::runtime_error("cannot start a process");
    socket_ = ends[child_ == 0 ? 1 : 0];
    close(ends[child_ == 0 ? 0 : 1]);
    if (child_ == 0) Serve();
  }
  ~Runner() {
    close(socket_);
    waitpid(child_, nullptr, 0);
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Its output goes nowhere. Throws if the exit code is not one of those that mean an answer.
  Took Run(const std::vector<std::string>& arguments) const {
    std::string message;
    for (const std::string& argument : arguments) message.append(argument).push_back('\0');
    Took took;
    if (send(socket_, message.data(), message.size(), 0) < 0 ||
        recv(socket_, &took, sizeof(took), 0) != sizeof(took))
      throw std::runtime_error("cannot run ckpt-inspect");
    // 1: `diff` has found differences.
    if (!WIFEXITED(took.status) || WEXITSTATUS(took.status) > 1)
      throw std::runtime_error("ckpt-inspect " + arguments.front() + " ended with status " +
                               std::to_string(took.status));
    return took;
  }

  // The median time and the largest memory of several runs.
  void Measure(const std::string& name, const std::vector<std::string>& arguments,
               Counters& counters) const {
    std::vector<double> seconds;
    double peak_rss_bytes = 0;
    for (int i = 0; i < kRepetitions; ++i) {
      const Took took = Run(arguments);
      seconds.push_back(took.seconds);
      peak_rss_bytes = std::max(peak_rss_bytes, took.peak_rss_bytes);
    }
    counters.emplace_back(name + "_s", Quantile(seconds, 0.5));
    counters.emplace_back(name + "_rss_bytes", peak_rss_bytes);
  }

 private:
  [[noreturn]] void Serve() const {
    char message[4096];
    for (ssize_t size; (size = recv(socket_, message, sizeof(message), 0)) > 0;) {
      std::string program = TIDEMARK_BENCH_INSPECT;
      std::vector<char*> argv{program.data()};
      for (char* at = message; at < message + size; at += std::strlen(at) + 1) argv.push_back(at);
      argv.push_back(nullptr);
      const Took took = Spawn(argv);
      (void)send(socket_, &took, sizeof(took), 0);
    }
    _exit(0);
  }

  static Took Spawn(const std::vector<char*>& argv) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    Took took;
    pid_t child = -1;
    rusage usage{};
    const auto begin = std::chrono::steady_clock::now();
    if (posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ) == 0)
      wait4(child, &took.status, 0, &usage);
    took.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    took.peak_rss_bytes = static_cast<double>(usage.ru_maxrss) * 1024;
    posix_spawn_file_actions_destroy(&actions);
    return took;
  }

  pid_t child_ = -1;
  int socket_ = -1;
};

// A repository of so many checkpoints, each of a few changes anywhere.
class Inspected {
 public:
  explicit Inspected(const RowContext& context)
      : context_(context),
        size_(context.scale.inspect),
        job_(context, {.keep_checkpoints = static_cast<uint32_t>(size_.checkpoints)}) {
    job_.Load(size_.keys);
    for (uint64_t i = 0; i < size_.checkpoints; ++i) {
      for (uint64_t change = 0; change < size_.changes; ++change)
        job_.table().Put(random_.Below(size_.keys));
      job_.Checkpoint();
    }
    job_.Drain();
    context_.on_start();
  }

  std::string repository() const { return job_.tidemark().repository(); }

  Counters List() {
    Counters counters;
    runner_.Measure("list", {"list", repository()}, counters);
    runner_.Measure("show", {"show", repository(), "latest"}, counters);
    return Stop(std::move(counters));
  }

  // Beside it the same bytes are only read, by one thread too.
  Counters Verify() {
    Counters counters;
    runner_.Measure("verify", {"verify", repository(), "--level", "checksum"}, counters);
    std::vector<double> seconds;
    for (int i = 0; i < kRepetitions; ++i)
      seconds.push_back(std::chrono::duration<double>(TimeOf([&] { ReadEverything(); })).count());
    counters.emplace_back("read_s", Quantile(seconds, 0.5));
    counters.emplace_back("read_over_verify", counters.back().second / counters.front().second);
    return Stop(std::move(counters));
  }

  Counters Diff() {
    Counters counters;
    const std::string far = "latest~" + std::to_string(std::min(kFar, size_.checkpoints - 1));
    runner_.Measure("diff_1", {"diff", repository(), "latest~1", "latest", "--stat"}, counters);
    runner_.Measure("diff_far", {"diff", repository(), far, "latest", "--stat"}, counters);
    return Stop(std::move(counters));
  }

 private:
  Counters Stop(Counters counters) {
    context_.on_stop();
    counters.emplace_back("checkpoints_retained", job_.store().Checkpoints().size());
    return counters;
  }

  void ReadEverything() const {
    const CheckpointStorage& storage = job_.tidemark().storage();
    constexpr uint64_t kPiece = uint64_t{1} << 20;
    for (const ObjectInfo& file : storage.List("subtasks/").value())
      for (uint64_t offset = 0; offset < file.size; offset += kPiece)
        storage.Read(file.name, offset, kPiece).value();
  }

  const Runner runner_;  // the first to be made
  const RowContext& context_;
  const ChurnSize size_;
  TableJob job_;
  Random random_{20'240'229};
};

#endif

}  // namespace

std::vector<Row> InspectRows() {
#ifdef TIDEMARK_BENCH_INSPECT
  const auto row = [](const char* workload, Counters (Inspected::*measure)()) {
    return Row{workload, "tidemark", /*variant=*/"",
               [measure](const RowContext& context) { return (Inspected(context).*measure)(); },
               RowKind::kBytes};
  };
  return {row("InspectList", &Inspected::List), row("InspectVerify", &Inspected::Verify),
          row("InspectDiff", &Inspected::Diff)};
#else
  return {};
#endif
}

}  // namespace tidemark::bench
