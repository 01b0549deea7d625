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
  // Threads for maintenance (write-back, new bases, collection). Each open store has a commit
  // thread of its own besides. 1 to 64.
  uint32_t background_threads = 1;
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

  // The library's side of this object; defined in store/runtime_impl.h.
  class Impl;
  Impl& impl() noexcept { return *impl_; }

 private:
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidemark
