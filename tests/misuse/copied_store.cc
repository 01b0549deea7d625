// refused: (use of deleted function|call to deleted constructor)
#include <tidemark/store.h>

uint64_t Epoch(const tidemark::StateStore& store) {
#ifdef MISUSE
  const auto same = store;
#else
  const auto& same = store;
#endif
  return same.epoch();
}
