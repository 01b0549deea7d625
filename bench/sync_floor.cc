#include "bench/sync_floor.h"

#include "bench/measure.h"
#include "bench/records.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace tidemark::bench {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;

void Check(bool ok, const std::string& path) {
  if (!ok) throw std::system_error(errno, std::generic_category(), path);
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags)
      : path_(path), fd_(open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    Check(fd_ >= 0, path);
  }
  ~Descriptor() { close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void Write(const char* bytes, size_t count) const {
    for (size_t written = 0; written < count;) {
      const ssize_t more = write(fd_, bytes + written, count - written);
      Check(more > 0, path_);
      written += static_cast<size_t>(more);
    }
  }
  // The library syncs content with fdatasync, which a new file's size makes as dear as fsync, and
  // folders with fsync.
  void SyncContent() const { Check(fdatasync(fd_) == 0, path_); }
  void SyncFolder() const { Check(fsync(fd_) == 0, path_); }

 private:
  const std::string path_;
  const int fd_;
};

void SyncFolder(const std::string& path) { Descriptor(path, O_RDONLY | O_DIRECTORY).SyncFolder(); }

void Link(const std::string& from, const std::string& to) {
  Check(link(from.c_str(), to.c_str()) == 0, to);
}

void Unlink(const std::string& path) { Check(unlink(path.c_str()) == 0, path); }

}  // namespace

SyncFloor::SyncFloor(const std::string& directory)
    : directory_(directory), content_(kPieceBytes, '\0') {
  FillValue(/*number=*/0, /*version=*/1, content_);
  for (const char* folder : {"/tmp", "/log", "/manifest"}) {
    std::filesystem::create_directories(directory_ + folder);
    SyncFolder(directory_);
  }
}

SyncFloor::~SyncFloor() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void SyncFloor::Write(const std::string& path, uint64_t bytes) const {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_EXCL);
  for (uint64_t left = bytes; left > 0;) {
    const size_t piece = std::min<uint64_t>(left, content_.size());
    file.Write(content_.data(), piece);
    left -= piece;
  }
  file.SyncContent();
}

void SyncFloor::MakeSegment(uint64_t bytes) {
  const std::string scratch = directory_ + "/tmp/segment";
  Write(scratch, bytes);
  Link(scratch, directory_ + "/log/" + std::to_string(made_));
  SyncFolder(directory_ + "/log");
  Unlink(scratch);
}

void SyncFloor::MakeVersion(uint64_t bytes) {
  const std::string folder = directory_ + "/manifest";
  const std::string name = folder + "/" + std::to_string(made_);
  const std::string temporary = name + ".tmp";
  Write(temporary, bytes);
  Link(temporary, name);
  Unlink(temporary);
  SyncFolder(folder);
}

std::chrono::nanoseconds SyncFloor::Commit(uint64_t segment_bytes, uint64_t version_bytes) {
  ++made_;
  return TimeOf([&] {
    if (segment_bytes > 0) MakeSegment(segment_bytes);
    MakeVersion(version_bytes);
  });
}

std::chrono::nanoseconds SyncFloor::Segment(uint64_t segment_bytes) {
  ++made_;
  return TimeOf([&] { MakeSegment(segment_bytes); });
}

}  // namespace tidemark::bench
