// Spilling: an epoch that is larger than memory moves what it has changed into sorted runs. They
// belong to no checkpoint; the segment, and later the write-back, read them beside what is in
// memory, and Rollback drops them.
#include "store/store_core.h"
#include "store/table_core.h"

#include "format/key.h"

#include <algorithm>
#include <string>
#include <utility>

namespace tidemark::store {

namespace {

using format::Op;

// Less than this is not worth a run: something else fills the memory.
constexpr uint64_t kSpillBytesMin = uint64_t{256} << 10;

Status SpilledScan() {
  return Status(StatusCode::kResourceExhausted, "scan-outgrown",
                "an epoch larger than the memory budget was rolled back, and what the iterator has "
                "still to show of it is gone; make another one");
}

}  // namespace

// ---- The store ----

bool StoreCore::CanSpill() const {
  return epoch_bytes_.Get() - spilled_epoch_bytes_ >= kSpillBytesMin;
}

// On error nothing has changed.
Status StoreCore::Spill() {
  const auto begin = std::chrono::steady_clock::now();
  // What was changed in tables that the epoch has dropped nobody will ask for.
  for (const auto& table : dropped_) table->Rollback();
  std::shared_ptr<storage::SpilledEpoch> spilled = layers_.FindSpilled(epoch_);
  if (spilled == nullptr) {
    TIDEMARK_ASSIGN_OR_RETURN(spilled, live_->NewSpilledEpoch(epoch_));
  }
  const auto run = spilled->NewRun();
  for (TableCore* table : table_list_) TIDEMARK_RETURN_IF_ERROR(table->SpillTo(*run, *spilled));
  TIDEMARK_ASSIGN_OR_RETURN(const uint64_t bytes, run->Finish());
  layers_.AddSpilled(std::move(spilled));
  for (TableCore* table : table_list_) table->ForgetSpilled();
  spilled_epoch_bytes_ = epoch_bytes_.Get();
  may_evict_ = true;
  AccountMemory();
  recorder_.Spilled(bytes, std::chrono::steady_clock::now() - begin);
  return {};
}

void StoreCore::RollbackSpilled() {
  const auto spilled = layers_.FindSpilled(epoch_);
  if (spilled == nullptr) return;
  const auto roll_back = [&](TableCore& table) {
    if (!spilled->HasTable(table.meta().id)) return;
    table.FailScans(SpilledScan());
    table.ForgetCopies(epoch_);
  };
  for (TableCore* table : table_list_) roll_back(*table);
  for (const auto& table : dropped_) roll_back(*table);
  layers_.DropSpilled(epoch_);
}

Result<Below> StoreCore::ReadBelow(uint32_t table_id, const RangeDeletes& ranges, uint16_t group,
                                   std::string_view* key) {
  stored_key_.clear();
  format::AppendStoredKey(group, *key, &stored_key_);
  *key = format::UserKey(stored_key_);
  auto below = layers_.Read(table_id, stored_key_, ranges, epoch_, &read_buffer_);
  if (below.has_value()) return below;
  return NoteReadError(below.error().WithContext("table " + std::to_string(table_id)));
}

// ---- A table ----

// Sorts the list of changes, which is in no order that anybody needs.
Status TableCore::SpillTo(storage::SpillRun& run, const storage::SpilledEpoch& spilled) {
  std::sort(dirty_.begin(), dirty_.end(),
            [](const Version* a, const Version* b) { return a->key() < b->key(); });
  for (size_t i = 0; i < dirty_.size(); ++i) dirty_[i]->place = static_cast<uint32_t>(i);
  const bool may_be_there = spilled.HasTable(meta_.id);
  for (const Version* version : dirty_) {
    if (version->vanished()) continue;
    Op op = version->log_op();
    std::string_view value = version->present() ? version->value() : std::string_view();
    if (op == Op::kMerge && may_be_there) {
      TIDEMARK_ASSIGN_OR_RETURN(op, FoldOntoSpilled(*version, spilled));
      value = folded_;
    }
    spilled_value_max_ = std::max<uint64_t>(spilled_value_max_, value.size());
    TIDEMARK_RETURN_IF_ERROR(run.Add(meta_.id, version->key(), op, value));
  }
  return {};
}

// A run hides the ones before it, so an operand takes along what those have of its key. The value
// goes to folded_.
Result<Op> TableCore::FoldOntoSpilled(const Version& operand,
                                      const storage::SpilledEpoch& spilled) {
  folded_.clear();
  std::string record;
  TIDEMARK_ASSIGN_OR_RETURN(const bool found, spilled.Get(meta_.id, operand.key(), &record));
  Op op = Op::kMerge;
  if (found) {
    TIDEMARK_ASSIGN_OR_RETURN(const auto parsed, storage::ParseSpilledRecord(record));
    op = parsed.op == Op::kDelete ? Op::kPut : parsed.op;
    if (parsed.op != Op::kDelete) {
      TIDEMARK_ASSIGN_OR_RETURN(const auto value, format::ParseStoredValue(parsed.stored_value));
      folded_ = value.value;
    }
  }
  folded_ += operand.value();
  return op;
}

Result<uint64_t> TableCore::SpilledBytes(uint64_t hash, std::string_view key) {
  std::string stored_key;
  format::AppendStoredKey(GroupOf(hash, key), key, &stored_key);
  std::string record;
  TIDEMARK_ASSIGN_OR_RETURN(
      const bool found,
      store_.layers().FindSpilled(store_.epoch())->Get(meta_.id, stored_key, &record));
  if (!found) return 0;
  TIDEMARK_ASSIGN_OR_RETURN(const auto parsed, storage::ParseSpilledRecord(record));
  if (parsed.op == Op::kDelete) return 0;
  TIDEMARK_ASSIGN_OR_RETURN(const auto value, format::ParseStoredValue(parsed.stored_value));
  return value.value.size();
}

// The run has them.
void TableCore::ForgetSpilled() {
  VoidMarks();
  for (Version* version : dirty_) {
    // Normally gone with its epoch; see StoreCore::Release.
    store_.FreeChain(std::exchange(version->older, nullptr));
    if (Version* copy = version->newer; copy != nullptr) {
      copy->older = nullptr;
    } else {
      IndexErase(format::HashKey(format::UserKey(version->key())), version);
    }
    Free(version);
  }
  dirty_ = std::vector<Version*>();
  Account();
}

// Those of the epoch that were read from its runs.
void TableCore::ForgetCopies(uint64_t epoch) {
  VoidMarks();
  std::vector<Version*> copies;
  index_.ForEach([&](Version* version) {
    if (version->epoch == (epoch | Version::kCopyBit)) copies.push_back(version);
  });
  for (Version* copy : copies) TakeOff(format::HashKey(format::UserKey(copy->key())), copy);
}

}  // namespace tidemark::store
