// refused: a view would be stored as a pointer
#include <tidemark/store.h>

void Count(tidemark::StateStore& store) {
#ifdef MISUSE
  auto counts = store.Value<std::string_view, uint64_t>("counts").value();
#else
  auto counts = store.Value<std::string, uint64_t>("counts").value();
#endif
  counts.Put("key", 1).Check();
}
