// Reads fail: EIO at call k that opens, reads, looks at or lists something, once or from then on,
// while a store is restored from its repository, finds its live database, works and maintains
// itself, and while a checkpoint is exported, imported and verified. An error is never taken for
// damage: nothing is skipped and nothing leaves the list because of it, no value that is returned
// is wrong, and once the disk reads again all is there.
//
// TIDEMARK_FAULT_STRIDE=1 tries every call; the default takes samples.
#include "storage/file_system.h"
#include "storage/verify.h"
#include "tests/crash/busy_life.h"
#include "tests/crash/crash_store.h"
#include "tests/crash/fault_modes.h"
#include "tests/support/campaign.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temp_dir.h"

#include <tidemark/metrics.h>

#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tidemark::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRounds = 8;      // that a healthy disk has seen
constexpr uint64_t kLastRound = 14;  // of those with faults

const std::set<FileOperation> kReads = {FileOperation::kOpen, FileOperation::kRead,
                                        FileOperation::kLook, FileOperation::kList};
const FaultMode kReadFaultModes[] = {
    {"EIO once", {.operations = kReads}},
    {"EIO from then on", {.sticky = true, .operations = kReads}},
};

// What RocksDB 7.8 does not survive where it is built with assertions: an error of its look for a
// directory of old logs, and errors from then on of reading a file that it is to ingest, once it
// has read the first key.
bool RocksDbDoesNotSurvive(FileOperation operation, std::string_view name) {
  const bool is_ingested = name.find("/tmp/") != std::string_view::npos && name.ends_with(".sst") &&
                           name.find("merge") == std::string_view::npos;
  return name.ends_with("/archive") || (operation == FileOperation::kRead && is_ingested);
}

// From one call that is tried to the next where a life is `part` of the usual work.
uint64_t StrideFor(double part) {
  const uint64_t stride = FaultStride();
  return stride == 1 ? 1 : static_cast<uint64_t>(static_cast<double>(stride) * part);
}

// Nothing is damaged here.
class NoCorruption final : public EventListener {
 public:
  void OnCorruption(const Status& status) override { ADD_FAILURE() << status.ToString(); }
  void OnFallback(const RestoreReport::Skipped& skipped) override {
    ADD_FAILURE() << skipped.id << ": " << skipped.reason.ToString();
  }
};

class ReadFaultTest : public ::testing::TestWithParam<FaultMode> {
 protected:
  ReadFaultTest() {
    fs_->SkipSyncs(true);  // nothing here pulls the plug
    auto store =
        TestStore::Open(Options(template_, DiskWithoutSyncs()), DiskWithoutSyncs()).value();
    for (uint64_t round = 1; round <= kRounds; ++round) {
      Change(store, round);
      Commit(store, round);
    }
    EXPECT_EQ(store.Drain().ToString(), "OK");
    EXPECT_EQ(store.Close().ToString(), "OK");
    retained_ = ListAt(template_);
    EXPECT_EQ(retained_.size(), 3U);
    content_of_template_ = content_;
  }
  ~ReadFaultTest() override { alarm(0); }

  StoreOptions Options(const std::string& root, const storage::FileSystemPtr& disk,
                       const std::string& live = "live") const {
    StoreOptions options = BusyStore(root, live, StorageAt(root, disk));
    options.listener = listener_;
    options.stall_timeout =
        std::chrono::milliseconds(100);  // nobody makes room while nothing reads
    return options;
  }
  Result<TestStore> Open(const std::string& root) {
    return TestStore::Open(Options(root, fs_), fs_);
  }
  // What the template has left, with its local directory or without.
  std::string Copy(bool with_live) {
    std::string root = directory_ / "case";
    fs::remove_all(root);
    CopyRepository(template_, root);
    if (with_live) fs::copy(template_ + "/live", root + "/live", fs::copy_options::recursive);
    content_ = content_of_template_;
    return root;
  }
  static std::vector<uint64_t> ListAt(const std::string& root) {
    const auto list = ReadNewest(*StorageAt(root, DiskWithoutSyncs()));
    EXPECT_TRUE(list.has_value()) << list.error().ToString();
    return list.has_value() ? IdsOf(*list) : std::vector<uint64_t>();
  }

  // Those changes of a round that could be made; what could not leaves all as it was.
  void Change(TestStore& store, uint64_t round) {
    for (const struct Change& change : ChangesOfRound(1, round, kSmallRounds)) {
      if (change.kind == ChangeKind::kRollback) continue;
      const Status status = store.Run({change});
      if (status.ok())
        ApplyRound({change}, &content_);
      else
        ExpectMediumError(status);
    }
  }
  // More than memory holds, as far as that can be done.
  void ChangeLarge(TestStore& store) {
    for (const auto& [key, value] : LargeRows()) {
      const Status status = store.Put("counts", key, value);
      if (!status.ok()) return ExpectMediumError(status);
      content_["counts"][key] = value;
    }
  }
  bool Commit(TestStore& store, uint64_t id) {
    const Status status = store.Checkpoint(id);
    if (status.ok())
      committed_[id] = content_;
    else
      ExpectMediumError(status);
    return status.ok();
  }

  // What can be read is right.
  void ReadWhatCanBeRead(TestStore& store) {
    const auto content = store.ReadAll();
    if (content.has_value())
      EXPECT_EQ(Difference(content_, *content), "");
    else
      ExpectMediumError(content.error());
    for (const std::string& name : {std::string("counts"), std::string("profiles")}) {
      std::vector<std::string> keys;
      for (uint64_t i = 0; i <= kSmallRounds.keys; ++i) keys.push_back("key-" + std::to_string(i));
      for (const std::string& key : keys) {
        const auto value = store.Get(name, key);
        if (value.has_value())
          EXPECT_EQ(*value, ValueOf(name, key)) << key;
        else
          ExpectMediumError(value.error());
      }
      ReadTogether(store, name, keys);
    }
  }
  void ReadTogether(TestStore& store, const std::string& name,
                    const std::vector<std::string>& keys) {
    const auto table = store.core().OpenTable(name, {});
    if (!table.has_value()) return ExpectMediumError(table.error());
    std::vector<std::optional<std::string>> values(keys.size());
    const auto found = [](void* context, size_t i, const std::optional<std::string_view>& value) {
      if (value)
        (*static_cast<std::vector<std::optional<std::string>>*>(context))[i] = std::string(*value);
    };
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    const Status status = (*table)->MultiGet(views, found, &values);
    if (!status.ok()) return ExpectMediumError(status);
    for (size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(values[i], ValueOf(name, keys[i]));
  }
  std::optional<std::string> ValueOf(const std::string& table, const std::string& key) const {
    const auto rows = content_.find(table);
    if (rows == content_.end()) return std::nullopt;
    const auto row = rows->second.find(key);
    return row == rows->second.end() ? std::nullopt : std::optional(row->second);
  }

  static void ExpectNothingSkipped(const TestStore& store) {
    EXPECT_TRUE(store.restored().skipped.empty());
    EXPECT_TRUE(store.restored().damaged_manifests.empty());
  }
  void ExpectContent(TestStore& store, const Content& expected) {
    const auto content = store.ReadAll();
    ASSERT_TRUE(content.has_value()) << content.error().ToString();
    EXPECT_EQ(Difference(expected, *content), "");
  }
  // Each of them, restored elsewhere.
  void ExpectRetained(const std::string& root, const std::vector<uint64_t>& ids) {
    ASSERT_EQ(ListAt(root), ids);
    for (const uint64_t id : ids) {
      SCOPED_TRACE("checkpoint " + std::to_string(id));
      const auto disk = DiskWithoutSyncs();
      StoreOptions options = Options(root, disk, "elsewhere");
      options.restore_checkpoint = id;
      auto store = TestStore::Open(options, disk);
      ASSERT_TRUE(store.has_value()) << store.error().ToString();
      EXPECT_EQ(store->restored_id(), id);
      ExpectContent(*store, committed_.at(id));
      EXPECT_EQ(store->Close().ToString(), "OK");
    }
    const auto storage = StorageAt(root, DiskWithoutSyncs());
    EXPECT_EQ(FindDamage(*storage, ReadNewest(*storage).value()), "");
  }

  // Once the disk reads again the store goes on as if nothing had been.
  void ExpectGoesOn(TestStore& store, const std::string& root, uint64_t round) {
    fs_->plan().Clear();
    ExpectContent(store, content_);
    Change(store, round);
    EXPECT_TRUE(Commit(store, round)) << "the disk is well again";
    EXPECT_EQ(store.Drain().ToString(), "OK");
    ExpectContent(store, content_);
    const std::vector<uint64_t> ids = store.Ids();
    EXPECT_EQ(store.Close().ToString(), "OK");
    ExpectRetained(root, ids);
  }

  void Restore(bool with_live) {
    const std::string root = Copy(with_live);
    auto store = Open(root);
    const uint64_t fired = fs_->plan().fired();
    if (!store.has_value()) {
      ExpectMediumError(store.error());
      fs_->plan().Clear();
      EXPECT_EQ(ListAt(root), retained_);
      store = Open(root);
    }
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    EXPECT_EQ(store->restored_id(), kRounds);
    ExpectNothingSkipped(*store);
    EXPECT_EQ(store->Ids(), retained_);
    ReadWhatCanBeRead(*store);
    missed_ = fired == 0 && fs_->plan().fired() == 0;
    ExpectGoesOn(*store, root, kRounds + 1);
  }

  void Run() {
    const FileFault fault = fault_;
    const std::string root = Copy(true);
    fs_->plan().Clear();
    auto store = Open(root);
    ASSERT_TRUE(store.has_value()) << store.error().ToString();
    fs_->plan().Inject(fault);
    for (uint64_t round = kRounds + 1; round < kLastRound; ++round) {
      ReadWhatCanBeRead(*store);
      Change(*store, round);
      if (round == kRounds + 2) ChangeLarge(*store);
      (void)Commit(*store, round);
      if (round % 2 == 0) (void)store->Drain();
    }
    ReadWhatCanBeRead(*store);
    missed_ = fs_->plan().fired() == 0;
    ExpectGoesOn(*store, root, kLastRound);
  }

  void Verify(const std::string& root) {
    const auto storage = storage::OpenLocalDirectoryOn(root + "/repository", fs_);
    if (!storage.has_value()) return ExpectMediumError(storage.error());
    const auto list = ReadNewest(**storage);
    if (!list.has_value()) return ExpectMediumError(list.error());
    EXPECT_EQ(IdsOf(*list), retained_);
    storage::Verifier verifier(**storage, *list, storage::VerifyLevel::kChecksum);
    for (const format::Checkpoint& checkpoint : list->checkpoints)
      for (const Status& finding : verifier.Verify(checkpoint).findings) ExpectMediumError(finding);
  }
  void Move() {
    const std::string root = Copy(false);
    Verify(root);
    const bool exported = TryExport(root + "/repository", root + "/export", fs_);
    const bool imported = exported && TryExport(root + "/export", root + "/import", fs_);
    missed_ = fs_->plan().fired() == 0;
    fs_->plan().Clear();
    EXPECT_TRUE(exported || TryExport(root + "/repository", root + "/export", fs_));
    EXPECT_EQ(FindDamageOfExport(root + "/export"), "");
    EXPECT_TRUE(imported || TryExport(root + "/export", root + "/import", fs_));
    EXPECT_EQ(FindDamageOfExport(root + "/import"), "");
    ExpectRetained(root, retained_);
  }

  // `life` with call 1 failing, then with another one, until there is no such call.
  void FailEverywhere(const char* campaign, uint64_t stride, const std::function<void()>& life) {
    uint64_t cases = 0;
    const std::map<uint64_t, Content> committed = committed_;
    for (uint64_t call = 1, misses = 0; misses < 2 && !HasFailure(); call += stride, ++cases) {
      SCOPED_TRACE(std::string(GetParam().name) + ", call " + std::to_string(call));
      alarm(kHangSeconds);
      fault_ = GetParam().fault;
      fault_.call = call;
      fault_.spares = [sticky = fault_.sticky](FileOperation operation, std::string_view name) {
        return (sticky || operation != FileOperation::kRead) &&
               RocksDbDoesNotSurvive(operation, name);
      };
      committed_ = committed;
      fs_->plan().Inject(fault_);
      life();
      misses = missed_ ? misses + 1 : 0;
      fs_->plan().Clear();
    }
    ReportCampaign(campaign, {{"calls", cases}}, !HasFailure());
  }

  const TempDir directory_{TempDir::InMemory()};
  const std::string template_ = directory_ / "template";
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  const std::shared_ptr<NoCorruption> listener_ = std::make_shared<NoCorruption>();
  std::vector<uint64_t> retained_;  // by the template
  Content content_of_template_;
  Content content_;                        // that the store must have
  std::map<uint64_t, Content> committed_;  // that its checkpoints must
  FileFault fault_;
  bool missed_ = false;  // the last life did not come to the fault
};

TEST_P(ReadFaultTest, RestoreTakesNoErrorForDamage) {
  FailEverywhere("read-faults-of-restore", StrideFor(0.5), [&] { Restore(false); });
}

TEST_P(ReadFaultTest, AStoreThatFindsItsLiveDatabaseTakesNoErrorForDamage) {
  FailEverywhere("read-faults-of-reopening", StrideFor(0.5), [&] { Restore(true); });
}

TEST_P(ReadFaultTest, ARunningStoreReturnsNoWrongValueAndLosesNothing) {
  FailEverywhere("read-faults-of-a-store", StrideFor(11), [&] { Run(); });
}

TEST_P(ReadFaultTest, ExportImportAndVerifyTakeNoErrorForDamage) {
  FailEverywhere("read-faults-of-export", StrideFor(0.5), [&] { Move(); });
}

INSTANTIATE_TEST_SUITE_P(Disk, ReadFaultTest, ::testing::ValuesIn(kReadFaultModes), NameOfMode);

}  // namespace
}  // namespace tidemark::test
