// flock on a file: the kernel drops it with the last descriptor, however the process ends.
#include "storage/file_system.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace tidemark::storage {
namespace {

// IsLocked holds a shared lock for a moment, which must not look like a living process.
constexpr int kAttempts = 5;
constexpr auto kPause = std::chrono::milliseconds(10);

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class HeldLock final : public StorageLock {
 public:
  explicit HeldLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

Status SystemError(std::string_view doing, const std::string& path) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  std::string message(doing);
  message.append(" ").append(path).append(": ").append(std::strerror(errno));
  return Status(full ? StatusCode::kResourceExhausted : StatusCode::kUnavailable,
                full ? "disk-full" : "io-error", std::move(message));
}

bool Lock(int fd, int operation) {
  int result = 0;
  do {
    result = flock(fd, operation | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

// Whether the file is still the one that `path` names: who cleans up may have removed it.
bool IsStillNamed(int fd, const std::string& path) {
  struct stat ours {};
  struct stat named {};
  return fstat(fd, &ours) == 0 && stat(path.c_str(), &named) == 0 && ours.st_dev == named.st_dev &&
         ours.st_ino == named.st_ino;
}

std::string Holder(int fd) {
  char text[32];
  const ssize_t n = pread(fd, text, sizeof(text), 0);
  std::string holder(text, n > 0 ? static_cast<size_t>(n) : 0);
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return holder.empty() ? "another process" : "process " + holder;
}

Status WriteHolder(int fd, const std::string& path) {
  const std::string text = std::to_string(getpid()) + '\n';
  const bool written =
      ftruncate(fd, 0) == 0 && pwrite(fd, text.data(), text.size(), 0) == ssize_t(text.size());
  return written ? Status() : SystemError("write", path);
}

}  // namespace

Result<std::unique_ptr<StorageLock>> LockFile(const std::string& path, std::string_view name) {
  for (int attempt = 1;; ++attempt) {
    Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (file.get() < 0) return SystemError("open", path);
    if (Lock(file.get(), LOCK_EX)) {
      if (!IsStillNamed(file.get(), path)) continue;
      TIDEMARK_RETURN_IF_ERROR(WriteHolder(file.get(), path));
      return std::unique_ptr<StorageLock>(std::make_unique<HeldLock>(std::move(file)));
    }
    if (errno != EWOULDBLOCK) return SystemError("lock", path);
    if (attempt >= kAttempts) {
      return Status(StatusCode::kBusy, name,
                    path + ": locked by " + Holder(file.get()) + "; wait for it to end");
    }
    std::this_thread::sleep_for(kPause);
  }
}

bool IsLocked(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return errno != ENOENT && errno != ENOTDIR;
  return !Lock(file.get(), LOCK_SH);
}

}  // namespace tidemark::storage
