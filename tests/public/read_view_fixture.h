// ReadViewFixture: a store and views of it, compared with maps in memory.
#pragma once

#include "tests/public/store_fixture.h"

#include <tidemark/read_view.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::test {

using State = std::map<std::string, Content>;  // by table

inline Content Read(const ReadTable& table) { return ContentOf(table); }

// All of a view, and each key once more by itself.
inline State Read(const ReadView& view) {
  State state;
  for (const std::string& name : view.Tables()) {
    const auto table = view.Table(name);
    EXPECT_TRUE(table.has_value()) << table.error().ToString();
    if (!table.has_value()) continue;
    state[name] = Read(*table);
    for (const auto& [key, value] : state[name]) {
      const auto found = table->Get(key);
      EXPECT_TRUE(found.has_value()) << found.error().ToString();
      EXPECT_TRUE(found.has_value() && *found == value) << name << ", " << key;
    }
    EXPECT_EQ(table->Get(std::string(2, '\0') + "never written").value(), std::nullopt);
  }
  return state;
}

class ReadViewFixture : public StoreFixture {
 protected:
  using StoreFixture::StoreFixture;

  ReadView View(std::optional<uint64_t> checkpoint = std::nullopt) {
    auto view = store_->OpenView({.checkpoint = checkpoint});
    EXPECT_TRUE(view.has_value()) << view.error().ToString();
    return *std::move(view);
  }
  // How many views have files now.
  size_t ViewDirectories() const {
    const std::string views = options_.directory + "/views";
    if (!std::filesystem::exists(views)) return 0;
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(views), {}));
  }
};

}  // namespace tidemark::test
