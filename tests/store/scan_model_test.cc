// Random sequences over an ordered table and one of partitions, with iterators held open across
// writes, rollbacks, barriers, write-backs and evictions. Each of them must show exactly what a map
// in memory held when it was made.
//
//   TIDEMARK_SEED=<n>        runs the sequence of this seed alone, which a failure has printed
//   TIDEMARK_SEQUENCES=<n>   how many sequences to run
#include "tests/store/core_fixture.h"
#include "tests/support/environment.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::store {
namespace {

using test::FromEnvironment;

constexpr uint64_t kSequences = TIDEMARK_SANITIZED ? 10 : 60;
constexpr int kSteps = 1'500;
constexpr size_t kOpenMax = 6;

// An iterator and what it has still to show.
struct OpenScan {
  std::unique_ptr<ScanCore> scan;
  std::vector<std::pair<std::string, std::string>> expected;
  size_t shown = 0;
};

class ScanModelTest : public CoreFixture {
 protected:
  ScanModelTest() : CoreFixture(16 * kMiB) {}

  void RunSequence(uint64_t seed) {
    random_.seed(seed);
    kind_ = Below(2) == 0 ? TableKind::kOrderedBytes : TableKind::kMap;
    keys_ = Below(4) == 0 ? 900 : 60;
    value_bytes_max_ = Below(4) == 0 ? 40'000 : 100;  // the larger ones are evicted
    options_.write_back_segments = 1 + static_cast<uint32_t>(Below(4));
    Start();
    for (int i = 0; i < kSteps && !HasFailure(); ++i) {
      Step();
      ASSERT_LE(options_.runtime->memory_used_bytes(), 16 * kMiB);
    }
    while (!open_.empty() && !HasFailure()) {
      Advance(0);
    }
    Stop();
  }

 private:
  // Each sequence has a repository of its own.
  void Start() {
    const std::string root = directory_ / std::to_string(sequences_++);
    options_.directory = root + "/live";
    options_.storage = storage::OpenLocalDirectoryOn(root + "/repository", fs_).value();
    content_ = at_barrier_ = {};
    checkpoint_ = epoch_bytes_ = 0;
    auto opened = StoreCore::Open(options_, {fs_});
    ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
    store_ = *std::move(opened);
    auto table = store_->OpenTable("scanned", {.kind = kind_});
    ASSERT_TRUE(table.has_value()) << table.error().ToString();
    table_ = *std::move(table);
  }
  void Stop() {
    open_.clear();
    table_.reset();
    EXPECT_EQ(store_->Close().ToString(), "OK");
    store_.reset();
    EXPECT_EQ(options_.runtime->memory_used_bytes(), 0U);
  }

  void Step() {
    const uint64_t choice = Below(100);
    if (choice < 45) return Write();
    if (choice < 75) return open_.empty() ? OpenOne() : Advance(Below(open_.size()));
    if (choice < 85) return OpenOne();
    if (choice < 88 && !open_.empty()) {
      open_.erase(open_.begin() + static_cast<ptrdiff_t>(Below(open_.size())));
      return;
    }
    if (choice < 96) return Barrier(Below(2) == 0);
    if (choice < 98) {
      ASSERT_EQ(store_->Drain().ToString(), "OK");
      return;
    }
    ASSERT_EQ(store_->Rollback().ToString(), "OK");
    content_ = at_barrier_;
  }

  void Write() {
    if (Below(3) == 0 && epoch_bytes_ > 2 * kMiB) Barrier(true);
    const std::string key = RandomKey();
    if (Below(4) == 0) {
      ASSERT_EQ(table_->Delete(key).ToString(), "OK");
      content_.erase(key);
      return;
    }
    std::string value(Below(value_bytes_max_), static_cast<char>('a' + Below(26)));
    value += std::to_string(++written_);
    Status put = table_->Put(key, value);
    if (put.code() == StatusCode::kResourceExhausted) {
      Barrier(true);
      ASSERT_EQ(store_->Drain().ToString(), "OK");
      put = table_->Put(key, value);
    }
    ASSERT_EQ(put.ToString(), "OK");
    epoch_bytes_ += value.size();
    content_[key] = std::move(value);
  }

  void Barrier(bool wait) {
    auto ticket = store_->Checkpoint(++checkpoint_, {});
    ASSERT_TRUE(ticket.has_value()) << ticket.error().ToString();
    at_barrier_ = content_;
    epoch_bytes_ = 0;
    if (wait) {
      ASSERT_EQ(Wait(**ticket).ToString(), "OK");
    }
  }

  void OpenOne() {
    if (open_.size() == kOpenMax) return Advance(0);
    ScanOptions options;
    if (kind_ == TableKind::kMap) {
      options.prefix = Partition(Below(kPartitions));
    } else if (Below(3) == 0) {
      options.prefix = "key" + std::to_string(Below(10));
    }
    if (Below(3) == 0) options.from = RandomKey();
    if (Below(3) == 0) options.to = RandomKey();
    options.reverse = Below(2) == 0;
    OpenScan one;
    for (const auto& [key, value] : content_) {
      if (key.starts_with(options.prefix) && key >= options.from &&
          (!options.to || key < *options.to))
        one.expected.emplace_back(key, value);
    }
    if (options.reverse) std::reverse(one.expected.begin(), one.expected.end());
    auto made = TableCore::Scan(table_, options);
    ASSERT_TRUE(made.has_value()) << made.error().ToString();
    one.scan = *std::move(made);
    open_.push_back(std::move(one));
  }

  // A few entries of one iterator; it is closed at its end.
  void Advance(size_t which) {
    OpenScan& one = open_[which];
    for (uint64_t steps = 1 + Below(8); steps > 0; --steps) {
      const auto more = one.scan->Next();
      if (!more.has_value()) {
        ASSERT_EQ(more.error().name(), "scan-outgrown") << more.error().ToString();
        ++outgrown_;
      } else if (*more) {
        ASSERT_LT(one.shown, one.expected.size())
            << "shows " << one.scan->key() << " after its end";
        ASSERT_EQ(one.scan->key(), one.expected[one.shown].first);
        ASSERT_EQ(one.scan->value(), one.expected[one.shown].second) << one.scan->key();
        ++one.shown;
        continue;
      } else {
        ASSERT_EQ(one.shown, one.expected.size())
            << "ends before " << one.expected[one.shown].first;
      }
      open_.erase(open_.begin() + static_cast<ptrdiff_t>(which));
      return;
    }
  }

  static constexpr uint64_t kPartitions = 5;
  static std::string Partition(uint64_t i) {
    const std::string name(i % 3, 'p');  // one is empty, and they differ in length
    return std::string{'\0', static_cast<char>(name.size() + 1)} + name +
           static_cast<char>('0' + i);
  }
  std::string RandomKey() {
    const std::string key = "key" + std::to_string(Below(keys_));
    return kind_ == TableKind::kMap ? Partition(Below(kPartitions)) + key : key;
  }
  uint64_t Below(uint64_t limit) { return random_() % limit; }

 protected:
  uint64_t outgrown_ = 0;

 private:
  std::mt19937_64 random_;
  int sequences_ = 0;
  TableKind kind_ = TableKind::kOrderedBytes;
  uint64_t keys_ = 0;
  uint64_t value_bytes_max_ = 0;
  Content content_;
  Content at_barrier_;
  std::vector<OpenScan> open_;
  uint64_t checkpoint_ = 0;
  uint64_t written_ = 0;
  uint64_t epoch_bytes_ = 0;
};

TEST_F(ScanModelTest, EveryIteratorShowsTheMomentOfItsCreation) {
  const bool replays = std::getenv("TIDEMARK_SEED") != nullptr;
  const uint64_t first = FromEnvironment("TIDEMARK_SEED", std::random_device()());
  const uint64_t count = FromEnvironment("TIDEMARK_SEQUENCES", replays ? 1 : kSequences);
  std::cout << "TIDEMARK_SEED=" << first << " TIDEMARK_SEQUENCES=" << count << std::endl;
  for (uint64_t i = 0; i < count; ++i) {
    SCOPED_TRACE("TIDEMARK_SEED=" + std::to_string(first + i));
    RunSequence(first + i);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace tidemark::store
