#include "tests/store/model_disk.h"

#include "storage/file_system.h"
#include "tests/store/model_oracle.h"

#include <filesystem>

namespace tidemark::store {

using PowerCut = test::Cut;
using test::FaultFileSystem;

ModelDisk::ModelDisk(bool may_lose_power) : may_lose_power_(may_lose_power) { Mount(); }

void ModelDisk::Mount() {
  root_ = directory_ / ("disk" + std::to_string(++lives_));
  std::filesystem::create_directories(root_);
  if (may_lose_power_) memory_ = std::make_shared<test::MemoryFileSystem>(root_);
  const auto target = may_lose_power_
                          ? memory_
                          : std::shared_ptr<rocksdb::FileSystem>(storage::DefaultFileSystem());
  fs_ = std::make_shared<FaultFileSystem>(target);
  repository_fs_ = std::make_shared<FaultFileSystem>(target);
  fs_->SkipSyncs(!may_lose_power_);
  repository_fs_->SkipSyncs(!may_lose_power_);
}

void ModelDisk::Remove(std::string_view name) {
  const Status removed = storage::RemoveAll(*fs_, Path(name));
  if (!removed.ok()) throw ModelFailure("remove a directory: " + removed.ToString());
}

std::string_view ModelDisk::Cut(ModelRandom& random) {
  struct Kind {
    PowerCut cut;
    std::string_view left;
  };
  const Kind kind =
      random.OneOf<Kind>({{PowerCut::kNothing, "nothing"},
                          {PowerCut::kAll, "all"},
                          {PowerCut::kTorn, "all names and a part of each content"},
                          {PowerCut::kAnyNames, "some changes of names and some contents"}});
  memory_->WriteCut(kind.cut, random(), directory_ / "left");
  return kind.left;
}

void ModelDisk::PowerOn() {
  const std::string before = root_;
  Mount();
  memory_->Load(directory_ / "left");
  std::filesystem::remove_all(directory_ / "left");
  std::filesystem::remove_all(before);
}

}  // namespace tidemark::store
