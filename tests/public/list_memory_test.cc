// Lists that are read, and appended to, while memory is short and epochs are being released.
//
// Once: what a list's operands make was folded into a buffer, and making room for a copy of it
// released other lists, which were folded into the same one: reading a list gave another's bytes,
// and kept them. And if it was the same list, two copies of it lay on each other: the next change
// was listed twice, and the commit thread aborted.
#include "tests/public/store_fixture.h"
#include "tests/support/environment.h"

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

class ListMemoryTest : public StoreFixture {
 protected:
  static constexpr uint64_t kRows = 24'000;
  static constexpr size_t kRowBytes = 1'000;
  static constexpr uint64_t kLists = 300;

  ListMemoryTest() {
    // Maintenance happens when the test says so.
    options_.runtime =
        Runtime::Create({.memory_budget_bytes = 16 * kMiB, .background_threads = 0}).value();
    options_.write_back_segments = 1;
    options_.keep_last = 1;
    options_.stall_timeout = std::chrono::milliseconds(0);
    Open();
    rows_.emplace(Open("rows"));
    lists_.emplace(Open("lists", {.kind = TableKind::kList}));
  }

  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  static std::string RowKey(uint64_t row) { return "row" + std::to_string(row); }
  std::string AnyList() { return "list" + std::to_string(Below(kLists)); }
  std::string AnyBytes() {
    const size_t size = OneIn(10) ? Below(200'000) : Below(OneIn(4) ? 4'000 : 60);
    return std::string(size, static_cast<char>('a' + Below(26)));
  }

  void SaveAll() {
    ASSERT_OK(Save(++id_));
    saved_ = expected_;
  }
  void Maintain() { options_.runtime->RunMaintenance(); }
  void MakeRoom() {
    SaveAll();
    Maintain();
  }
  // Again once there is room for it.
  template <class Write>
  void Carry(Write&& write) {
    Status status = write();
    for (int tries = 0; status.name() == "memory-budget" && tries < 3; ++tries) {
      MakeRoom();
      status = write();
    }
    ASSERT_OK(status);
  }

  // More than fits in memory.
  void FillRows() {
    for (uint64_t row = 0; row < kRows; ++row) {
      Carry([&] { return rows_->Put(RowKey(row), std::string(kRowBytes, 'r')); });
      if (row % 1'000 == 999) MakeRoom();
    }
  }
  // Takes what memory is left.
  void ReadRows() {
    for (int i = 0; i < 30; ++i) {
      const auto row = rows_->Get(RowKey(Below(kRows)));
      ASSERT_OK(row.error());
      ASSERT_EQ((*row)->size(), kRowBytes);
    }
  }
  void ExpectList(const std::string& key) {
    const auto expected = expected_.find(key);
    const std::optional<std::string> got = Read(*lists_, key);
    ASSERT_EQ(got.has_value(), expected != expected_.end()) << key;
    if (!got) return;
    ASSERT_TRUE(*got == expected->second) << key << " of " << got->size() << " bytes";
  }
  void Put(const std::string& key) {
    const std::string bytes = AnyBytes();
    Carry([&] { return lists_->Put(key, bytes); });
    expected_[key] = bytes;
  }
  void Append(const std::string& key) {
    const std::string bytes = AnyBytes();
    Carry([&] { return lists_->Append(key, bytes); });
    expected_[key] += bytes;
  }
  // Values that an epoch has put, operands of the next one on them; then maintenance writes the
  // values back, and while they are still to be released, and memory is full, the lists are read.
  void Round() {
    std::vector<std::string> keys(20 + Below(60));
    for (std::string& key : keys) Put(key = AnyList());
    SaveAll();
    for (const std::string& key : keys) Append(OneIn(8) ? AnyList() : key);
    ReadRows();
    Maintain();
    for (const std::string& key : keys) {
      if (HasFatalFailure()) return;
      ExpectList(OneIn(3) ? AnyList() : key);
      if (OneIn(4)) Append(key);
      if (OneIn(8)) ReadRows();
    }
    if (!OneIn(4)) return SaveAll();
    ASSERT_OK(store_->Rollback());
    expected_ = saved_;
  }
  void ExpectAll() {
    for (uint64_t list = 0; list < kLists; ++list) ExpectList("list" + std::to_string(list));
  }

  const uint64_t seed_ = FromEnvironment("TIDEMARK_SEED", 1);
  std::mt19937_64 random_{seed_};
  std::optional<Table> rows_;
  std::optional<Table> lists_;
  std::map<std::string, std::string> expected_;
  std::map<std::string, std::string> saved_;
  uint64_t id_ = 0;
};

TEST_F(ListMemoryTest, Invariant07AListIsWhatWasAppendedWhateverMemoryIsShort) {
  SCOPED_TRACE("TIDEMARK_SEED=" + std::to_string(seed_));
  FillRows();
  const uint64_t rounds = FromEnvironment("TIDEMARK_ROUNDS", TIDEMARK_SANITIZED != 0 ? 8 : 25);
  for (uint64_t round = 0; round < rounds && !HasFatalFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    Round();
  }
  if (HasFatalFailure()) return;
  ExpectAll();
  MakeRoom();
  rows_.reset();
  lists_.reset();
  Reopen();
  lists_.emplace(Open("lists", {.kind = TableKind::kList}));
  ExpectAll();
}

}  // namespace
}  // namespace tidemark::test
