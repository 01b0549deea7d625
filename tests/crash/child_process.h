// ChildProcess: a program that a test starts, listens to, stops and kills.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace tidemark::test {

// Thread safety: one thread at a time.
class ChildProcess {
 public:
  // Starts `command`; its standard output comes here.
  explicit ChildProcess(const std::vector<std::string>& command);
  // Kills it if it runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The next line of its output without the end of line; empty when there is none within `patience`
  // (which may be 0), or when it has ended.
  std::string ReadLine(std::chrono::milliseconds patience);
  void Signal(int signal) const;
  // SIGSTOP; on return it has stopped, or has ended before (false).
  bool Stop() const;
  // SIGKILL; it is gone on return. What it has written can still be read.
  void Kill();
  // Waits until it ends by itself. Its exit code, or 256 and the signal that ended it.
  int Wait();
  // The most that it had in physical memory, once it has ended.
  uint64_t peak_resident_bytes() const { return peak_resident_bytes_; }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::string unread_;
  uint64_t peak_resident_bytes_ = 0;
};

}  // namespace tidemark::test
