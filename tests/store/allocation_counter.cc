#include "tests/store/allocation_counter.h"

#include <cstdlib>
#include <new>

namespace tidemark::store {
namespace {

thread_local uint64_t allocations_now = 0;
thread_local uint64_t bytes_now = 0;

}  // namespace

bool CountsAllocations() { return TIDEMARK_SANITIZED == 0; }

AllocationCounter::AllocationCounter()
    : allocations_before_(allocations_now), bytes_before_(bytes_now) {}
uint64_t AllocationCounter::allocations() const { return allocations_now - allocations_before_; }
uint64_t AllocationCounter::bytes() const { return bytes_now - bytes_before_; }

#if !TIDEMARK_SANITIZED
static void* Count(size_t bytes) {
  ++allocations_now;
  bytes_now += bytes;
  void* const block = std::malloc(bytes == 0 ? 1 : bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
#endif

}  // namespace tidemark::store

#if !TIDEMARK_SANITIZED
void* operator new(size_t bytes) { return tidemark::store::Count(bytes); }
void* operator new[](size_t bytes) { return tidemark::store::Count(bytes); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }
void operator delete[](void* block, size_t) noexcept { std::free(block); }
#endif
