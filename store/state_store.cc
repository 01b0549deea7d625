// The public StateStore and PendingCheckpoint are handles to their cores.
#include <tidemark/store.h>

#include "store/store_core.h"
#include "store/view_core.h"

namespace tidemark {

uint64_t PendingCheckpoint::id() const noexcept { return ticket_->id; }

bool PendingCheckpoint::done() const noexcept {
  std::lock_guard lock(ticket_->mutex);
  return ticket_->done;
}

Status PendingCheckpoint::Wait() const {
  std::unique_lock lock(ticket_->mutex);
  ticket_->decided.wait(lock, [this] { return ticket_->done; });
  return ticket_->status;
}

std::optional<Status> PendingCheckpoint::WaitFor(std::chrono::nanoseconds limit) const {
  // The clock cannot count so far: a limit that is meant as none.
  if (limit > std::chrono::hours(24 * 365)) return Wait();
  std::unique_lock lock(ticket_->mutex);
  if (!ticket_->decided.wait_for(lock, limit, [this] { return ticket_->done; }))
    return std::nullopt;
  return ticket_->status;
}

CheckpointStatistics PendingCheckpoint::statistics() const {
  std::lock_guard lock(ticket_->mutex);
  return ticket_->statistics;
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): the interface leaves room to keep them
Result<std::unique_ptr<StateStore>> StateStore::Open(StoreOptions options) {
  TIDEMARK_ASSIGN_OR_RETURN(std::shared_ptr<store::StoreCore> core,
                            store::StoreCore::Open(options, {}));
  return std::unique_ptr<StateStore>(new StateStore(std::move(core)));
}

StateStore::StateStore(std::shared_ptr<store::StoreCore> core) : core_(std::move(core)) {}
StateStore::~StateStore() { (void)core_->Close(); }

Result<Table> StateStore::OpenTable(std::string_view name, const TableOptions& options) {
  TIDEMARK_ASSIGN_OR_RETURN(std::shared_ptr<store::TableCore> table,
                            core_->OpenTable(name, options));
  return Table(std::move(table));
}

Status StateStore::DropTable(std::string_view name) { return core_->DropTable(name); }

Result<PendingCheckpoint> StateStore::Checkpoint(uint64_t id, CheckpointOptions options) {
  TIDEMARK_ASSIGN_OR_RETURN(std::shared_ptr<store::CheckpointTicket> ticket,
                            core_->Checkpoint(id, std::move(options)));
  return PendingCheckpoint(std::move(ticket));
}

Status StateStore::Rollback() { return core_->Rollback(); }
void StateStore::LookForRequests() { core_->LookForRequests(); }
Status StateStore::Drain() { return core_->Drain(); }
Status StateStore::Close() { return core_->Close(); }
const RestoreReport& StateStore::restored() const noexcept { return core_->restored(); }
std::vector<CheckpointInfo> StateStore::Checkpoints() const { return core_->Checkpoints(); }
uint64_t StateStore::epoch() const noexcept { return core_->epoch(); }
StoreMetrics StateStore::Metrics() const { return core_->Metrics(); }
Result<ReadView> StateStore::OpenView(const ViewOptions& options) const {
  TIDEMARK_ASSIGN_OR_RETURN(std::shared_ptr<store::ViewCore> view, core_->OpenView(options));
  return ReadView(std::move(view));
}

}  // namespace tidemark
