// StateStore: the state of one task. Open restores it, tables change it, Checkpoint makes it
// durable.
#pragma once

#include <tidemark/list_state.h>
#include <tidemark/map_state.h>
#include <tidemark/metrics.h>
#include <tidemark/options.h>
#include <tidemark/read_view.h>
#include <tidemark/table.h>
#include <tidemark/value_state.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

namespace store {
class StoreCore;
struct CheckpointTicket;
}  // namespace store

// A checkpoint on its way to the repository; cheap to copy, outlives the store.
//
// Thread safety: all members may be called concurrently.
class PendingCheckpoint {
 public:
  uint64_t id() const noexcept;
  // True once the outcome is decided. Never blocks.
  bool done() const noexcept;
  // Blocks until the outcome is decided. OK: the checkpoint is durable. Otherwise it failed and its
  // changes will be in the next one that succeeds; `Fenced` and `Closed`: there will be no next
  // one.
  Status Wait() const;
  // The same with a limit: nullopt if it is not decided by then. With 0 it does not block.
  [[nodiscard]] std::optional<Status> WaitFor(std::chrono::nanoseconds limit) const;
  // What it took; complete once done() is true.
  CheckpointStatistics statistics() const;

 private:
  friend class StateStore;
  explicit PendingCheckpoint(std::shared_ptr<store::CheckpointTicket> ticket)
      : ticket_(std::move(ticket)) {}
  std::shared_ptr<store::CheckpointTicket> ticket_;
};

// The state store.
//
// Thread safety: one thread at a time (any thread) over a store and its tables; PendingCheckpoint
// handles are free, and Metrics and OpenView may be called concurrently with everything but the
// destructor.
class StateStore {
 public:
  // Opens the repository for writing (fencing older writers) and restores a checkpoint, or starts
  // empty. Blocks for the restore. On error nothing has changed but, possibly, the repository's
  // attempt count. Errors: InvalidArgument (an option, its bounds); NotFound
  // (`checkpoint-not-found`, saying which exist); Corruption (nothing verifies, or the explicit one
  // does not); IncompatibleFormat (newer, or no repository at all); Busy (`repository-locked`,
  // `directory-locked`); Fenced (another writer has taken over meanwhile); Unavailable (also
  // `local-copy`: a file is right in the repository, and arrived wrong); ResourceExhausted.
  static Result<std::unique_ptr<StateStore>> Open(StoreOptions options);

  // Closes; see Close.
  ~StateStore();
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  // The table `name` (1 to 255 bytes), created empty if it does not exist; it becomes durable with
  // the next checkpoint. InvalidArgument (`table-mismatch`) if it exists with another kind or
  // codec, or without exact_count; nothing changes then. Opening twice gives two handles to one
  // table.
  Result<Table> OpenTable(std::string_view name, const TableOptions& options = {});

  // Removes the table `name` with all its entries; the current epoch's part of it is undone by
  // Rollback. Its handles and iterators return NotFound (`table-dropped`) from now on, also when
  // another table takes the name. NotFound
  // (`table-not-found`) if there is none.
  Status DropTable(std::string_view name);

  // The same as a typed state; `exact_count` as in TableOptions.
  template <class K, class V>
  Result<ValueState<K, V>> Value(std::string_view name, bool exact_count = false) {
    return OpenState<ValueState<K, V>>(name, exact_count);
  }

  template <class K, class M, class V>
  Result<MapState<K, M, V>> Map(std::string_view name, bool exact_count = false) {
    return OpenState<MapState<K, M, V>>(name, exact_count);
  }

  template <class K, class V>
  Result<ListState<K, V>> List(std::string_view name, bool exact_count = false) {
    return OpenState<ListState<K, V>>(name, exact_count);
  }

  // The barrier: closes the current epoch and hands it to the commit thread; no I/O, microseconds.
  // The state at this call is what restoring `id` gives. InvalidArgument (`checkpoint-id`): `id`
  // must exceed the id of the checkpoint that the store stands on and every id of this store that
  // has not failed; (`metadata-too-large`): over 1 MiB. Busy (`checkpoints-in-flight`): 1,024 are
  // under way. Fenced, Closed, or the error that failed the store. After an error the epoch goes
  // on.
  Result<PendingCheckpoint> Checkpoint(uint64_t id, CheckpointOptions options = {});

  // Undoes every change since the last barrier (or since Open). Tables created since stay, empty,
  // unless they were dropped again or bear the name of a dropped one, which comes back. No I/O,
  // but for an epoch that was larger than memory.
  Status Rollback();

  // A retained checkpoint, or the newest complete one, to be read beside this store and on other
  // threads. Blocks while the checkpoint is made into a database of its own: its base is linked or
  // copied, the changes after it are merged. Its files are kept until that is done, whatever
  // retention says. From any thread, also more than one at a time; nothing of this store changes,
  // whatever fails. NotFound (`checkpoint-not-found` and `pin-not-found`, saying which
  // exist); InvalidArgument (`option-bounds`, `option-conflict`,
  // `pin-name`); ResourceExhausted
  // (`memory-budget`, `disk-full`); Corruption (a file of the checkpoint is damaged); Unavailable;
  // Closed (also when the store is closed meanwhile, which waits for this to end); the error that
  // failed the store, `Fenced` for example.
  Result<ReadView> OpenView(const ViewOptions& options = {}) const;

  // Lets maintenance look now for requests of tools (<tidemark/pins.h>), as it does by itself at
  // most every ten seconds and only while there are checkpoints. For hosts that take checkpoints at
  // their own will: call it every second or so. Never blocks; what is found the listener is told,
  // with no background_threads in the next Runtime::RunMaintenance. Nothing happens after Close.
  void LookForRequests();

  // Waits until everything that the barriers so far have closed is durable and all maintenance that
  // they caused is done. Returns the error that failed the store, if one did. For benchmarks and
  // tests.
  Status Drain();

  // Finishes checkpoints in flight, stops background work, marks the repository as closed and
  // releases it. Changes after the last barrier are lost. Later calls on the store or its tables
  // return Closed. Returns the first error; the store is closed nevertheless.
  Status Close();

  // What Open restored.
  const RestoreReport& restored() const noexcept;
  // The checkpoints retained now, oldest first; none after Close.
  std::vector<CheckpointInfo> Checkpoints() const;
  // The epoch that the next barrier closes.
  uint64_t epoch() const noexcept;
  // The store's numbers now; from any thread. Takes a microsecond and never waits for I/O. After
  // Close: the totals, and no memory.
  StoreMetrics Metrics() const;

 private:
  explicit StateStore(std::shared_ptr<store::StoreCore> core);
  template <class State>
  Result<State> OpenState(std::string_view name, bool exact_count) {
    TableOptions options = State::Options();
    options.exact_count = exact_count;
    TIDEMARK_ASSIGN_OR_RETURN(Table table, OpenTable(name, options));
    return State(std::move(table));
  }

  std::shared_ptr<store::StoreCore> core_;
};

}  // namespace tidemark
