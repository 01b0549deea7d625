// BudgetFixture: a store with a budget that a test can fill.
#pragma once

#include "tests/store/core_fixture.h"

#include <string>

namespace tidemark::store {

inline std::string KeyOf(int i) { return "key" + std::to_string(i); }

class BudgetFixture : public CoreFixture {
 protected:
  static constexpr uint64_t kBudget = 16 * kMiB;
  static constexpr size_t kValueBytes = 4'000;

  BudgetFixture() : CoreFixture(kBudget) {}
  void SetUp() override { Open(); }

  static std::string ValueOf(int i, int version = 1) {
    return KeyOf(i) + std::string(kValueBytes, static_cast<char>('a' + version));
  }
  Status TryPut(int i, int version = 1) { return table_->Put(KeyOf(i), ValueOf(i, version)); }
  uint64_t used() const { return options_.runtime->memory_used_bytes(); }
  // The first so many keys, in epochs of 500, all of them in RocksDB then.
  void FillAndDrain(int keys) {
    for (int i = 0; i < keys; ++i) {
      ASSERT_EQ(TryPut(i).ToString(), "OK");
      if (i % 500 == 499) {
        ASSERT_EQ(Save(static_cast<uint64_t>(i)).ToString(), "OK");
      }
    }
    ASSERT_EQ(store_->Drain().ToString(), "OK");
  }
  // All that there is so far is in RocksDB, and clean.
  void Settle() {
    ASSERT_EQ(Save(++id_).ToString(), "OK");
    ASSERT_EQ(store_->Drain().ToString(), "OK");
  }
  void ExpectBudgetHeld() { ASSERT_LE(used(), kBudget); }

  uint64_t id_ = 0;  // of the checkpoint that Settle made last
};

}  // namespace tidemark::store
