// refused: ignoring return(ed)? value of .*('tidemark::Result<.*>'|'nodiscard')
#include <tidemark/store.h>

void Save(tidemark::StateStore& store) {
#ifdef MISUSE
  store.Checkpoint(1);
#else
  const auto pending = store.Checkpoint(1);
#endif
}
