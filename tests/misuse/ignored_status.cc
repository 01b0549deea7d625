// refused: ignoring return(ed)? value of .*('tidemark::Status'|'nodiscard')
#include <tidemark/table.h>

void Write(tidemark::Table& table) {
#ifdef MISUSE
  table.Put("key", "value");
#else
  table.Put("key", "value").Check();
#endif
}
