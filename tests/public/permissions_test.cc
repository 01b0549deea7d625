// What a store writes has the rights that the umask of its process leaves, and is for nobody else
// to write however wide that is (SECURITY.md).
#include "storage/export.h"
#include "storage/manifest_chain.h"
#include "storage/repository.h"
#include "tests/public/store_fixture.h"

#include <tidemark/pins.h>

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBudget = uint64_t{16} << 20;
constexpr uint64_t kLargeBytes = uint64_t{16} << 10;

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
  // Checkpoints, a base, a spill, a pin, a request, and what an export writes.
  void Live() {
    options_.runtime = Runtime::Create({.memory_budget_bytes = kBudget}).value();
    options_.stall_timeout = std::chrono::seconds(60);
    Open();
    Table table = Open("t");
    for (uint64_t id = 1; id <= 5; ++id) {
      for (int i = 0; i < 100; ++i)
        ASSERT_OK(table.Put("key" + std::to_string(i), std::string(200, 'v')));
      ASSERT_OK(Save(id));
      ASSERT_OK(store_->Drain());
    }
    // One epoch of more than fits.
    for (int i = 0; i < 2 * int{kBudget / kLargeBytes}; ++i)
      ASSERT_OK(table.Put("large" + std::to_string(i), std::string(kLargeBytes, 'v')));
    ASSERT_GT(store_->Metrics().spills, 0u);
    ASSERT_OK(Save(6));
    ASSERT_OK(store_->Drain());
    Export();
    ASSERT_TRUE(PinCheckpoint(*storage_, "kept", 5).has_value());
    ASSERT_TRUE(RequestCheckpoint(*storage_).has_value());
  }
  // By copies: what is linked has the rights that it had.
  void Export() {
    const auto info = storage::ReadRepositoryInfo(*storage_).value();
    const auto list = storage::ReadManifest(*storage_, info.id, 0).value().manifest;
    const auto report = storage::ExportCheckpoint(
        *storage_, {format::ListOf(list, list.checkpoints.back())}, directory_ / "export", {});
    ASSERT_OK(report.error());
    ASSERT_TRUE(fs::exists(directory_ / "export/FORMAT"));
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
