// refused: the Status of `change` would be lost
#include <tidemark/value_state.h>

#include <cstdint>

tidemark::Status Increment(uint64_t& count);

tidemark::Status Count(tidemark::ValueState<std::string, uint64_t>& counts) {
#ifdef MISUSE
  return counts.Update("key", Increment);
#else
  return counts.Update("key", [](uint64_t& count) { ++count; });
#endif
}
