// LivesFixture: a repository and local directories in which stores live and die, one after the
// other. Each life is a process of its own, so that it can die without closing.
#pragma once

#include "tests/crash/busy_life.h"
#include "tests/crash/crash_store.h"
#include "tests/crash/in_child.h"
#include "tests/support/fault_storage.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tidemark::test {

// The parameter says how all stores of a test are set up.
class LivesFixture : public ::testing::TestWithParam<Transfer> {
 protected:
  static constexpr RoundShape kShape{.keys = 150, .changes = 25, .value_bytes_max = 200};

  StoreOptions Options(const std::string& live = "live") const {
    StoreOptions options = SmallStore(directory_.path());
    options.directory = directory_ / live;
    options.write_back_segments = 1000;  // when a test says so
    options.write_back_bytes = 16 << 20;
    options.inline_segment_bytes_max = 512;
    if (GetParam() == Transfer::kLink) return options;
    options.repository.clear();
    options.storage = StorageAt(directory_.path(), DiskWithoutSyncs(), Transfer::kCopy);
    return options;
  }
  StoreOptions Options(uint64_t checkpoint, const std::string& live = "live") const {
    StoreOptions options = Options(live);
    options.restore_checkpoint = checkpoint;
    return options;
  }

  static Result<TestStore> Open(const StoreOptions& options) {
    return TestStore::Open(options, DiskWithoutSyncs());
  }
  // A life: opens, runs `part`, closes unless it dies.
  void Live(const StoreOptions& options, const std::function<void(TestStore&)>& part) {
    const std::string end = InChild([&] {
      auto store = Open(options);
      ASSERT_TRUE(store.has_value()) << store.error().ToString();
      part(*store);
      EXPECT_EQ(store->Close().ToString(), "OK");
    });
    EXPECT_TRUE(end.empty() || end == kDied) << end;
  }

  // Rounds and checkpoints `first` to `last`, made of `seed`.
  void Commit(TestStore& store, uint64_t seed, uint64_t first, uint64_t last) const {
    for (uint64_t round = first; round <= last; ++round) {
      ASSERT_EQ(store.Run(ChangesOfRound(seed, round, kShape)).ToString(), "OK");
      ASSERT_EQ(store.Checkpoint(round).ToString(), "OK");
    }
  }
  static void Drain(TestStore& store) { ASSERT_EQ(store.Drain().ToString(), "OK"); }

  void ExpectRestored(TestStore& store, uint64_t id, const History& history) const {
    EXPECT_EQ(store.restored_id(), id);
    EXPECT_TRUE(store.restored().skipped.empty());
    const auto content = store.ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(history.After(id, kShape), *content), "");
  }

  // Exactly what the list names is there, whole.
  void ExpectTidy() {
    const auto storage = StorageAt(directory_.path());
    const auto list = ReadNewest(*storage);
    ASSERT_TRUE(list.has_value()) << list.error().ToString();
    EXPECT_EQ(FilesThere(*storage), FilesNamed(*list));
    EXPECT_EQ(FindDamage(*storage, *list), "");
  }
  std::vector<uint64_t> Retained() {
    return IdsOf(ReadNewest(*StorageAt(directory_.path())).value());
  }

  std::vector<std::string> LiveFiles(const std::string& folder, const std::string& live = "live") {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ / live)) {
      const std::string path = entry.path().string();
      if (entry.is_regular_file() && path.find("/" + folder + "/") != std::string::npos &&
          path.ends_with(".sst"))
        paths.push_back(path);
    }
    return paths;
  }

  // Files that share their bytes with nothing else, each with one bit flipped.
  static void FlipABit(const std::vector<std::string>& paths, uint64_t offset) {
    for (const std::string& path : paths) {
      std::filesystem::copy_file(path, path + ".copy");
      std::filesystem::rename(path + ".copy", path);
      std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
      file.seekg(static_cast<std::streamoff>(offset));
      const char byte = static_cast<char>(file.get() ^ 0x10);
      file.seekp(static_cast<std::streamoff>(offset));
      file.put(byte);
    }
  }

  static History Of(const std::vector<std::pair<uint64_t, uint64_t>>& seeds) {
    History history;
    for (const auto& [first_round, seed] : seeds) history.Continue(first_round, seed);
    return history;
  }

  TempDir directory_;
};

}  // namespace tidemark::test
