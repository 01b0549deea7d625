#include "tests/store/model_config.h"

namespace tidemark::store {

namespace {

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;

ModelShape RandomShape(ModelRandom& random) {
  const uint64_t choice = random.Below(200);
  if (choice < 180) return ModelShape::kShort;
  if (choice < 193) return ModelShape::kRestarts;
  return choice < 199 ? ModelShape::kLarge : ModelShape::kLong;
}

// Steps, and how many stores they open.
void ChooseLength(ModelRandom& random, ModelConfig* config) {
  switch (config->shape) {
    case ModelShape::kShort:
      config->steps = 60 + random.Below(60);
      config->restarts = random.OneOf<size_t>({0, 0, 0, 1});
      config->restores_all = random.Chance(5);
      return;
    case ModelShape::kRestarts:
      config->steps = 60 + random.Below(90);
      config->restarts = 2 + random.Below(4);
      config->restores_all = true;
      return;
    case ModelShape::kLarge:
      config->steps = 300;
      config->restarts = random.Below(3);
      config->restores_all = random.Chance(2);
      return;
    case ModelShape::kLong:
      config->steps = 700;
      config->restarts = 8 + random.Below(10);
      config->restores_all = true;
  }
}

// Keys, values, and the memory for them. The least budget there is holds all of a short sequence,
// so a neighbour takes most of it in half of them: then entries are evicted all the time.
void ChooseSizes(ModelRandom& random, ModelConfig* config) {
  config->memory_budget_bytes = 16 * kMiB;
  config->stall_timeout = std::chrono::seconds(20);
  config->tables = random.OneOf<uint64_t>({1, 2, 2, 3});
  config->keys = random.OneOf<uint64_t>({8, 20, 40, 80});
  config->value_bytes_max = 200;
  config->epoch_bytes_max = kMiB;
  if (config->shape == ModelShape::kLarge) {
    config->keys = 900;
    config->value_bytes_max = 60'000;
    config->epoch_bytes_max = 3 * kMiB;
  } else if (config->shape == ModelShape::kLong) {
    config->tables = 5;
    if (random.Chance(3)) config->keys = 2'000, config->value_bytes_max = 3'000;
  } else if (random.Chance(2)) {
    config->room_bytes = random.OneOf({384 * kKiB, 512 * kKiB, 768 * kKiB});
    config->value_bytes_max = random.OneOf<size_t>({200, 2'000, 6'000, 20'000});
    config->epoch_bytes_max = 96 * kKiB;
    config->spills = random.Chance(4);
    if (config->spills) {
      config->room_bytes = 768 * kKiB;
      config->steps += 60;
      config->keys = 80;
      config->value_bytes_max = 100'000;
      config->epoch_bytes_max = 8 * kMiB;
    }
    // No write waits long for a write-back that cannot succeed.
    config->stall_timeout = std::chrono::milliseconds(random.OneOf({5, 50}));
  }
  config->long_keys = config->room_bytes == 0;
}

}  // namespace

ModelConfig ModelConfig::Random(ModelRandom& random) {
  ModelConfig config;
  config.shape = RandomShape(random);
  ChooseLength(random, &config);
  ChooseSizes(random, &config);
  config.inline_bytes = random.OneOf<uint64_t>({0, 64 * kKiB, kMiB});
  config.write_back_segments = random.OneOf<uint32_t>({1, 2, 4, 1'000});
  config.log_merge_segments = random.OneOf<uint32_t>({2, 2, 3, 8});
  config.keep_last = 1 + static_cast<uint32_t>(random.Below(5));
  config.compression = random.OneOf({Compression::kNone, Compression::kLz4, Compression::kZstd});
  config.verification =
      random.OneOf({Verification::kFull, Verification::kFull, Verification::kFast});
  config.max_parallelism = random.OneOf<uint32_t>({1, 2, 128});
  config.deny_links = random.Chance(3);
  config.hide_locks = random.Chance(8);
  config.cuts_power = config.restarts > 0 && config.shape != ModelShape::kLarge && random.Chance(2);
  return config;
}

std::string ModelConfig::ToString() const {
  return "max_parallelism " + std::to_string(max_parallelism) + ", " + std::to_string(tables) +
         " tables, " + std::to_string(keys) + " keys, values up to " +
         std::to_string(value_bytes_max) + ", " +
         (room_bytes > 0 ? "a neighbour leaves " + std::to_string(room_bytes) : "no neighbour") +
         (spills ? ", few checkpoints" : "") + ", inline " + std::to_string(inline_bytes) +
         ", write_back_segments " + std::to_string(write_back_segments) + ", log_merge_segments " +
         std::to_string(log_merge_segments) + ", keep_last " + std::to_string(keep_last) +
         ", compression " + std::to_string(static_cast<int>(compression)) +
         (verification == Verification::kFast ? ", kFast" : ", kFull") +
         (deny_links ? ", no links" : "") + (hide_locks ? ", no locks" : "") +
         (cuts_power ? ", power cuts" : "");
}

}  // namespace tidemark::store
