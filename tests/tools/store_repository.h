// JobFixture: a repository that a real StateStore has written, with tables of several kinds, bases
// and segments of both sorts; and what its checkpoints restore to.
#pragma once

#include "tests/tools/inspect_fixture.h"

#include <tidemark/store.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tidemark::test {

class JobFixture : public InspectFixture {
 public:
  struct Place {
    uint32_t subtask = 0;
    uint32_t parallelism = 1;
  };

 protected:
  using Digests = std::map<uint64_t, std::string>;  // by checkpoint

  StoreOptions JobOptions(const std::string& repository, const std::string& live,
                          const Place& place = Place{0, 1}) const {
    StoreOptions options;
    // Maintenance happens in Drain and Close.
    options.runtime =
        Runtime::Create({.memory_budget_bytes = 32u << 20, .background_threads = 0}).value();
    options.directory = directory_ / live;
    options.repository = repository;
    options.subtask = place.subtask;
    options.parallelism = place.parallelism;
    options.keep_last = 100;
    options.inline_segment_bytes_max = 512;
    return options;
  }
  std::unique_ptr<StateStore> OpenJob(const Place& place = Place{0, 1}) const {
    return StateStore::Open(JobOptions(path_, "live-" + std::to_string(place.subtask), place))
        .value();
  }
  static void Commit(StateStore& store, uint64_t id, uint64_t keys) {
    auto counts = store.Value<std::string, uint64_t>("counts").value();
    auto bytes = store.OpenTable("bytes", {.kind = TableKind::kOrderedBytes}).value();
    for (uint64_t key = 0; key < keys; ++key) {
      const std::string name = "word " + std::to_string((key * 7919 + id) % 1000);
      counts.Put(name, id).Check();
      bytes.Put(name, std::string(20 + key % 7, static_cast<char>('a' + id % 26))).Check();
    }
    CheckpointOptions options;
    options.metadata["offset"] = std::to_string(id);
    store.Checkpoint(id, options).value().Wait().Check();
  }
  // Checkpoints 1 to 9; 4 and 8 brought a base.
  void MakeJob(const Place& place = Place{0, 1}, uint64_t last = 9) const {
    const std::unique_ptr<StateStore> store = OpenJob(place);
    for (uint64_t id = 1; id <= last; ++id) {
      Commit(*store, id, id % 3 == 0 ? 2 : 200);
      if (id % 4 == 0) store->Drain().Check();
    }
    store->Close().Check();
  }

  // Goes back to a checkpoint, elsewhere, and on from there: what came after it is abandoned.
  void GoBack(uint64_t checkpoint, const std::vector<uint64_t>& commits,
              const Place& place = Place{0, 1}) const {
    StoreOptions options = JobOptions(path_, "elsewhere", place);
    options.restore_checkpoint = checkpoint;
    const auto store = StateStore::Open(options).value();
    for (const uint64_t id : commits) Commit(*store, id, 50);
    store->Close().Check();
  }

  // What the retained checkpoints restore to, on another machine and from a copy, so that nothing
  // here is touched.
  Digests ReadDigests() const {
    const std::string copy = directory_ / "copy";
    std::filesystem::copy(path_, copy, std::filesystem::copy_options::recursive);
    Digests digests;
    {
      const auto store = StateStore::Open(JobOptions(copy, "reader")).value();
      for (const CheckpointInfo& info : store->Checkpoints())
        digests[info.id] =
            store->OpenView({.checkpoint = info.id, .verification = Verification::kFull})
                .value()
                .Digest()
                .value();
      store->Close().Check();
    }
    std::filesystem::remove_all(copy);
    std::filesystem::remove_all(directory_ / "reader");
    return digests;
  }

  // The bytes of segments and base files that lie in the repository.
  uint64_t FileBytes() const {
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_ + "/subtasks"))
      if (const std::string folder = entry.path().parent_path().filename();
          entry.is_regular_file() && (folder == "log" || folder == "base"))
        bytes += entry.file_size();
    return bytes;
  }
};

}  // namespace tidemark::test
