#include "tests/store/model_run.h"

#include <algorithm>
#include <exception>
#include <numeric>

namespace tidemark::store {

// ---- The alphabet: a new operation of the store is a member function and a line here ----

std::span<const ModelRun::Operation> ModelRun::Operations() {
  static constexpr Operation kOperations[] = {
      {"put", 22, &ModelRun::Put},
      {"put-view", 5, &ModelRun::PutView},
      {"delete", 11, &ModelRun::Delete},
      {"update", 11, &ModelRun::Update},
      {"mutable", 6, &ModelRun::Mutable},
      {"append", 12, &ModelRun::Append},
      {"write-at-iterator", 4, &ModelRun::WriteAtIterator},
      {"fill", 2, &ModelRun::Fill},
      {"delete-range", 4, &ModelRun::DeleteRange},
      {"neighbours", 4, &ModelRun::Neighbours},
      {"get", 12, &ModelRun::Get},
      {"multi-get", 3, &ModelRun::MultiGet},
      {"count", 2, &ModelRun::Count},
      {"for-each", 1, &ModelRun::ForEach},
      {"open-iterator", 5, &ModelRun::OpenIterator},
      {"advance-iterator", 10, &ModelRun::AdvanceIterator},
      {"close-iterator", 1, &ModelRun::CloseIterator},
      {"open-view", 1, &ModelRun::OpenView},
      {"read-view", 4, &ModelRun::ReadView},
      {"close-view", 1, &ModelRun::CloseView},
      {"pin", 1, &ModelRun::Pin},
      {"unpin", 1, &ModelRun::Unpin},
      {"view-pin", 1, &ModelRun::ViewPin},
      {"checkpoint", 6, &ModelRun::Checkpoint},
      {"rollback", 2, &ModelRun::Rollback},
      {"drop-table", 2, &ModelRun::DropTable},
      {"stale-handle", 1, &ModelRun::UseStaleHandle},
      {"drain", 1, &ModelRun::Drain},
      {"fault", 2, &ModelRun::Fault},
      {"crowd", 2, &ModelRun::Crowd},
      {"metrics", 1, &ModelRun::Metrics},
      {"refused", 1, &ModelRun::Refused},
      {"read-in-place", 1, &ModelRun::ReadInPlace},
      {"restart", 0, &ModelRun::Restart},  // plans say how often
  };
  return kOperations;
}

size_t ModelRun::RestartOperation() { return Operations().size() - 1; }

// Sequences differ in what they do often and what never: what hides between two operations shows
// when there is little else.
ModelPlan ModelPlan::Of(uint64_t seed) {
  ModelRandom random(seed);
  ModelPlan plan{seed, ModelConfig::Random(random), {}};
  std::vector<size_t> lots;  // each operation as often as it weighs
  for (size_t i = 0; i < ModelRun::Operations().size(); ++i) {
    const ModelRun::Operation& operation = ModelRun::Operations()[i];
    int weight = operation.weight * random.OneOf({0, 1, 1, 1, 3});
    if (plan.config.spills && (operation.name == "checkpoint" || operation.name == "rollback"))
      weight = std::min(weight, 1);
    lots.insert(lots.end(), static_cast<size_t>(weight), i);
  }
  lots.push_back(0);  // something is written in any case
  for (size_t i = 0; i < plan.config.steps; ++i)
    plan.steps.push_back({lots[random.Below(lots.size())], random()});
  for (size_t i = 0; i < plan.config.restarts; ++i)
    plan.steps[random.Below(plan.steps.size())].operation = ModelRun::RestartOperation();
  return plan;
}

std::vector<size_t> ModelPlan::AllSteps() const {
  std::vector<size_t> all(steps.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// ---- A sequence ----

ModelOutcome ModelRun::Perform(const ModelPlan& plan, std::span<const size_t> steps,
                               std::vector<uint64_t>* performed) {
  ModelOutcome outcome;
  ModelRun run(plan);
  try {
    run.Run(steps, performed);
  } catch (const std::exception& failure) {
    outcome.failure = failure.what();
  }
  outcome.notes = run.world_.notes();
  outcome.counts = run.world_.counts();
  outcome.counts.outgrown_scans = run.world_.scans().outgrown();
  return outcome;
}

void ModelRun::Run(std::span<const size_t> steps, std::vector<uint64_t>* performed) {
  ModelRandom random(plan_.seed + 1);  // for what is not a step
  world_.SetStep("begin: ");
  world_.Open(std::nullopt, random);
  for (const size_t number : steps) {
    const ModelStep& step = plan_.steps[number];
    ModelRandom arguments(step.word);
    world_.SetStep("step " + std::to_string(number) + ": ");
    Before(arguments);
    (this->*Operations()[step.operation].run)(arguments);
    After();
    if (performed != nullptr) ++(*performed)[step.operation];
  }
  world_.SetStep("end: ");
  world_.ClearFaults();
  FinishIterators();
  world_.CompareAll();
  world_.ComparePins();
  world_.End(ModelWorld::Ending::kClose, random);
  RestoreRetained(random);
}

void ModelRun::Before(ModelRandom& random) {
  if (fault_steps_ > 0 && --fault_steps_ == 0) world_.ClearFaults();
  if (epoch_bytes_ > plan_.config.epoch_bytes_max && !random.Chance(20))
    CheckpointSoon(random, random.Chance(4));
}

void ModelRun::After() { world_.CheckMemory(); }

// What they have still to show.
void ModelRun::FinishIterators() {
  while (world_.scans().size() > 0) world_.scans().Advance(0, UINT64_MAX);
}

// Every retained checkpoint, the oldest first, or one of them.
void ModelRun::RestoreRetained(ModelRandom& random) {
  std::vector<ModelCheckpoint> retained = world_.oracle().certain();
  if (!plan_.config.restores_all && retained.size() > 1)
    retained = {retained[random.Below(retained.size())]};
  for (const ModelCheckpoint& checkpoint : retained) {
    world_.Open(checkpoint.id, random);
    world_.End(ModelWorld::Ending::kClose, random);
  }
}

// ---- Barriers and tables ----

void ModelRun::Checkpoint(ModelRandom& random) { CheckpointSoon(random, random.Chance(2)); }

void ModelRun::CheckpointSoon(ModelRandom& random, bool wait) {
  world_.Checkpoint(world_.newest_id() + 1 + random.Below(3), wait);
  epoch_bytes_ = 0;
}

void ModelRun::Rollback(ModelRandom& /*random*/) {
  world_.Rollback();
  epoch_bytes_ = 0;
}

// Half of the time one of its name is made at once, perhaps of another kind.
void ModelRun::DropTable(ModelRandom& random) {
  const std::string name = RandomTarget(random).name;
  world_.DropTable(name);
  if (random.Chance(2)) RandomTarget(random);
}

void ModelRun::UseStaleHandle(ModelRandom& random) {
  const auto stale = world_.StaleHandles();
  if (stale.empty()) return;
  const auto& table = stale[random.Below(stale.size())];
  world_.Note("use a handle to a table that is gone");
  const Status status = random.Chance(2) ? table->Put("key", "value") : table->Get("key").error();
  world_.Expect(status.name() == "table-dropped", "a stale handle: " + status.ToString());
}

// ---- What happens to a store ----

void ModelRun::Drain(ModelRandom& /*random*/) { world_.Drain(); }

void ModelRun::Fault(ModelRandom& random) {
  fault_steps_ = 1 + random.Below(30);
  world_.InjectFault(random);
}

// The neighbour takes less than usual, more (all that is free, mostly), or goes away.
void ModelRun::Crowd(ModelRandom& random) {
  const uint64_t room = plan_.config.room_bytes;
  if (room == 0) return;
  world_.Note("the neighbour takes another share");
  const uint64_t less = plan_.config.spills ? room : room / 8;  // a small epoch cannot be spilled
  world_.LeaveRoom(random.OneOf<uint64_t>({2 * room, room, less, less, 0}));
}

void ModelRun::Metrics(ModelRandom& /*random*/) { world_.CheckMetrics(); }

// Calls that change nothing and say why.
void ModelRun::Refused(ModelRandom& random) {
  const auto expect = [&](const Status& status, std::string_view name) {
    world_.Expect(status.name() == name, std::string(name) + " was due: " + status.ToString());
  };
  world_.Note("what is refused");
  const Target target = RandomTarget(random);
  const TableKind kind = target.content.kind;
  const std::string partition = kind == TableKind::kMap ? RandomPartition(random) : "";
  expect(target.table->Put(partition + std::string(kKeyBytesMax + 1, 'k'), ""), "key-too-long");
  if (kind == TableKind::kMap) {
    expect(target.table->Delete(random.OneOf<std::string>({"", "\x01", "kk"})), "key-partition");
    expect(TableCore::Scan(target.table, {}).error(), "scan-partition");
  } else if (!IsOrdered(kind)) {
    expect(TableCore::Scan(target.table, {}).error(), "table-unordered");
  }
  if (kind != TableKind::kList)
    expect(target.table->Append(partition + "key", "bytes"), "table-not-list");
  const TableKind other = kind == TableKind::kMap ? TableKind::kBytes : TableKind::kMap;
  expect(world_.store().OpenTable(target.name, {.kind = other}).error(), "table-mismatch");
  if (!target.content.counted) {
    expect(world_.store().OpenTable(target.name, {.kind = kind, .exact_count = true}).error(),
           "table-mismatch");
  }
  expect(world_.store().DropTable("no such table"), "table-not-found");
  if (!world_.oracle().stands_on()) return;
  const uint64_t epoch = world_.store().epoch();
  const uint64_t id = random.Below(*world_.oracle().stands_on() + 1);
  expect(world_.store().Checkpoint(id, {}).error(), "checkpoint-id");
  world_.Expect(world_.store().epoch() == epoch, "a refused checkpoint closed the epoch");
}

void ModelRun::Restart(ModelRandom& random) {
  auto ending = random.OneOf({ModelWorld::Ending::kClose, ModelWorld::Ending::kClose,
                              ModelWorld::Ending::kLoseLive, ModelWorld::Ending::kAbandon});
  if (plan_.config.cuts_power && random.Chance(2)) ending = ModelWorld::Ending::kCutPower;
  if (random.Chance(2)) FinishIterators();
  if (ending == ModelWorld::Ending::kAbandon && random.Chance(2)) world_.Settle();
  world_.End(ending, random);
  fault_steps_ = 0;
  epoch_bytes_ = 0;
  if (ending != ModelWorld::Ending::kAbandon && random.Chance(3)) world_.CompactOffline();
  std::optional<uint64_t> checkpoint;
  const auto certain = world_.oracle().certain();
  const bool is_certain =
      ending != ModelWorld::Ending::kAbandon && ending != ModelWorld::Ending::kCutPower;
  if (is_certain && !certain.empty() && random.Chance(2))
    checkpoint = certain[random.Below(certain.size())].id;
  world_.Open(checkpoint, random);
}

}  // namespace tidemark::store
