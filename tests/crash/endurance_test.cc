// A job at full speed for long, with a checkpoint every 50 ms and a storage that takes a pause now
// and then: memory, files, bytes on disk and the time that a change takes do not grow, and the
// state in the end is what was put there.
//
// TIDEMARK_SECONDS says for how long; the campaign's 30 minutes are 1800.
#include "tests/crash/crash_store.h"
#include "tests/crash/process_memory.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"
#include "tests/support/fault_storage.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kBudget = 64 * kMiB;
constexpr uint64_t kKeys = 200'000;
constexpr std::chrono::milliseconds kInterval{50};
constexpr size_t kWindows = 12;
constexpr size_t kInFlightMax = 8;
constexpr size_t kSamples = 100'000;

// What there is at the end of a part of the run.
struct Window {
  uint64_t resident = 0;
  uint64_t files = 0;
  uint64_t disk_bytes = 0;
  double p99_us = 0;  // of a change, in this part
};

class EnduranceTest : public ::testing::Test {
 protected:
  EnduranceTest() : counters_(kKeys) {
    took_.reserve(kSamples);
    // Within the plan's lock, so that everybody who asks the storage waits.
    StorageFault pauses;
    pauses.spares = [this](StorageOperation, std::string_view) {
      if (pauses_.OneIn(60))
        std::this_thread::sleep_for(std::chrono::milliseconds(1 + pauses_.Below(150)));
      return true;
    };
    storage_->plan().Inject(std::move(pauses));
  }

  StoreOptions Options(const std::string& live) {
    StoreOptions options = SmallStore(directory_.path());
    options.directory = directory_ / live;
    options.repository.clear();
    options.storage = storage_;
    options.write_back_bytes = 8 * kMiB;
    options.write_back_segments = 64;
    options.keep_last = 5;
    options.runtime = Runtime::Create({.memory_budget_bytes = kBudget}).value();
    return options;
  }

  static std::string KeyOf(uint64_t key) { return "counter-" + std::to_string(key); }

  // Often the same few, with now and then one of all.
  uint64_t DrawKey() { return random_.OneIn(4) ? random_.Below(kKeys) : random_.Below(kKeys / 50); }

  void Change() {
    const uint64_t key = DrawKey();
    const std::string name = KeyOf(key);
    const uint64_t value = counters_[key] + 1 + random_.Below(100);
    const auto began = Clock::now();
    const Status status = table_->Put(name, {reinterpret_cast<const char*>(&value), sizeof(value)});
    Note(std::chrono::duration<double, std::micro>(Clock::now() - began).count());
    ASSERT_EQ(status.ToString(), "OK");
    counters_[key] = value;
    ++changes_;
  }
  // Of all that a part takes so many stay, evenly: the test must not grow itself.
  void Note(double us) {
    ++noted_;
    if (took_.size() < kSamples) return took_.push_back(us);
    if (const uint64_t place = samples_.Below(noted_); place < kSamples) took_[place] = us;
  }
  void Checkpoint() {
    while (under_way_.size() >= kInFlightMax) {
      ASSERT_EQ(TestStore::Wait(under_way_.front()).ToString(), "OK");
      under_way_.pop_front();
    }
    auto ticket = store_->Begin(++id_);
    ASSERT_TRUE(ticket.has_value()) << ticket.error().ToString();
    under_way_.push_back(*std::move(ticket));
  }
  void RunFor(Clock::duration time) {
    const auto end = Clock::now() + time;
    auto barrier = Clock::now() + kInterval;
    for (auto now = Clock::now(); now < end && !HasFatalFailure(); now = Clock::now()) {
      for (int i = 0; i < 100; ++i) Change();
      if (now < barrier) continue;
      Checkpoint();
      barrier = now + kInterval;
    }
  }
  Window Measure() {
    Window window;
    window.resident = ResidentBytes("VmRSS");
    for (const auto& entry : fs::recursive_directory_iterator(
             directory_.path(), fs::directory_options::skip_permission_denied)) {
      std::error_code gone;  // files come and go
      if (!entry.is_regular_file(gone) || gone) continue;
      const uint64_t size = entry.file_size(gone);
      if (gone) continue;
      ++window.files;
      window.disk_bytes += size;
    }
    const auto p99 = took_.begin() + static_cast<ptrdiff_t>(took_.size() * 99 / 100);
    std::nth_element(took_.begin(), p99, took_.end());
    window.p99_us = *p99;
    took_.clear();
    noted_ = 0;
    return window;
  }

  void ExpectCounters() {
    const auto table = store_->core().OpenTable("counters", {}).value();
    for (uint64_t key = 0; key < kKeys; ++key) {
      const auto found = table->Get(KeyOf(key));
      ASSERT_TRUE(found.has_value()) << found.error().ToString();
      uint64_t value = 0;
      if (*found) std::memcpy(&value, (*found)->data(), sizeof(value));
      ASSERT_EQ(value, counters_[key]) << key;
    }
  }

  const TempDir directory_;
  Random pauses_{1};
  const std::shared_ptr<FaultStorage> storage_ =
      std::make_shared<FaultStorage>(StorageAt(directory_.path(), DiskWithoutSyncs()));
  Random random_{FromEnvironment("TIDEMARK_SEED", 1)};
  std::vector<uint64_t> counters_;
  std::optional<TestStore> store_;
  std::shared_ptr<store::TableCore> table_;
  std::deque<TestStore::Ticket> under_way_;
  std::vector<double> took_;
  uint64_t noted_ = 0;  // in this part
  Random samples_{2};
  uint64_t id_ = 0;
  uint64_t changes_ = 0;
};

// The largest and the least of some windows, by a member.
template <class T>
std::pair<T, T> Range(const std::vector<Window>& windows, size_t first, size_t last,
                      T Window::*member) {
  T least = windows[first].*member;
  T most = least;
  for (size_t i = first; i < last; ++i) {
    least = std::min(least, windows[i].*member);
    most = std::max(most, windows[i].*member);
  }
  return {least, most};
}

TEST_F(EnduranceTest, NothingGrows) {
  const std::chrono::duration<double> time(
      static_cast<double>(FromEnvironment("TIDEMARK_SECONDS", 6)));
  store_.emplace(TestStore::Open(Options("live"), DiskWithoutSyncs()).value());
  table_ = store_->core().OpenTable("counters", {}).value();
  for (uint64_t key = 0; key < kKeys; ++key) {
    ASSERT_TRUE(table_->Put(KeyOf(key), std::string(sizeof(uint64_t), '\0')).ok());
  }
  std::vector<Window> windows;
  for (size_t i = 0; i < kWindows && !HasFailure(); ++i) {
    alarm(static_cast<unsigned>(time.count()) + 60);
    RunFor(std::chrono::duration_cast<Clock::duration>(time / kWindows));
    windows.push_back(Measure());
    std::printf("%5.1f MiB resident, %4llu files, %6.1f MiB on disk, a change %.2f us at p99\n",
                static_cast<double>(windows.back().resident) / kMiB,
                static_cast<unsigned long long>(windows.back().files),
                static_cast<double>(windows.back().disk_bytes) / kMiB, windows.back().p99_us);
  }
  ASSERT_FALSE(HasFailure());
  alarm(120);
  Checkpoint();
  while (!under_way_.empty()) {
    ASSERT_EQ(TestStore::Wait(under_way_.front()).ToString(), "OK");
    under_way_.pop_front();
  }
  ExpectCounters();
  table_.reset();
  ASSERT_EQ(store_->Close().ToString(), "OK");
  store_.emplace(TestStore::Open(Options("elsewhere"), DiskWithoutSyncs()).value());
  EXPECT_EQ(store_->restored_id(), id_);
  ExpectCounters();

  // The first quarter is for what fills up once. What grows is more in all of the last quarter; a
  // machine that is busy with something else makes a hill that goes again.
  const size_t quarter = kWindows / 4;
  const auto before = [&](auto member) {
    return Range(windows, quarter, 2 * quarter, member).second;
  };
  const auto after = [&](auto member) {
    return Range(windows, kWindows - quarter, kWindows, member).first;
  };
  // Under a sanitizer these seconds are over before the first garbage is deleted, so all still
  // grows.
  if (TIDEMARK_SANITIZED == 0) {
    EXPECT_LE(after(&Window::files), before(&Window::files) * 3 / 2 + 20);
    EXPECT_LE(after(&Window::disk_bytes), before(&Window::disk_bytes) * 2 + 16 * kMiB);
    EXPECT_LE(after(&Window::resident), before(&Window::resident) * 11 / 10 + 16 * kMiB);
    EXPECT_LE(after(&Window::p99_us), before(&Window::p99_us) * 4 + 20);
  }
  ReportCampaign("endurance",
                 {{"changes", changes_},
                  {"checkpoints", id_},
                  {"seconds", static_cast<uint64_t>(time.count())}},
                 !HasFailure());
}

}  // namespace
}  // namespace tidemark::test
