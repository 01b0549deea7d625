// Read views where something fails, waits or is in short supply: only the view is affected, and
// nothing of it is left.
#include "store/view_core.h"
#include "tests/store/core_fixture.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tidemark::store {
namespace {

using test::FaultError;
using test::FileOperation;
using test::StorageOperation;

const std::set<FileOperation> kNeedRoom = {FileOperation::kCreate, FileOperation::kAppend,
                                           FileOperation::kClose,  FileOperation::kLink,
                                           FileOperation::kRename, FileOperation::kCreateDirectory};

std::string KeyOf(int i) { return "key" + std::to_string(i); }

class ViewTest : public CoreFixture {
 protected:
  explicit ViewTest(uint64_t memory_budget_bytes = 64 * kMiB) : CoreFixture(memory_budget_bytes) {
    options_.inline_segment_bytes_max = 500;
    options_.log_compression = Compression::kNone;
  }

  // Checkpoint 4: a base, a segment and an inlined segment after it.
  void MakeState() {
    Open();
    for (int i = 0; i < 300; ++i) Put(KeyOf(i), "first");
    ASSERT_TRUE(Save(1).ok());
    ASSERT_TRUE(store_->Drain().ok());
    for (int i = 0; i < 100; ++i) Put(KeyOf(i), "second");
    ASSERT_TRUE(Save(2).ok());
    Put(KeyOf(0), "third");
    ASSERT_TRUE(Save(4).ok());
    expected_ = store::Read(*table_);
  }
  Result<std::shared_ptr<ViewCore>> OpenView(const ViewOptions& options = {}) {
    return store_->OpenView(options);
  }
  static ViewTable TableOf(const std::shared_ptr<ViewCore>& view) {
    return ViewTable(view, *view->FindTable("t").value());
  }
  static Content ContentOf(const std::shared_ptr<ViewCore>& view) {
    Content content;
    const Status read = TableOf(view).ForEach(
        nullptr,
        [](void* context, std::string_view key, std::string_view value) {
          return static_cast<Content*>(context)->emplace(key, value).second;
        },
        &content);
    EXPECT_EQ(read.ToString(), "OK");
    return content;
  }
  std::vector<std::string> Left() const {
    std::vector<std::string> left;
    const std::string views = options_.directory + "/views";
    if (!std::filesystem::exists(views)) return left;
    for (const auto& entry : std::filesystem::directory_iterator(views))
      left.push_back(entry.path().string());
    return left;
  }
  // The writer goes on as if nothing had been.
  void ExpectWriterUnmoved(uint64_t id) {
    EXPECT_EQ(Left(), std::vector<std::string>());
    EXPECT_TRUE(store::Read(*table_) == expected_);
    Put(KeyOf(1), "checkpoint " + std::to_string(id));
    expected_[KeyOf(1)] = "checkpoint " + std::to_string(id);
    EXPECT_EQ(Save(id).ToString(), "OK");
    EXPECT_EQ(store_->Drain().ToString(), "OK");
  }

  Content expected_;
};

// Each file operation in turn, then all from there on.
TEST_F(ViewTest, FilesThatFailWhileItIsMade) {
  MakeState();
  for (const bool links : {true, false}) {
    SCOPED_TRACE(links ? "links" : "copies");
    fs_->DenyLinks(!links);
    const uint64_t used = options_.runtime->memory_used_bytes();
    int failed = 0;
    for (const bool full : {false, true}) {
      for (uint64_t call = 1;; ++call) {
        SCOPED_TRACE(call);
        fs_->plan().Inject({.call = call,
                            .sticky = full,
                            .error = full ? FaultError::kFull : FaultError::kIo,
                            .contains = "/views/",
                            .operations = kNeedRoom});
        const auto view = OpenView();
        const bool struck = fs_->plan().fired() > 0;
        fs_->plan().Clear();
        if (view.has_value()) {
          EXPECT_TRUE(ContentOf(*view) == expected_);
          (*view)->Close();
        } else {
          ++failed;
          EXPECT_TRUE(struck) << view.error().ToString();
          EXPECT_EQ(view.error().code(),
                    full ? StatusCode::kResourceExhausted : StatusCode::kUnavailable)
              << view.error().ToString();
        }
        ASSERT_EQ(Left(), std::vector<std::string>());
        ASSERT_EQ(options_.runtime->memory_used_bytes(), used);
        if (!struck) break;
      }
    }
    EXPECT_GT(failed, 40);
    fs_->DenyLinks(false);
    ExpectWriterUnmoved(links ? 5 : 6);
  }
}

TEST_F(ViewTest, StorageThatFailsWhileItIsMade) {
  MakeState();
  for (uint64_t call = 1;; ++call) {
    storage_->plan().Inject({.call = call});
    const auto view = OpenView({.verification = Verification::kFull});
    const bool struck = storage_->plan().fired() > 0;
    storage_->plan().Clear();
    if (!struck) {
      EXPECT_TRUE(view.has_value() && ContentOf(*view) == expected_);
      break;
    }
    EXPECT_EQ(view.error().code(), StatusCode::kUnavailable) << view.error().ToString();
  }
  ExpectWriterUnmoved(5);
}

// It shares the disk with the commits, which wait for syncs.
TEST_F(ViewTest, SyncsNothing) {
  MakeState();
  fs_->plan().Record();
  const auto view = OpenView();
  ASSERT_TRUE(view.has_value()) << view.error().ToString();
  (*view)->Close();
  size_t in_views = 0;
  for (const auto& [operation, name] : fs_->plan().recorded()) {
    if (name.find("/views/") == std::string::npos) continue;
    ++in_views;
    EXPECT_NE(operation, FileOperation::kSyncDirectory) << name;
    EXPECT_NE(operation, FileOperation::kSync) << name;
  }
  EXPECT_GT(in_views, 20u);
}

// Retention drops the checkpoint, and collection would delete its files, at the moment when half of
// them have been fetched.
TEST_F(ViewTest, ACheckpointThatIsDroppedWhileItIsOpened) {
  options_.keep_last = 1;
  options_.write_back_segments = 1;
  MakeState();
  const Content before = expected_;
  for (const std::string file : {"/base/", "/log/", "/manifest/"}) {
    SCOPED_TRACE(file);
    const bool inlined = file == "/manifest/";
    // A checkpoint with such a file: write-backs are slower than barriers.
    ASSERT_EQ(store_->Drain().ToString(), "OK");
    const uint64_t id = store_->Checkpoints().back().id + 1;
    Put(KeyOf(2), inlined ? "inlined" : std::string(2000, 'x'));
    expected_[KeyOf(2)] = inlined ? "inlined" : std::string(2000, 'x');
    auto hold_write_back = storage_->PauseBefore(StorageOperation::kPutFile, "/base/");
    ASSERT_EQ(Save(id).ToString(), "OK");
    if (file != "/base/") hold_write_back->WaitUntilReached();
    const auto reached =
        storage_->PauseBefore(inlined ? StorageOperation::kRead : StorageOperation::kFetch, file);
    Result<std::shared_ptr<ViewCore>> view = Status(StatusCode::kInternal, "not-opened", "");
    std::thread opener([&] { view = OpenView({.checkpoint = id}); });
    reached->WaitUntilReached();
    hold_write_back->Release();
    const Content of_view = expected_;
    for (uint64_t later = id + 1; later <= id + 3; ++later) {
      for (int i = 0; i < 300; ++i) Put(KeyOf(i), "later " + std::to_string(later));
      ASSERT_EQ(Save(later).ToString(), "OK");
      ASSERT_EQ(store_->Drain().ToString(), "OK");
    }
    expected_ = store::Read(*table_);
    EXPECT_EQ(store_->Checkpoints().size(), 1u);
    reached->Release();
    opener.join();
    ASSERT_TRUE(view.has_value()) << view.error().ToString();
    EXPECT_EQ((*view)->checkpoint().id, id);
    EXPECT_TRUE(ContentOf(*view) == of_view);
    (*view)->Close();
    ExpectWriterUnmoved(id + 4);
  }
}

TEST_F(ViewTest, CloseEndsAnOpening) {
  MakeState();
  const auto reached = storage_->PauseBefore(StorageOperation::kFetch, "/base/");
  Result<std::shared_ptr<ViewCore>> view = Status(StatusCode::kInternal, "not-opened", "");
  std::thread opener([&] { view = OpenView(); });
  reached->WaitUntilReached();
  Status closed;
  std::thread closer([&] { closed = store_->Close(); });
  // Refused from the moment that Close has begun.
  while (store_->OpenView({.checkpoint = 3}).error().code() != StatusCode::kClosed)
    std::this_thread::yield();
  reached->Release();
  opener.join();
  closer.join();
  EXPECT_EQ(closed.ToString(), "OK");
  EXPECT_EQ(view.error().code(), StatusCode::kClosed) << view.error().ToString();
  EXPECT_EQ(view.error().name(), "store-closed");
  EXPECT_EQ(Left(), std::vector<std::string>());
  EXPECT_EQ(options_.runtime->memory_used_bytes(), 0u);
}

// Once another writer has taken the repository, it is the one that collects: what is missing then
// is no damage.
TEST_F(ViewTest, AFencedStoreSaysThatItIs) {
  options_.keep_last = 1;
  storage_->HideLocks(true);
  MakeState();
  const auto before = OpenView();
  ASSERT_TRUE(before.has_value()) << before.error().ToString();
  StoreOptions other = options_;
  other.directory = directory_ / "other";
  other.take_over = true;
  other.write_back_segments = 1;
  auto successor = StoreCore::Open(other, {fs_});
  ASSERT_TRUE(successor.has_value()) << successor.error().ToString();
  auto table = (*successor)->OpenTable("t", {}).value();
  for (uint64_t id = 10; id < 14; ++id) {
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(table->Put(KeyOf(i), std::to_string(id)).ok());
    ASSERT_EQ(Wait(**(*successor)->Checkpoint(id, {})).ToString(), "OK");
    ASSERT_EQ((*successor)->Drain().ToString(), "OK");
  }
  const auto view = OpenView();
  EXPECT_EQ(view.error().code(), StatusCode::kFenced) << view.error().ToString();
  EXPECT_EQ(Left().size(), 1u);
  EXPECT_TRUE(ContentOf(*before) == expected_) << "a view that was open stays so";
  (*before)->Close();
  EXPECT_EQ(Left(), std::vector<std::string>());
  EXPECT_EQ((*successor)->Close().ToString(), "OK");
}

// A damaged file of the repository: told to who opens or reads, and to nobody else.
TEST_F(ViewTest, DamageConcernsTheViewAlone) {
  Open();
  for (int i = 0; i < 20'000; ++i) Put(KeyOf(i), "a value to fill the blocks " + KeyOf(i * 7));
  ASSERT_TRUE(Save(1).ok());
  ASSERT_TRUE(store_->Drain().ok());
  std::string damaged;
  uint64_t size = 0;
  for (const ObjectInfo& object : storage_->List("subtasks/00000/base/").value()) {
    if (!object.name.ends_with(".sst") || object.size <= size) continue;
    damaged = directory_ / ("repository/" + object.name);
    size = object.size;
  }
  ASSERT_GT(size, 50'000u);
  {
    // Anew, for the store's own database has a link to the file.
    std::ifstream from(damaged, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(from)), {});
    bytes.replace(size / 3, 6, "damage");
    std::filesystem::remove(damaged);
    std::ofstream(damaged, std::ios::binary) << bytes;
  }
  const auto full = OpenView({.verification = Verification::kFull});
  EXPECT_EQ(full.error().code(), StatusCode::kCorruption) << full.error().ToString();
  EXPECT_EQ(full.error().name(), "file-checksum");

  const auto view = OpenView();
  ASSERT_TRUE(view.has_value()) << view.error().ToString();
  const ViewTable table = TableOf(*view);
  int found = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = table.Get(KeyOf(i));
    if (value.has_value()) {
      ASSERT_EQ(*value, "a value to fill the blocks " + KeyOf(i * 7));
      continue;
    }
    ++found;
    ASSERT_EQ(value.error().code(), StatusCode::kCorruption);
    ASSERT_NE(value.error().message().find("table `t`, key `" + KeyOf(i) + "`"),
              std::string_view::npos)
        << value.error().ToString();
  }
  EXPECT_GT(found, 0);
  EXPECT_LT(found, 10'000);
  const Status scanned = table.ForEach(
      nullptr, [](void*, std::string_view, std::string_view) { return true; }, nullptr);
  EXPECT_EQ(scanned.code(), StatusCode::kCorruption) << scanned.ToString();
  EXPECT_NE(scanned.message().find("table `t`"), std::string_view::npos) << scanned.ToString();
  (*view)->Close();
  expected_ = store::Read(*table_);
  ExpectWriterUnmoved(2);
}

class ViewMemoryTest : public ViewTest {
 protected:
  ViewMemoryTest() : ViewTest(16 * kMiB) {}
  uint64_t used() const { return options_.runtime->memory_used_bytes(); }
};

// A store that is larger than the budget has it full of entries all the time. Views borrow from its
// block cache then, and give back to whoever is still there.
TEST_F(ViewMemoryTest, AFullBudgetIsNoObstacle) {
  MakeState();
  const uint64_t reserved = options_.runtime->impl().budget().reserve_bytes();
  // But for what entries leave to lists and to blocks of other sizes.
  for (uint64_t id = 5; used() + reserved + (512 << 10) < 16 * kMiB; ++id) {
    ASSERT_LT(id, 100u);
    for (uint64_t i = 0; i < 100; ++i)
      Put(KeyOf(static_cast<int>(id * 1000 + i)), std::string(5'000, 'f'));
    ASSERT_TRUE(Save(id).ok());
    ASSERT_TRUE(store_->Drain().ok());
  }
  const uint64_t before = used();
  std::vector<std::shared_ptr<ViewCore>> views;
  while (true) {
    ASSERT_LT(views.size(), 10u);
    auto view = OpenView();
    if (!view.has_value()) {
      EXPECT_EQ(view.error().code(), StatusCode::kResourceExhausted) << view.error().ToString();
      EXPECT_EQ(view.error().name(), "memory-budget");
      break;
    }
    EXPECT_EQ((*view)->checkpoint().id, store_->Checkpoints().back().id);
    views.push_back(*std::move(view));
    EXPECT_LE(used(), 16 * kMiB);
  }
  EXPECT_EQ(views.size(), 4u) << "an eighth of the block cache each, half of it stays";
  EXPECT_EQ(used(), before);
  expected_ = store::Read(*table_);
  EXPECT_TRUE(ContentOf(views[0]) == expected_);

  views.pop_back();
  EXPECT_EQ(used(), before);
  auto again = OpenView();
  ASSERT_TRUE(again.has_value()) << again.error().ToString();
  views.push_back(*std::move(again));
  Close();
  EXPECT_EQ(used(), 4 * kMiB) << "the block cache stays for the views";
  EXPECT_TRUE(ContentOf(views[3]) == expected_);
  views.clear();
  EXPECT_EQ(used(), 0u);
}

}  // namespace
}  // namespace tidemark::store
