// Counts what the calling thread allocates. The operators new of the whole program are replaced.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidemark::store {

// False under sanitizers, which need their own operators.
bool CountsAllocations();

class AllocationCounter {
 public:
  AllocationCounter();
  // Since construction, by this thread.
  uint64_t allocations() const;
  uint64_t bytes() const;

 private:
  const uint64_t allocations_before_;
  const uint64_t bytes_before_;
};

}  // namespace tidemark::store
