#include "tests/store/model_run.h"

#include <algorithm>
#include <cstring>

namespace tidemark::store {

namespace {

constexpr int kSteps = 700;
constexpr int kTablesMax = 5;

std::string Short(const std::string& key) {
  return key.size() <= 20 ? key : key.substr(0, 5) + "...(" + std::to_string(key.size()) + ")";
}

}  // namespace

ModelRun::ModelRun(uint64_t seed)
    : random_(seed), config_(ModelConfig::Random(random_)), world_(config_) {}

void ModelRun::Run() {
  world_.Open(std::nullopt, random_);
  for (int i = 0; i < kSteps; ++i) Step();
  world_.ClearFaults();
  world_.CompareAll();
  world_.End(ModelWorld::Ending::kClose, random_);
  // Every retained checkpoint, the oldest first.
  for (const ModelCheckpoint& checkpoint : world_.oracle().certain()) {
    world_.Open(checkpoint.id, random_);
    world_.End(ModelWorld::Ending::kClose, random_);
  }
}

void ModelRun::Step() {
  if (fault_steps_ > 0 && --fault_steps_ == 0) world_.ClearFaults();
  if (epoch_bytes_ > config_.epoch_bytes_max && !Chance(20)) CheckpointSoon(Chance(4));
  const uint64_t choice = random_() % 100;
  if (choice < 65) {
    WriteStep();
  } else if (choice < 88) {
    ReadStep();
  } else if (choice < 98) {
    BarrierStep();
  } else {
    ReopenStep();
  }
  const uint64_t used = world_.runtime().memory_used_bytes();
  world_.Expect(used <= config_.memory_budget_bytes, std::to_string(used) + " bytes are in use");
}

void ModelRun::WriteStep() {
  switch (random_() % 10) {
    case 0:
    case 1:
      return Delete();
    case 2:
    case 3:
      return Update();
    case 4:
      return Mutable();
    case 5:
      return PutView();
    default:
      return Put();
  }
}

void ModelRun::ReadStep() {
  const std::string table = RandomTable();
  if (Chance(30)) {
    world_.Note("for each of " + table);
    return world_.CompareTable(table);
  }
  const std::string key = RandomKey();
  const auto got = world_.Get(table, key);
  const auto expected = Content(table).find(key);
  world_.Expect(got.has_value() == (expected != Content(table).end()),
                "key " + Short(key) + " of " + table + (got ? " is there" : " is not there"));
  world_.Expect(!got || *got == *expected->second, "the value of " + Short(key) + " of " + table);
}

void ModelRun::BarrierStep() {
  switch (random_() % 12) {
    case 0:
    case 1:
      world_.Note("rollback");
      world_.Expect(world_.store().Rollback(), "rollback");
      world_.oracle().Rollback();
      epoch_bytes_ = 0;
      return;
    case 2:
      return world_.Drain();
    case 3:
    case 4:
      fault_steps_ = 1 + static_cast<int>(random_() % 40);
      return world_.InjectFault(random_);
    case 5:
      return RefusedCheckpoint();
    case 6:
      if (tables_ < kTablesMax) ++tables_;
      return;
    default:
      return CheckpointSoon(Chance(2));
  }
}

void ModelRun::ReopenStep() {
  const uint64_t choice = random_() % 10;
  if (choice < 5) {
    world_.End(ModelWorld::Ending::kClose, random_);
  } else if (choice < 7) {
    world_.End(ModelWorld::Ending::kLoseLive, random_);
  } else {
    if (Chance(2)) world_.Settle();
    world_.End(ModelWorld::Ending::kAbandon, random_);
    fault_steps_ = 0;
    epoch_bytes_ = 0;
    return world_.Open(std::nullopt, random_);
  }
  fault_steps_ = 0;
  epoch_bytes_ = 0;
  std::optional<uint64_t> checkpoint;
  const auto certain = world_.oracle().certain();
  if (!certain.empty() && Chance(2)) checkpoint = certain[random_() % certain.size()].id;
  world_.Open(checkpoint, random_);
}

// ---- Writes ----

template <class Write>
void ModelRun::Carry(Write&& write) {
  Status status = write();
  if (status.code() == StatusCode::kResourceExhausted) {
    world_.Note("no memory: " + status.ToString());
    world_.Expect(status.name() == "memory-budget", status.ToString());
    fault_steps_ = 0;
    world_.ClearFaults();
    CheckpointSoon(true);
    world_.Drain();
    status = write();
  }
  world_.Expect(status, "write");
}

void ModelRun::Put() {
  const std::string table = RandomTable();
  const std::string key = RandomKey();
  const ModelValue value = RandomValue();
  world_.Note("put " + Short(key) + " into " + table + ": " + std::to_string(value->size()));
  Carry([&] { return world_.Table(table).Put(key, *value); });
  Content(table)[key] = value;
  epoch_bytes_ += value->size() + key.size();
}

// A view of one entry's value as the value of another.
void ModelRun::PutView() {
  const std::string table = RandomTable();
  const ModelTable& content = Content(table);
  const auto from = content.lower_bound(RandomKey());
  if (from == content.end()) return;
  const std::string key = RandomKey();
  world_.Note("put what " + Short(from->first) + " has into " + Short(key) + " of " + table);
  const ModelValue value = from->second;
  const std::string from_key = from->first;
  Carry([&]() -> Status {
    const auto view = world_.Table(table).Get(from_key);
    world_.Expect(view.error(), "get");
    world_.Expect(view->has_value() && **view == *value, "the value of " + Short(from_key));
    return world_.Table(table).Put(key, **view);
  });
  Content(table)[key] = value;
  epoch_bytes_ += value->size() + key.size();
}

void ModelRun::Delete() {
  const std::string table = RandomTable();
  const std::string key = RandomKey();
  world_.Note("delete " + Short(key) + " of " + table);
  Carry([&] { return world_.Table(table).Delete(key); });
  Content(table).erase(key);
  epoch_bytes_ += 100;
}

void ModelRun::Update() {
  struct Change {
    const std::string* expected;  // null: absent
    const std::string* value;     // null: the change fails
    bool matches = false;
  };
  const std::string table = RandomTable();
  const std::string key = RandomKey();
  const ModelValue value = Chance(8) ? nullptr : RandomValue();
  world_.Note((value ? "update " : "update in vain ") + Short(key) + " of " + table);
  const auto found = Content(table).find(key);
  Change change{found == Content(table).end() ? nullptr : found->second.get(), value.get()};
  const auto run = [](void* context,
                      const std::optional<std::string_view>& got) -> Result<std::string_view> {
    auto& c = *static_cast<Change*>(context);
    c.matches = got.has_value() == (c.expected != nullptr) && (!got || *got == *c.expected);
    if (c.value == nullptr) return Status(StatusCode::kUnsupported, "in-vain", "the change fails");
    return std::string_view(*c.value);
  };
  Carry([&] {
    Status status = world_.Table(table).Update(key, run, &change);
    world_.Expect(change.matches, "update got something else than the value of " + Short(key));
    return status.name() == "in-vain" ? Status() : status;
  });
  if (value == nullptr) return;
  Content(table)[key] = value;
  epoch_bytes_ += value->size() + key.size();
}

void ModelRun::Mutable() {
  const std::string table = RandomTable();
  const std::string key = RandomKey();
  world_.Note("change " + Short(key) + " of " + table + " in place");
  const auto found = Content(table).find(key);
  std::span<char> bytes;
  Carry([&]() -> Status {
    auto got = world_.Table(table).Mutable(key);
    if (got.has_value()) bytes = *got;
    return got.error();
  });
  world_.Expect((bytes.data() != nullptr) == (found != Content(table).end()),
                "mutable of " + Short(key));
  if (bytes.data() == nullptr) return;
  world_.Expect(std::string_view(bytes.data(), bytes.size()) == *found->second,
                "mutable's value of " + Short(key));
  if (bytes.empty()) return;
  std::string changed = *found->second;
  const size_t at = random_() % changed.size();
  bytes[at] = changed[at] = static_cast<char>(random_());
  epoch_bytes_ += changed.size() + key.size();
  found->second = std::make_shared<const std::string>(std::move(changed));
}

// ---- Checkpoints ----

void ModelRun::CheckpointSoon(bool wait) {
  next_id_ = world_.newest_id() + 1 + random_() % 3;
  world_.Checkpoint(next_id_, wait);
  epoch_bytes_ = 0;
}

void ModelRun::RefusedCheckpoint() {
  if (!world_.oracle().stands_on()) return;
  const uint64_t id = random_() % (*world_.oracle().stands_on() + 1);
  world_.Note("checkpoint " + std::to_string(id) + ", to be refused");
  const uint64_t epoch = world_.store().epoch();
  const Status refused = world_.store().Checkpoint(id, {}).error();
  world_.Expect(refused.name() == "checkpoint-id",
                "checkpoint " + std::to_string(id) + ": " + refused.ToString());
  world_.Expect(world_.store().epoch() == epoch, "a refused checkpoint closed the epoch");
}

// ---- Choices ----

std::string ModelRun::RandomTable() {
  return "table " + std::to_string(random_() % static_cast<uint64_t>(tables_));
}

std::string ModelRun::RandomKey() {
  switch (random_() % 200) {
    case 0:
      return "";
    case 1:
      return std::string(1 + random_() % 9, '\0');
    case 2:
      return std::string(65'535, 'k');
    default:
      return "key" + std::to_string(random_() % static_cast<uint64_t>(config_.keys));
  }
}

ModelValue ModelRun::RandomValue() {
  if (Chance(20)) return std::make_shared<const std::string>();
  std::string value(random_() % (config_.value_bytes_max + 1),
                    static_cast<char>('a' + random_() % 26));
  // Half of it does not compress.
  for (size_t i = value.size() / 2; i + 8 <= value.size(); i += 8) {
    const uint64_t bits = random_();
    std::memcpy(value.data() + i, &bits, sizeof(bits));
  }
  return std::make_shared<const std::string>(std::move(value));
}

}  // namespace tidemark::store
