// refused: (cannot bind non-const lvalue reference|lvalue reference .* cannot bind to a temporary)
#include <tidemark/store.h>

tidemark::Status Remove(tidemark::StateStore& store) {
#ifdef MISUSE
  tidemark::Table& table = store.Value<std::string, std::string>("names").value().table();
#else
  tidemark::Table table = store.Value<std::string, std::string>("names").value().table();
#endif
  return table.Delete("key");
}
