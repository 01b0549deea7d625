// Independent pieces of work on a few threads, for as long as a call takes.
#pragma once

#include <tidemark/status.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

namespace tidemark::storage {

// Calls `Status do_one(size_t)` with 0 to count - 1, each once, on up to `threads_max` threads,
// this one among them, unless one fails: then what is not begun is left out. The first error in the
// order of the numbers. Blocks.
template <class F>
Status InThreads(size_t count, size_t threads_max, const F& do_one) {
  std::vector<Status> outcomes(count);
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  const auto work = [&] {
    for (size_t i = next.fetch_add(1); i < count && !failed.load(); i = next.fetch_add(1)) {
      outcomes[i] = do_one(i);
      if (!outcomes[i].ok()) failed.store(true);
    }
  };
  std::vector<std::thread> workers;
  for (size_t i = 1; i < std::min(threads_max, count); ++i) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  for (Status& outcome : outcomes) TIDEMARK_RETURN_IF_ERROR(std::move(outcome));
  return {};
}

}  // namespace tidemark::storage
