#include "bench/measure.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace tidemark::bench {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double ProcessCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

// The number after `name` in a file of lines like `VmHWM:  1234 kB`.
std::optional<uint64_t> ReadField(const char* path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return std::stoull(line.substr(name.size()));
  }
  return std::nullopt;
}

// Of a thread of this process: 'S' asleep, 'R' running or ready to, 'D' waiting for a disk; 'X' if
// it has ended.
char StateOfThread(const std::filesystem::path& thread) {
  std::ifstream file(thread / "stat");
  std::string text;
  if (!std::getline(file, text)) return 'X';
  // `123 (name) S ...`, where the name may contain anything.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= text.size()) {
    throw std::runtime_error((thread / "stat").string() + " does not tell a state: " + text);
  }
  return text[name_end + 2];
}

bool OtherThreadsSleep() {
  const std::string self = std::to_string(gettid());
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    if (thread.path().filename() == self) continue;
    const char state = StateOfThread(thread.path());
    if (state == 'R' || state == 'D') return false;
  }
  return true;
}

}  // namespace

ProcessSample AwaitIdleThreads() {
  constexpr std::chrono::milliseconds kPoll{5};
  constexpr int kLooks = 10;
  ProcessSample idle_since = SampleProcess();
  for (int idle = 0; idle < kLooks; std::this_thread::sleep_for(kPoll)) {
    if (!OtherThreadsSleep()) {
      idle = 0;
    } else if (idle++ == 0) {
      idle_since = SampleProcess();
    }
  }
  return idle_since;
}

ProcessSample SampleProcess() {
  const auto written = ReadField("/proc/self/io", "write_bytes:");
  if (!written) throw std::runtime_error("/proc/self/io does not tell write_bytes");
  return {std::chrono::steady_clock::now(), ProcessCpuSeconds(), *written};
}

double SecondsBetween(const ProcessSample& from, const ProcessSample& to) {
  return std::chrono::duration<double>(to.time - from.time).count();
}

// Not ru_maxrss: that one is inherited from the process that started this one.
uint64_t PeakRssBytes() { return ReadField("/proc/self/status", "VmHWM:").value_or(0) * 1024; }

DirectoryUsage UsageOf(const std::string& path) {
  DirectoryUsage usage;
  std::set<std::pair<dev_t, ino_t>> seen;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    struct stat status {};
    if (lstat(entry.path().c_str(), &status) != 0) {
      if (errno == ENOENT) continue;
      throw std::system_error(errno, std::generic_category(), entry.path().string());
    }
    if (!S_ISREG(status.st_mode) || !seen.emplace(status.st_dev, status.st_ino).second) continue;
    usage.bytes += static_cast<uint64_t>(status.st_size);
    ++usage.files;
  }
  return usage;
}

double Quantile(std::vector<double> samples, double fraction) {
  if (samples.empty()) return 0;
  const double rank = std::ceil(fraction * static_cast<double>(samples.size()));
  const size_t index = rank < 1 ? 0 : static_cast<size_t>(rank) - 1;
  std::nth_element(samples.begin(), samples.begin() + static_cast<ptrdiff_t>(index), samples.end());
  return samples[index];
}

}  // namespace tidemark::bench
