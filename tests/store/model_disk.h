// ModelDisk: what a store of the model test and its repository lie on. Where the power may fail
// that is a MemoryFileSystem, else the operating system's files.
#pragma once

#include "tests/store/model_random.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temp_dir.h"

#include <memory>
#include <string>
#include <string_view>

namespace tidemark::store {

class ModelDisk {
 public:
  explicit ModelDisk(bool may_lose_power);

  // The store's file system, and where faults strike; and the repository's. Each life of the disk
  // has its own.
  const std::shared_ptr<test::FaultFileSystem>& fs() const { return fs_; }
  const std::shared_ptr<test::FaultFileSystem>& repository_fs() const { return repository_fs_; }
  // Below what lives and dies with the disk.
  std::string Path(std::string_view name) const { return root_ + "/" + std::string(name); }
  // Of the operating system in any case.
  std::string ScratchPath(std::string_view name) const {
    return directory_ / ("scratch-" + std::string(name));
  }
  void Remove(std::string_view name);

  // The power fails now: returns what is left of what was not synced. Whoever uses the disk goes on
  // as if it had not, until PowerOn.
  std::string_view Cut(ModelRandom& random);
  // From here on the disk is what Cut left, under another path.
  void PowerOn();

 private:
  void Mount();

  const test::TempDir directory_{test::TempDir::InMemory()};
  const bool may_lose_power_;
  int lives_ = 0;
  std::string root_;
  std::shared_ptr<test::MemoryFileSystem> memory_;  // null where the power never fails
  std::shared_ptr<test::FaultFileSystem> fs_;
  std::shared_ptr<test::FaultFileSystem> repository_fs_;
};

}  // namespace tidemark::store
