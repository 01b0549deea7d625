#include "bench/checkpoint_folder.h"

#include <filesystem>
#include <utility>

namespace tidemark::bench {

namespace fs = std::filesystem;

CheckpointFolder::CheckpointFolder(std::string path, uint32_t keep_checkpoints)
    : path_(std::move(path)), keep_checkpoints_(keep_checkpoints) {
  fs::create_directories(path_);
  thread_ = std::thread([this] { Work(); });
}

CheckpointFolder::~CheckpointFolder() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void CheckpointFolder::Add(uint64_t id) {
  newest_ = PathOf(id);
  {
    std::lock_guard lock(mutex_);
    added_.push_back(newest_);
  }
  changed_.notify_all();
}

Status CheckpointFolder::Drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return added_.empty() && !working_; });
  return error_;
}

void CheckpointFolder::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return !added_.empty() || stopping_; });
    if (added_.empty()) return;
    const std::string checkpoint = std::move(added_.front());
    added_.pop_front();
    working_ = true;
    lock.unlock();
    Status status;
    try {
      Take(checkpoint);
    } catch (const fs::filesystem_error& error) {
      status = Status(StatusCode::kUnavailable, "checkpoint-folder", error.what());
    }
    lock.lock();
    working_ = false;
    if (error_.ok()) error_ = std::move(status);
    changed_.notify_all();
  }
}

void CheckpointFolder::Take(const std::string& checkpoint) {
  CountNewBytes(checkpoint);
  retained_.push_back(checkpoint);
  while (retained_.size() > keep_checkpoints_) {
    fs::remove_all(retained_.front());
    retained_.pop_front();
  }
}

void CheckpointFolder::CountNewBytes(const std::string& checkpoint) {
  for (const fs::directory_entry& file : fs::directory_iterator(checkpoint)) {
    const bool is_table = file.path().extension() == ".sst";
    if (is_table && !known_tables_.insert(file.path().filename().string()).second) continue;
    published_bytes_ += file.file_size();
  }
}

}  // namespace tidemark::bench
