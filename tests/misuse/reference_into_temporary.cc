// refused: (cannot bind non-const lvalue reference|lvalue reference .* cannot bind to a temporary)
#include <tidemark/status.h>

#include <vector>

tidemark::Result<std::vector<int>> List();

size_t Count() {
#ifdef MISUSE
  std::vector<int>& list = List().value();
#else
  const std::vector<int>& list = List().value();  // lives as long as the name
#endif
  return list.size();
}
