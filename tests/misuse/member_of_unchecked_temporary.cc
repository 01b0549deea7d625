// refused: (use of deleted function|overload resolution selected deleted operator '->')
#include <tidemark/status.h>

#include <vector>

tidemark::Result<std::vector<int>> List();

size_t Count() {
#ifdef MISUSE
  return List()->size();
#else
  return List().value().size();
#endif
}
