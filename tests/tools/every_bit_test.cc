// Every bit of every file of a repository, flipped; every length that a file may be cut to; files
// with a byte more, with zeroed pieces, and with the content of another one of their kind: what
// `verify --level checksum` finds of it, and whether it names the right file. In the files of our
// own formats; in those of RocksDB one bit of every byte.
//
// By default samples of it; TIDEMARK_DAMAGE_STRIDE=1 tries all, and TIDEMARK_DAMAGE_CASE=<n> the
// case that a failure names alone, with a filter for its test.
#include "storage/pins.h"
#include "storage/repository.h"
#include "tests/support/campaign.h"
#include "tests/support/environment.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/reading_storage.h"
#include "tools/verification.h"

#include <tidemark/pins.h>
#include <tidemark/store.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

namespace tidemark::test {
namespace {

// One object has another content.
class DamagedStorage final : public ReadingStorage {
 public:
  using ReadingStorage::ReadingStorage;

  void Replace(std::string name, std::string content) {
    name_ = std::move(name);
    content_ = std::move(content);
  }

  Result<std::string> Read(std::string_view name, uint64_t offset, uint64_t length) const override {
    if (name != name_) return ReadingStorage::Read(name, offset, length);
    return offset >= content_.size() ? std::string() : content_.substr(offset, length);
  }
  Result<uint64_t> Size(std::string_view name) const override {
    return name == name_ ? Result<uint64_t>(content_.size()) : ReadingStorage::Size(name);
  }

 private:
  std::string name_;
  std::string content_;
};

class EveryBitTest : public ::testing::Test {
 protected:
  EveryBitTest() {
    MakeRepository();
    const auto local = OpenLocalDirectory(path_).value();
    storage_ = std::make_shared<DamagedStorage>(local);
    for (const ObjectInfo& object : local->List("").value())
      if (!object.name.ends_with("LOCK"))
        contents_[object.name] = local->Read(object.name, 0, object.size).value();
  }

  // Six checkpoints, the fourth one brought a base; segments of both kinds, a snapshot, a pin.
  void MakeRepository() {
    StoreOptions options;
    options.runtime =
        Runtime::Create({.memory_budget_bytes = 32u << 20, .background_threads = 0}).value();
    options.directory = directory_ / "live";
    options.repository = path_;
    options.keep_last = 10;
    options.inline_segment_bytes_max = 512;
    const auto store = StateStore::Open(options).value();
    auto counts = store->Value<std::string, uint64_t>("counts").value();
    for (uint64_t id = 1; id <= 6; ++id) {
      for (uint64_t key = 0; key < (id % 2 == 0 ? 5u : 60u); ++key)
        counts.Put("word " + std::to_string(key * 7 + id), id).Check();
      store->Checkpoint(id).value().Wait().Check();
      if (id == 4) store->Drain().Check();
    }
    PinCheckpoint(*OpenLocalDirectory(path_).value(), "kept", 3).value();
    store->Close().Check();
  }

  // All that verification has to say, with the names of files.
  std::string Verify() const {
    const auto info = storage::ReadRepositoryInfo(*storage_);
    if (!info.has_value()) return info.error().ToString();
    std::string said;
    tools::Catalog catalog{storage_, *info, {}};
    tools::Subtask subtask = tools::ReadSubtask(*storage_, *info, 0);
    if (subtask.error.ok()) {
      for (const Status& error : subtask.reading.damaged) said += error.ToString() + "\n";
      tools::Verification verification(catalog, &subtask, storage::VerifyLevel::kChecksum,
                                       [](const tools::Amount&) {});
      for (const tools::Finding& finding : verification.Run({}).findings)
        said += finding.file + " " + finding.error.ToString() + "\n";
    } else {
      said += subtask.error.ToString() + "\n";
    }
    const auto pins = storage::ReadPins(*storage_, info->id, std::nullopt);
    if (!pins.has_value()) return said + pins.error().ToString();
    for (const Status& error : pins->unreadable) said += error.ToString() + "\n";
    return said;
  }

  static bool IsOurs(const std::string& name) { return name.find("/base/") == std::string::npos; }

  // One case: `content` in place of what the file has.
  void Try(const std::string& name, const std::string& how, std::string content) {
    const uint64_t number = next_++;
    if (only_ ? number != *only_ : number % stride_ != 0) return;
    if (content == contents_.at(name)) return;
    storage_->Replace(name, std::move(content));
    const std::string said = Verify();
    ++tried_;
    ASSERT_NE(said.find(name), std::string::npos)
        << name << ", " << how << ": " << (said.empty() ? "not detected" : said)
        << "\nTIDEMARK_DAMAGE_CASE=" << number;
    if (only_) std::printf("%s, %s: %s", name.c_str(), how.c_str(), said.c_str());
  }

  // Another file of the same folder.
  std::optional<std::string> OtherOf(const std::string& name) const {
    const std::string folder = name.substr(0, name.rfind('/') + 1);
    for (const auto& [other, content] : contents_)
      if (other != name && other.starts_with(folder) && content != contents_.at(name))
        return content;
    return std::nullopt;
  }

  void Report(const std::string& what) const {
    ReportCampaign("every-bit", {{what, tried_}, {"files", contents_.size()}}, !HasFailure());
    EXPECT_GT(tried_, only_ ? 0u : contents_.size()) << "cases, of " << next_;
  }

  TempDir directory_;
  const std::string path_ = directory_ / "job";
  std::shared_ptr<DamagedStorage> storage_;
  std::map<std::string, std::string> contents_;
  // A prime, so that a sample meets all bits of a byte.
  uint64_t stride_ = FromEnvironment("TIDEMARK_DAMAGE_STRIDE", TIDEMARK_SANITIZED ? 101 : 7);
  const std::optional<uint64_t> only_ =
      std::getenv("TIDEMARK_DAMAGE_CASE") == nullptr
          ? std::nullopt
          : std::optional(FromEnvironment("TIDEMARK_DAMAGE_CASE", 0));
  uint64_t next_ = 0;
  uint64_t tried_ = 0;
};

TEST_F(EveryBitTest, TheIntactOneIsIntact) {
  EXPECT_EQ(Verify(), "");
  EXPECT_GT(std::count_if(contents_.begin(), contents_.end(),
                          [](const auto& file) { return IsOurs(file.first); }),
            8);
  EXPECT_LT(std::count_if(contents_.begin(), contents_.end(),
                          [](const auto& file) { return IsOurs(file.first); }),
            static_cast<ptrdiff_t>(contents_.size()));
}

TEST_F(EveryBitTest, AFlippedBitIsDetectedAndItsFileNamed) {
  for (const auto& [name, content] : contents_) {
    for (size_t byte = 0; byte < content.size(); ++byte) {
      const size_t first = IsOurs(name) ? 0 : byte % 8;
      const size_t last = IsOurs(name) ? 7 : first;
      for (size_t bit = first; bit <= last; ++bit) {
        std::string damaged = content;
        damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << bit));
        Try(name, "bit " + std::to_string(bit) + " of byte " + std::to_string(byte), damaged);
        if (HasFatalFailure()) return Report("bits flipped");
      }
    }
  }
  Report("bits flipped");
}

TEST_F(EveryBitTest, EveryTruncationIsDetectedAndItsFileNamed) {
  for (const auto& [name, content] : contents_) {
    for (size_t length = 0; length < content.size(); ++length) {
      Try(name, "cut to " + std::to_string(length), content.substr(0, length));
      if (HasFatalFailure()) return Report("truncations");
    }
  }
  Report("truncations");
}

TEST_F(EveryBitTest, WhatIsAppendedZeroedOrSwappedIsDetected) {
  constexpr size_t kPiece = 512;
  stride_ = 1;  // there are few
  for (const auto& [name, content] : contents_) {
    std::vector<std::pair<std::string, std::string>> cases = {
        {"a byte more", content + 'x'},
        {"a zero more", content + '\0'},
        {"twice", content + content},
        {"all zeros", std::string(content.size(), '\0')}};
    for (size_t at = 0; at < content.size(); at += kPiece) {
      std::string zeroed = content;
      const size_t length = std::min(kPiece, content.size() - at);
      zeroed.replace(at, length, length, '\0');
      cases.emplace_back("zeros from " + std::to_string(at) + " on", zeroed);
    }
    if (const auto other = OtherOf(name)) cases.emplace_back("another one's content", *other);
    for (auto& [how, damaged] : cases) {
      Try(name, how, std::move(damaged));
      if (HasFatalFailure()) return Report("other damages");
    }
  }
  Report("other damages");
}

}  // namespace
}  // namespace tidemark::test
