// LiveDatabaseFixture: a live database in a directory of its own, beside a model of what it should
// hold.
#pragma once

#include "tests/storage/live_database_content.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::test {

class LiveDatabaseFixture : public ::testing::Test {
 protected:
  LiveDatabaseFixture() {
    options_.directory = temporary_ / "live";
    options_.fs = fs_;
    fs_->SkipSyncs(true);  // nothing here pulls the plug
  }

  void Open() {
    auto opened = LiveDatabase::Open(options_);
    ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
    database_ = *std::move(opened);
  }
  void Reopen() {
    database_.reset();
    Open();
  }

  // Applies to the database and the model. All tables that the model knows are listed, but for
  // `dropped`.
  void Apply(uint64_t epoch, const StateChanges& changes, const std::set<uint32_t>& dropped = {}) {
    for (const auto& [id, table] : changes) {
      TableContent& content = model_[id];
      for (const auto& [key, value] : table) {
        if (value) {
          content[key] = *value;
        } else {
          content.erase(key);
        }
      }
    }
    for (const uint32_t id : dropped) model_.erase(id);
    const Status status = ApplyChanges(*database_, changes, MarkAt(epoch, Tables()));
    ASSERT_TRUE(status.ok()) << status.ToString();
  }

  std::vector<uint32_t> Tables() const {
    std::vector<uint32_t> tables;
    for (const auto& [id, content] : model_) tables.push_back(id);
    return tables;
  }

  void ExpectModelAt(uint64_t epoch) {
    EXPECT_EQ(database_->mark(), MarkAt(epoch, Tables()));
    const auto view = database_->View();
    EXPECT_EQ(view->epoch(), epoch);
    EXPECT_EQ(ReadAll(*view, Tables()), model_);
  }

  SstFile WriteSegment(const std::vector<format::SegmentEntry>& entries) {
    auto file = storage::WriteSegmentFile(options_.fs, database_->TemporaryPath(".sst"), entries);
    EXPECT_TRUE(file.has_value()) << file.error().ToString();
    return std::move(file).value();
  }

  std::vector<std::string> FilesIn(std::string_view name) const {
    std::vector<std::string> files;
    for (const auto& entry :
         std::filesystem::directory_iterator(options_.directory + '/' + std::string(name))) {
      files.push_back(entry.path().string());
    }
    return files;
  }

  TempDir temporary_;
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  LiveDatabaseOptions options_;
  std::unique_ptr<LiveDatabase> database_;
  StateContent model_;
};

}  // namespace tidemark::test
