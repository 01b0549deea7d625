#include "bench/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

namespace tidemark::bench {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kFolderPrefix = "row-";

[[noreturn]] void ThrowErrno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// A folder named after the process that works in it.
class RowFolder {
 public:
  RowFolder(const std::string& data_dir, pid_t process)
      : path_(data_dir + "/" + std::string(kFolderPrefix) + std::to_string(process)) {}
  ~RowFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  RowFolder(const RowFolder&) = delete;
  RowFolder& operator=(const RowFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

class LineWriter {
 public:
  explicit LineWriter(int fd) : file_(fdopen(fd, "w"), fclose) {
    if (!file_) ThrowErrno("--result_fd");
  }
  void Write(const std::string& line) {
    std::fprintf(file_.get(), "%s\n", line.c_str());
    std::fflush(file_.get());
  }
  void Write(const Counters& counters) {
    for (const auto& [name, value] : counters) {
      // 17 digits bring a double back as it was.
      std::fprintf(file_.get(), "counter %s %.17g\n", name.c_str(), value);
    }
  }

 private:
  std::unique_ptr<FILE, int (*)(FILE*)> file_;
};

std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

struct Child {
  pid_t process;
  int results;  // the end to read from
};

// Between fork and exec only calls that are safe there.
[[noreturn]] void BecomeRow(char* const* arguments, int results) {
  // A row does not outlive the run that wants it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  fcntl(results, F_SETFD, 0);
  execv("/proc/self/exe", arguments);
  _exit(127);
}

Child StartRow(const Row& row, const std::string& data_dir) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) ThrowErrno("pipe2");
  std::string arguments[] = {"tidemark_bench", "--row=" + row.name(), "--data_dir=" + data_dir,
                             "--result_fd=" + std::to_string(ends[1])};
  char* pointers[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(),
                      arguments[3].data(), nullptr};
  const pid_t process = fork();
  if (process < 0) ThrowErrno("fork");
  if (process == 0) BecomeRow(pointers, ends[1]);
  close(ends[1]);
  return {process, ends[0]};
}

void ReadCounter(std::string_view text, Counters& counters) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return;
  counters.emplace_back(text.substr(0, space),
                        std::strtod(std::string(text.substr(space + 1)).c_str(), nullptr));
}

void ReadLine(std::string_view line, const std::function<void()>& on_start,
              const std::function<void()>& on_stop, RowOutcome& outcome) {
  constexpr std::string_view kCounter = "counter ";
  constexpr std::string_view kError = "error ";
  if (line == "start") {
    on_start();
  } else if (line == "stop") {
    on_stop();
  } else if (line.starts_with(kCounter)) {
    ReadCounter(line.substr(kCounter.size()), outcome.counters);
  } else if (line.starts_with(kError)) {
    outcome.error = line.substr(kError.size());
  }
}

// Of a process that has ended otherwise than by reporting an error; empty if it went well.
std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) {
    return std::string("the row's process was ended by signal ") + strsignal(WTERMSIG(status));
  }
  if (WEXITSTATUS(status) == 0) return "";
  return "the row's process exited with code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

RowOutcome RunInOwnProcess(const Row& row, const std::string& data_dir,
                           const std::function<void()>& on_start,
                           const std::function<void()>& on_stop) {
  const Child child = StartRow(row, data_dir);
  const RowFolder folder(data_dir, child.process);  // removed even if the row crashes
  RowOutcome outcome;
  const std::unique_ptr<FILE, int (*)(FILE*)> results(fdopen(child.results, "r"), fclose);
  if (!results) ThrowErrno("fdopen");
  char* line = nullptr;
  size_t capacity = 0;
  for (ssize_t length; (length = getline(&line, &capacity, results.get())) > 0;) {
    const std::string_view text(line, static_cast<size_t>(length));
    ReadLine(text.substr(0, text.size() - text.ends_with('\n')), on_start, on_stop, outcome);
  }
  std::free(line);
  int status = 0;
  while (waitpid(child.process, &status, 0) < 0 && errno == EINTR) {
  }
  if (outcome.error.empty()) outcome.error = HowItEnded(status);
  return outcome;
}

int RunHere(const Row& row, const Scale& scale, const std::string& data_dir, int results) {
  LineWriter lines(results);
  try {
    const RowFolder folder(data_dir, getpid());
    fs::remove_all(folder.path());
    fs::create_directories(folder.path());
    lines.Write(row.run(
        {scale, folder.path(), [&] { lines.Write("start"); }, [&] { lines.Write("stop"); }}));
    return 0;
  } catch (const std::exception& error) {
    lines.Write("error " + OneLine(error.what()));
    return 1;
  }
}

void RemoveLeftovers(const std::string& data_dir) {
  for (const auto& entry : fs::directory_iterator(data_dir)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kFolderPrefix)) continue;
    const pid_t process = std::atoi(name.c_str() + kFolderPrefix.size());
    if (process > 0 && kill(process, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path());
  }
}

}  // namespace tidemark::bench
