// PartitionsFixture: a store with a map, for tests of what of it is wholly in the cache.
#pragma once

#include "store/scan.h"
#include "tests/store/budget_fixture.h"

#include <memory>
#include <string>

namespace tidemark::store {

inline std::string MapKey(const std::string& partition, const std::string& entry) {
  return std::string{static_cast<char>(partition.size() >> 8),
                     static_cast<char>(partition.size() & 0xff)} +
         partition + entry;
}

class PartitionsFixture : public BudgetFixture {
 protected:
  void SetUp() override {
    Open();
    maps_ = store_->OpenTable("maps", {.kind = TableKind::kMap}).value();
  }
  void Put(const std::string& partition, int entry, std::string_view value = "v") {
    ASSERT_EQ(maps_->Put(MapKey(partition, KeyOf(entry)), value).ToString(), "OK");
  }
  void Delete(const std::string& partition, int entry) {
    ASSERT_EQ(maps_->Delete(MapKey(partition, KeyOf(entry))).ToString(), "OK");
  }
  // As after a restart: RocksDB has all, the cache nothing.
  void Reopen() {
    Settle();
    maps_.reset();
    Close();
    SetUp();
  }
  Content Scan(const std::string& partition) {
    Content content;
    const auto scan = TableCore::Scan(maps_, {.prefix = MapKey(partition, "")}).value();
    while (scan->Next().value())
      content.emplace(scan->key().substr(2 + partition.size()), scan->value());
    return content;
  }
  bool IsComplete(const std::string& partition) const {
    return maps_->IsComplete(MapKey(partition, ""));
  }
  uint64_t misses() const { return store_->Metrics().misses; }

  // Of a complete partition of nine: an iterator that reads memory alone goes on below when it is
  // evicted under it.
  void ExpectAnIteratorOutlives(const std::string& partition) {
    ASSERT_TRUE(IsComplete(partition));
    const auto scan = TableCore::Scan(maps_, {.prefix = MapKey(partition, "")}).value();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(scan->Next().value());
    FillAndDrain(6'000);
    ASSERT_FALSE(IsComplete(partition));
    for (int i = 3; i < 9; ++i) {
      ASSERT_TRUE(scan->Next().value());
      EXPECT_EQ(scan->key(), MapKey(partition, KeyOf(i)));
    }
    EXPECT_FALSE(scan->Next().value());
  }

  // Of a partition of 2,000: a scan sees all of it, and does not bring it in.
  void ExpectALargeOneIsLeftWhereItIs(const std::string& partition) {
    EXPECT_EQ(Scan(partition).size(), 2'000u);
    EXPECT_FALSE(IsComplete(partition));
    const size_t cached = maps_->index().size();
    EXPECT_LT(cached, 1'000u);
    EXPECT_EQ(Scan(partition).size(), 2'000u);
    EXPECT_EQ(maps_->index().size(), cached) << "and is not tried again";
  }

  std::shared_ptr<TableCore> maps_;
};

}  // namespace tidemark::store
