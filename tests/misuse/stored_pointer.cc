// refused: (incomplete type|undefined template) .*Codec<const char *\*>
#include <tidemark/store.h>

void Name(tidemark::StateStore& store) {
#ifdef MISUSE
  auto names = store.Value<uint64_t, const char*>("names").value();
#else
  auto names = store.Value<uint64_t, std::string>("names").value();
#endif
  names.Put(1, "Ada").Check();
}
