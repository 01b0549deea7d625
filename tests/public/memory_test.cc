// The API when memory is short: views as arguments, entries that come and go, writes that are
// refused.
#include "tests/public/store_fixture.h"

#include <cstring>
#include <string>

namespace tidemark::test {
namespace {

constexpr int kKeys = 3'000;
constexpr size_t kValueBytes = 8'000;

std::string KeyOf(int i) { return "key" + std::to_string(i); }

// Twenty-four megabytes of state in a budget of sixteen.
class MemoryTest : public StoreFixture {
 protected:
  MemoryTest() : StoreFixture(16 * kMiB) {}
  void SetUp() override {
    Open();
    table_.emplace(Open("t"));
    for (int i = 0; i < kKeys; ++i) {
      if (i % 500 == 499) {
        ASSERT_OK(Save(++id_));
      }
      Put(KeyOf(i), ValueOf(i));
    }
    ASSERT_OK(Save(++id_));
  }
  Table& table() { return *table_; }

  // Begins with the key of another entry, so that it can be used as one.
  static std::string ValueOf(int i) {
    std::string value = KeyOf((i * 7 + 1) % kKeys) + "|";
    value.resize(kValueBytes, static_cast<char>('a' + i % 26));
    return value;
  }
  void Put(const std::string& key, std::string_view value) {
    ASSERT_OK(table().Put(key, value));
    model_[key] = value;
  }
  // A view of the part of a value that is another entry's key.
  std::string_view KeyInside(int i) {
    const std::string_view value = table().Get(KeyOf(i)).value().value();
    return value.substr(0, value.find('|'));
  }
  void ExpectModel() { EXPECT_TRUE(Read(table()) == model_); }

  std::optional<Table> table_;
  Content model_;
  uint64_t id_ = 0;
};

TEST_F(MemoryTest, EverythingIsThereThoughNotInMemory) {
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_TRUE(Read(table(), KeyOf(i)) == model_.at(KeyOf(i))) << i;
    ASSERT_LE(options_.runtime->memory_used_bytes(), 16 * kMiB) << i;
  }
  ExpectModel();
  Reopen();
  table_.emplace(Open("t"));
  ExpectModel();
}

// Once: a key that was a view of a cached value was read from freed memory, because bringing the
// entry in had evicted the one that the key pointed into.
TEST_F(MemoryTest, ViewsAsKeysOfReads) {
  for (int i = 0; i < 2 * kKeys; ++i) {
    const int from = i * 31 % kKeys;
    const std::string_view key = KeyInside(from);
    const std::string copy(key);
    const auto value = table().Get(key);
    ASSERT_TRUE(value.has_value());
    ASSERT_TRUE(*value && **value == model_.at(copy)) << copy;
  }
  ExpectModel();
}

// Once: the error of a value that its codec refused named a key out of freed memory.
TEST_F(MemoryTest, ViewsAsKeysOfValuesThatAreRefused) {
  auto numbers = store_->Value<std::string, uint64_t>("numbers").value();
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_OK(numbers.table().Put(KeyOf(i), ValueOf(i)));
    if (i % 500 == 499) {
      ASSERT_OK(Save(++id_));
    }
  }
  for (int i = 0; i < kKeys; ++i) {
    const std::string_view key = KeyInside(i * 31 % kKeys);
    const std::string copy(key);
    const Status refused = i % 2 == 0 ? numbers.Get(key).error()
                                      : numbers.Update(key, [](uint64_t& number) { ++number; });
    ASSERT_EQ(refused.code(), StatusCode::kCorruption);
    ASSERT_NE(refused.message().find("table `numbers`, key `" + copy + "`"), std::string::npos)
        << refused.ToString() << " instead of " << copy;
  }
}

TEST_F(MemoryTest, ViewsAsArgumentsOfWrites) {
  for (int i = 0; i < 2 * kKeys; ++i) {
    const int from = i * 31 % kKeys;
    const std::string_view key = KeyInside(from);
    const std::string copy(key);
    std::string changed = model_.at(copy);
    switch (i % 5) {
      case 0: {  // a value of one entry for another
        const std::string value = model_.at(KeyOf(from));
        ASSERT_OK(table().Put(KeyOf(i % kKeys), *table().Get(KeyOf(from)).value()));
        model_[KeyOf(i % kKeys)] = value;
        break;
      }
      case 1:
        changed.back() = 'U';
        ASSERT_OK(table().Update(key, [&](auto current) -> Result<std::string_view> {
          EXPECT_TRUE(current && *current == model_.at(copy)) << copy;
          return std::string_view(changed);
        }));
        model_[copy] = changed;
        break;
      case 2: {
        const auto bytes = table().Mutable(key).value();
        ASSERT_EQ(bytes.size(), changed.size());
        bytes.back() = changed.back() = 'M';
        model_[copy] = changed;
        break;
      }
      case 3:
        ASSERT_OK(table().Put(key, changed + "x"));
        ASSERT_OK(table().Put(copy, changed));
        break;
      default:
        ASSERT_OK(table().Delete(key));
        ASSERT_OK(table().Put(copy, changed));
    }
    if (i % 200 == 199) {
      ASSERT_OK(Save(++id_));
    }
  }
  ExpectModel();
}

TEST_F(MemoryTest, UpdateMayReturnWhatItGot) {
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = KeyOf(i * 17 % kKeys);
    ASSERT_OK(
        table().Update(key, [](auto current) -> Result<std::string_view> { return *current; }));
    if (i % 300 == 299) {
      ASSERT_OK(Save(++id_));
    }
  }
  ExpectModel();
}

TEST_F(MemoryTest, AValueLargerThanTheBudgetIsRefused) {
  const std::string huge(20 * kMiB, 'h');
  EXPECT_ERROR(table().Put(KeyOf(1), huge), StatusCode::kResourceExhausted, "memory-budget");
  EXPECT_ERROR(table().Put("new", huge), StatusCode::kResourceExhausted, "memory-budget");
  ExpectModel();
  EXPECT_OK(Save(++id_));
}

TEST_F(MemoryTest, AbsentKeysAreForgottenToo) {
  for (int i = 0; i < 200'000; ++i) {
    ASSERT_EQ(Read(table(), "absent" + std::to_string(i)), std::nullopt);
    ASSERT_LE(options_.runtime->memory_used_bytes(), 16 * kMiB);
    if (TIDEMARK_SANITIZED && i > 20'000) break;
  }
  ExpectModel();
}

}  // namespace
}  // namespace tidemark::test
