// What a store writes has the rights that the umask of its process leaves, and is for nobody else
// to write however wide that is (SECURITY.md).
#include "tests/public/store_fixture.h"

#include <tidemark/pins.h>

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

class Umask {
 public:
  explicit Umask(mode_t mask) : before_(umask(mask)) {}
  ~Umask() { umask(before_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  const mode_t before_;
};

class PermissionsTest : public StoreFixture {
 protected:
  // Checkpoints, a base, a spill, a pin, a request and a compaction of RocksDB's.
  void Live() {
    Open();
    Table table = Open("t");
    for (uint64_t id = 1; id <= 5; ++id) {
      for (int i = 0; i < 100; ++i)
        ASSERT_OK(table.Put("key" + std::to_string(i), std::string(200, 'v')));
      ASSERT_OK(Save(id));
      ASSERT_OK(store_->Drain());
    }
    ASSERT_TRUE(PinCheckpoint(*storage_, "kept", 5).has_value());
    ASSERT_TRUE(RequestCheckpoint(*storage_).has_value());
  }
  // Calls check(path, rights) for all that is there.
  template <class F>
  void ForAll(F&& check) {
    size_t seen = 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
      check(entry.path().string(), entry.status().permissions());
      ++seen;
    }
    EXPECT_GT(seen, 20u);
  }
};

TEST_F(PermissionsTest, NothingIsForAllToWrite) {
  const Umask all(0);
  Live();
  ForAll([](const std::string& path, fs::perms rights) {
    EXPECT_EQ(rights & fs::perms::others_write, fs::perms::none) << path;
  });
}

TEST_F(PermissionsTest, TheUmaskHolds) {
  const Umask owner(0077);
  Live();
  ForAll([](const std::string& path, fs::perms rights) {
    EXPECT_EQ(rights & (fs::perms::group_all | fs::perms::others_all), fs::perms::none) << path;
  });
}

}  // namespace
}  // namespace tidemark::test
