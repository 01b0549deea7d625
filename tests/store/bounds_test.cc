#include "store/bounds.h"

#include <tidemark/store.h>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <string_view>

namespace tidemark::store {
namespace {

class BoundsTest : public ::testing::Test {
 protected:
  BoundsTest() {
    options_.runtime = Runtime::Create().value();
    options_.directory = "live";
    options_.repository = "repository";
  }

  // Setting what `change` sets is refused in words that name `option`; nothing is opened or
  // created.
  void ExpectRefused(std::string_view option, const std::function<void(StoreOptions&)>& change,
                     std::string_view name = "option-bounds") {
    StoreOptions options = options_;
    change(options);
    for (const Status& status : {CheckOptions(options), StateStore::Open(options).error()}) {
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << option;
      EXPECT_EQ(status.name(), name) << option;
      EXPECT_NE(status.message().find(option), std::string_view::npos) << status.ToString();
    }
  }
  void ExpectAccepted(const std::function<void(StoreOptions&)>& change) {
    StoreOptions options = options_;
    change(options);
    EXPECT_EQ(CheckOptions(options).ToString(), "OK");
  }

  StoreOptions options_;
};

TEST_F(BoundsTest, DefaultsAreFine) { EXPECT_EQ(CheckOptions(options_).ToString(), "OK"); }

TEST_F(BoundsTest, RequiredOnes) {
  ExpectRefused(
      "StoreOptions::runtime", [](auto& o) { o.runtime = nullptr; }, "option-missing");
  ExpectRefused(
      "StoreOptions::directory", [](auto& o) { o.directory.clear(); }, "option-missing");
  ExpectRefused(
      "StoreOptions::repository", [](auto& o) { o.repository.clear(); }, "option-missing");
}

TEST_F(BoundsTest, EitherRepositoryOrStorage) {
  ExpectRefused(
      "StoreOptions::storage", [](auto& o) { o.storage = OpenLocalDirectory("elsewhere").value(); },
      "option-conflict");
  ExpectAccepted([](auto& o) {
    o.repository.clear();
    o.storage = OpenLocalDirectory("elsewhere").value();
  });
}

TEST_F(BoundsTest, Shape) {
  ExpectRefused("max_parallelism", [](auto& o) { o.max_parallelism = 0; });
  ExpectRefused("max_parallelism", [](auto& o) { o.max_parallelism = 32'769; });
  ExpectRefused("parallelism", [](auto& o) { o.parallelism = 0; });
  ExpectRefused("parallelism", [](auto& o) { o.parallelism = 129; });
  ExpectRefused("subtask", [](auto& o) { o.subtask = 1; });
  ExpectAccepted([](auto& o) { o.max_parallelism = o.parallelism = 1; });
  ExpectAccepted([](auto& o) {
    o.max_parallelism = o.parallelism = 32'768;
    o.subtask = 32'767;
  });
}

TEST_F(BoundsTest, Enums) {
  ExpectRefused("log_compression",
                [](auto& o) { o.log_compression = static_cast<Compression>(3); });
  ExpectRefused("log_compression",
                [](auto& o) { o.log_compression = static_cast<Compression>(255); });
  ExpectRefused("verification", [](auto& o) { o.verification = static_cast<Verification>(2); });
  ExpectAccepted([](auto& o) { o.log_compression = Compression::kNone; });
  ExpectAccepted([](auto& o) { o.verification = Verification::kFast; });
}

TEST_F(BoundsTest, Numbers) {
  ExpectRefused("log_compression_level", [](auto& o) { o.log_compression_level = -8; });
  ExpectRefused("log_compression_level", [](auto& o) { o.log_compression_level = 20; });
  ExpectRefused("keep_last", [](auto& o) { o.keep_last = 0; });
  ExpectRefused("keep_last", [](auto& o) { o.keep_last = 10'001; });
  ExpectRefused("value_bytes_max", [](auto& o) { o.value_bytes_max = (uint64_t{1} << 30) + 1; });
  ExpectRefused("inline_segment_bytes_max",
                [](auto& o) { o.inline_segment_bytes_max = (uint64_t{1} << 20) + 1; });
  ExpectRefused("write_back_bytes", [](auto& o) { o.write_back_bytes = 1; });
  ExpectRefused("write_back_bytes", [](auto& o) { o.write_back_bytes = (uint64_t{64} << 10) - 1; });
  ExpectRefused("write_back_bytes", [](auto& o) { o.write_back_bytes = (uint64_t{16} << 30) + 1; });
  ExpectRefused("write_back_segments", [](auto& o) { o.write_back_segments = 0; });
  ExpectRefused("write_back_segments", [](auto& o) { o.write_back_segments = 4'097; });
  ExpectRefused("log_merge_segments", [](auto& o) { o.log_merge_segments = 1; });
  ExpectRefused("log_merge_segments", [](auto& o) { o.log_merge_segments = 65; });
  ExpectRefused("space_amplification_max", [](auto& o) { o.space_amplification_max = 1.09; });
  ExpectRefused("space_amplification_max", [](auto& o) { o.space_amplification_max = 100.1; });
  ExpectRefused("space_amplification_max",
                [](auto& o) { o.space_amplification_max = std::nan(""); });
  ExpectRefused("restore_budget_seconds", [](auto& o) { o.restore_budget_seconds = 0; });
  ExpectRefused("restore_budget_seconds", [](auto& o) { o.restore_budget_seconds = 86'401; });
  ExpectRefused("keep_within", [](auto& o) { o.keep_within = std::chrono::milliseconds(-1); });
  ExpectRefused("keep_within", [](auto& o) { o.keep_within = std::chrono::hours(100'000); });
  ExpectRefused("stall_timeout", [](auto& o) { o.stall_timeout = std::chrono::milliseconds(-1); });
  ExpectRefused("stall_timeout", [](auto& o) {
    o.stall_timeout = std::chrono::hours(1) + std::chrono::milliseconds(1);
  });
}

TEST_F(BoundsTest, BothEndsAreInside) {
  ExpectAccepted([](auto& o) {
    o.log_compression_level = -7;
    o.keep_last = 1;
    o.keep_within = std::chrono::milliseconds(0);
    o.log_merge_segments = 2;
    o.space_amplification_max = 1.1;
    o.restore_budget_seconds = 0.1;
    o.value_bytes_max = 0;
    o.inline_segment_bytes_max = 0;
    o.write_back_bytes = 0;
    o.write_back_segments = 1;
    o.stall_timeout = std::chrono::milliseconds(0);
  });
  ExpectAccepted([](auto& o) {
    o.log_compression_level = 19;
    o.keep_last = 10'000;
    o.value_bytes_max = uint64_t{1} << 30;
    o.inline_segment_bytes_max = uint64_t{1} << 20;
    o.write_back_bytes = uint64_t{16} << 30;
    o.write_back_segments = 4'096;
    o.stall_timeout = std::chrono::hours(1);
  });
  ExpectAccepted([](auto& o) { o.write_back_bytes = uint64_t{64} << 10; });
}

TEST_F(BoundsTest, MessagesSayBoundsAndWhatItWas) {
  StoreOptions options = options_;
  options.keep_last = 0;
  EXPECT_EQ(CheckOptions(options).ToString(),
            "InvalidArgument (option-bounds): StoreOptions::keep_last is 0, expected 1 to 10000");
}

TEST(RuntimeBoundsTest, EveryOption) {
  const auto refused = [](std::string_view option, RuntimeOptions options) {
    const auto runtime = Runtime::Create(options);
    ASSERT_FALSE(runtime.has_value()) << option;
    EXPECT_EQ(runtime.error().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(runtime.error().name(), "option-bounds");
    EXPECT_NE(runtime.error().message().find(option), std::string_view::npos);
  };
  refused("memory_budget_bytes", {.memory_budget_bytes = (uint64_t{16} << 20) - 1});
  refused("memory_budget_bytes", {.memory_budget_bytes = (uint64_t{1} << 40) + 1});
  refused("memory_budget_bytes", {.memory_budget_bytes = 0});
  refused("background_threads", {.background_threads = 65});
  refused("background_bytes_per_second", {.background_bytes_per_second = 1});
  refused("background_bytes_per_second", {.background_bytes_per_second = (uint64_t{1} << 20) - 1});
  refused("background_bytes_per_second", {.background_bytes_per_second = (uint64_t{1} << 40) + 1});
  const auto least =
      Runtime::Create({.memory_budget_bytes = uint64_t{16} << 20, .background_threads = 64});
  ASSERT_TRUE(least.has_value());
  EXPECT_EQ((*least)->options().background_threads, 64u);
  EXPECT_EQ((*least)->memory_used_bytes(), 0u);
  EXPECT_EQ((*least)->options().background_bytes_per_second, 0u) << "no limit";
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1} << 20, uint64_t{1} << 40}) {
    const auto limited = Runtime::Create({.background_bytes_per_second = bytes});
    ASSERT_TRUE(limited.has_value()) << limited.error().ToString();
    EXPECT_EQ((*limited)->options().background_bytes_per_second, bytes);
  }
}

}  // namespace
}  // namespace tidemark::store
