// PinsFixture: a store whose maintenance happens when the test says so, and looks at what pins and
// lists keep.
#pragma once

#include "format/names.h"
#include "format/pin.h"
#include "storage/pins.h"
#include "storage/repository.h"
#include "storage/verify.h"
#include "tests/public/store_fixture.h"

#include <tidemark/pins.h>

#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tidemark::test {

class RequestListener : public EventListener {
 public:
  // Maintenance runs on the test's own thread.
  std::vector<RequestInfo> requests;
  void OnCheckpointRequested(const RequestInfo& request) override { requests.push_back(request); }
};

class PinsFixture : public StoreFixture {
 protected:
  PinsFixture() {
    // Maintenance happens when the test says so.
    options_.runtime =
        Runtime::Create({.memory_budget_bytes = 64 * kMiB, .background_threads = 0}).value();
    options_.keep_last = 1;
    options_.listener = listener_;
  }

  void OpenTable() {
    Open();
    table_.emplace(Open("t"));
  }
  void ReopenTable(std::optional<uint64_t> checkpoint = std::nullopt) {
    table_.reset();
    Reopen(checkpoint);
    table_.emplace(Open("t"));
  }
  void Maintain() { options_.runtime->RunMaintenance(); }
  // Changes some of the keys, for good, and saves them.
  void Change(uint64_t id) {
    for (uint64_t i = 0; i < 4; ++i)
      ASSERT_OK(table_->Put("key" + std::to_string((3 * id + i) % 10), Value(id, i)));
    ASSERT_OK(table_->Put("last", std::to_string(id)));
    ASSERT_OK(Save(id));
    saved_[id] = Read(*table_);
  }
  // Up to and with `last`.
  void ChangeUpTo(uint64_t last) {
    for (uint64_t id = saved_.empty() ? 1 : saved_.rbegin()->first + 1; id <= last; ++id) {
      Change(id);
      Maintain();
    }
  }
  // Too large to be inlined if `inline_segment_bytes_max` is 0 only.
  static std::string Value(uint64_t id, uint64_t i) {
    return std::string(20, static_cast<char>('a' + (id + i) % 26)) + std::to_string(id);
  }
  Content ViewOf(const std::string& pin) {
    auto view = store_->OpenView({.checkpoint = {}, .pin = pin});
    EXPECT_TRUE(view.has_value()) << view.error().ToString();
    if (!view.has_value()) return {};
    auto table = view->Table("t");
    return ContentOf(*table);
  }
  void ExpectPinIntact(const std::string& name) const {
    const format::WriterId id = storage::ReadRepositoryInfo(*storage_).value().id;
    const auto pins = storage::ReadPins(*storage_, id, std::nullopt);
    ASSERT_TRUE(pins.has_value()) << pins.error().ToString();
    size_t lists = 0;
    for (const format::Pin& pin : pins->readable) {
      if (pin.name != name) continue;
      for (const format::Manifest& list : pin.lists) {
        ++lists;
        const auto report = storage::VerifyCheckpoint(*storage_, list, list.checkpoints.front(),
                                                      storage::VerifyLevel::kChecksum);
        for (const Status& finding : report.findings) ADD_FAILURE() << finding.ToString();
      }
    }
    EXPECT_EQ(lists, options_.parallelism);
  }
  std::set<std::string> Objects() const {
    std::set<std::string> names;
    for (const ObjectInfo& object : storage_->List("").value()) names.insert(object.name);
    return names;
  }
  // Files of log/ and base/ that the list does not name.
  std::set<std::string> Unnamed() const {
    const format::WriterId id = storage::ReadRepositoryInfo(*storage_).value().id;
    const auto reading = storage::ReadManifest(*storage_, id, 0);
    std::set<std::string> names = Objects();
    std::erase_if(names, [](const std::string& name) {
      return name.find("/log/") == std::string::npos && name.find("/base/") == std::string::npos;
    });
    for (const auto& [file, meta] : reading->manifest.files)
      names.erase(format::SubtaskPrefix(0) + meta.name);
    return names;
  }

  std::shared_ptr<RequestListener> listener_ = std::make_shared<RequestListener>();
  std::optional<Table> table_;
  std::map<uint64_t, Content> saved_;
};

}  // namespace tidemark::test
