// Runtime: the memory budget and the background threads that all stores of a process share.
#pragma once

#include <tidemark/status.h>

#include <cstdint>
#include <memory>

namespace tidemark {

// What Runtime::Create needs to know.
struct RuntimeOptions {
  // Bytes that the stores of this runtime may hold in memory together: cached entries, unapplied
  // changes, indexes and RocksDB's block caches, those of read views included. 16 MiB to 1 TiB.
  uint64_t memory_budget_bytes = uint64_t{1} << 30;
  // Threads for maintenance (write-back, new bases, merging and collection). Each open store has a
  // commit thread of its own besides, and RocksDB at least one that compacts. 0 to 64. With 0 the
  // host runs maintenance itself: see RunMaintenance.
  uint32_t background_threads = 1;
  // Bytes a second that the maintenance of all stores of this runtime may write together, averaged
  // over some tenths of a second: write-backs, RocksDB's compactions, merged segments, and copies
  // of base files to a repository that they cannot be linked into. Not limited are checkpoints
  // (their segments and manifests), epochs that spill, restore, and what a store that closes is
  // still at. When write-back cannot keep up with the changes, memory fills and writes are slowed,
  // then stopped (StoreOptions::stall_timeout). 0: no limit. 1 MiB to 1 TiB otherwise.
  uint64_t background_bytes_per_second = 0;
};

// Shared by any number of stores; lives until the last of them is gone.
//
// Thread safety: all members may be called concurrently.
class Runtime {
 public:
  // InvalidArgument, naming the option and its bounds.
  static Result<std::shared_ptr<Runtime>> Create(const RuntimeOptions& options = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const RuntimeOptions& options() const noexcept;
  // Bytes in use now by all stores, as the budget counts them.
  uint64_t memory_used_bytes() const noexcept;

  // Runs the maintenance that is due for any store of this runtime on the calling thread, and
  // returns when none is left. Blocks for its I/O. What fails is tried again with the next
  // checkpoint, as it would be in the background. For hosts that say when it may take a processor:
  // without background_threads nothing is written back or collected but here, in Drain, and in a
  // write that would otherwise wait for memory. Not from a callback of the library.
  void RunMaintenance();

  // The library's side of this object; defined in store/runtime_impl.h.
  class Impl;
  Impl& impl() noexcept { return *impl_; }

 private:
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidemark
