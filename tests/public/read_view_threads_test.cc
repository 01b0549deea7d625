// Read views on other threads than the writer's: readers beside it, and openings that race with
// what it drops.
#include "tests/public/read_view_fixture.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace tidemark::test {
namespace {

constexpr int kKeys = 200;

class ReadViewThreadsTest : public ReadViewFixture {
 protected:
  void SetUp() override {
    options_.inline_segment_bytes_max = 1000;
    Open();
    table_.emplace(Open("t"));
  }
  // The state of checkpoint n: every key has the value n, but for one, which is not there.
  void Write(uint64_t n) {
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = "key" + std::to_string(i);
      if (static_cast<uint64_t>(i) == n % kKeys) {
        ASSERT_OK(table_->Delete(key));
      } else {
        ASSERT_OK(table_->Put(key, std::to_string(n)));
      }
    }
  }
  static void ExpectCheckpoint(const ReadView& view) {
    const uint64_t n = view.checkpoint().id;
    const auto table = view.Table("t");
    ASSERT_TRUE(table.has_value()) << table.error().ToString();
    int seen = 0;
    ASSERT_OK(table->ForEach([&](std::string_view, std::string_view value) {
      EXPECT_EQ(value, std::to_string(n));
      ++seen;
      return true;
    }));
    EXPECT_EQ(seen, kKeys - 1) << "checkpoint " << n;
    const std::string absent = "key" + std::to_string(n % kKeys);
    EXPECT_EQ(table->Get(absent).value(), std::nullopt) << "checkpoint " << n;
  }

  std::optional<Table> table_;
};

TEST_F(ReadViewThreadsTest, ManyReadersBesideTheWriter) {
  Write(1);
  ASSERT_OK(Save(1));
  const ReadView view = View();
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&, i] {
      const ReadTable table = view.Table("t").value();
      for (int key = i; !stop.load(); key = (key + 7) % kKeys) {
        const auto value = table.Get("key" + std::to_string(key));
        ASSERT_TRUE(value.has_value()) << value.error().ToString();
        if (key == 1) {
          EXPECT_EQ(*value, std::nullopt);
        } else {
          EXPECT_EQ(*value, "1");
        }
        if (key == 0) ExpectCheckpoint(view);
      }
    });
  }
  for (uint64_t n = 2; n <= 30; ++n) {
    Write(n);
    ASSERT_OK(Save(n));
    if (n % 10 == 0) {
      ASSERT_OK(store_->Drain());
    }
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

// A reader meets a view that is closed under its hands, and nothing worse.
TEST_F(ReadViewThreadsTest, CloseBesideReaders) {
  Write(1);
  ASSERT_OK(Save(1));
  for (int round = 0; round < 10; ++round) {
    ReadView view = View();
    std::vector<std::thread> readers;
    std::atomic<int> reading{0};
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        const ReadTable table = view.Table("t").value();
        ++reading;
        while (true) {
          const auto value = table.Get("key7");
          if (!value.has_value()) {
            EXPECT_ERROR(value.error(), StatusCode::kClosed, "view-closed");
            return;
          }
          ASSERT_EQ(*value, "1");
        }
      });
    }
    while (reading.load() < 3) std::this_thread::yield();
    view.Close();
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(ViewDirectories(), 0u);
  }
}

// The newest one is always there to be opened, one that was asked for may be gone: but whatever is
// collected meanwhile, nobody is told of damage.
TEST_F(ReadViewThreadsTest, OpeningRacesWithRetention) {
  for (const bool links : {true, false}) {
    SCOPED_TRACE(links ? "links" : "copies");
    storage_->DenyLinks(!links);
    options_.keep_last = 1;
    options_.write_back_segments = 1;
    const uint64_t first = links ? 1 : 1000;
    Reopen();
    table_.emplace(Open("t"));
    Write(first);
    ASSERT_OK(Save(first));
    std::atomic<uint64_t> newest{first};
    std::atomic<bool> stop{false};
    std::atomic<int> opened{0};
    std::atomic<int> gone{0};
    std::vector<std::thread> openers;
    for (int i = 0; i < 3; ++i) {
      openers.emplace_back([&, i] {
        while (!stop.load()) {
          ViewOptions options;
          if (i > 0) options.checkpoint = newest.load();
          if (i > 1) options.verification = Verification::kFull;
          const auto view = store_->OpenView(options);
          if (view.has_value()) {
            ExpectCheckpoint(*view);
            ++opened;
          } else if (i > 0 && view.error().name() == "checkpoint-not-found") {
            ++gone;
          } else {
            ADD_FAILURE() << view.error().ToString();
          }
        }
      });
    }
    // Long enough for each to have met a few checkpoints.
    for (uint64_t n = first + 1; n < first + 600 && (n < first + 40 || opened.load() < 20); ++n) {
      Write(n);
      ASSERT_OK(Save(n));
      newest = n;
    }
    stop = true;
    for (std::thread& opener : openers) opener.join();
    EXPECT_GT(opened.load(), 0);
    EXPECT_EQ(ViewDirectories(), 0u);
    // What was held has gone.
    ASSERT_OK(Save(first + 700));
    ASSERT_OK(store_->Drain());
    EXPECT_EQ(Ids(), std::vector<uint64_t>{first + 700});
  }
}

// Close waits for openings, which give up, and for nothing else.
TEST_F(ReadViewThreadsTest, OpeningRacesWithClose) {
  for (int round = 0; round < 5; ++round) {
    Reopen();
    table_.emplace(Open("t"));
    const uint64_t id = static_cast<uint64_t>(round) + 1;
    Write(id);
    ASSERT_OK(Save(id));
    std::vector<std::thread> openers;
    std::atomic<int> opening{0};
    for (int i = 0; i < 3; ++i) {
      openers.emplace_back([&] {
        while (true) {
          ++opening;
          const auto view = store_->OpenView();
          if (!view.has_value()) {
            EXPECT_ERROR(view.error(), StatusCode::kClosed, "store-closed");
            return;
          }
          ExpectCheckpoint(*view);
        }
      });
    }
    while (opening.load() < 4 + round) std::this_thread::yield();
    EXPECT_OK(store_->Close());
    for (std::thread& opener : openers) opener.join();
    EXPECT_EQ(ViewDirectories(), 0u);
    EXPECT_EQ(options_.runtime->memory_used_bytes(), 0u);
  }
}

}  // namespace
}  // namespace tidemark::test
