// refused: (cannot convert|no viable conversion from .*) 'tidemark::Status' to .*'bool'
#include <tidemark/value_state.h>

#include <cstdint>

tidemark::Status Print(std::string_view word, uint64_t count);

// A visitor says whether to go on; that of an error's text would be lost.
tidemark::Status PrintAll(tidemark::ValueState<std::string, uint64_t>& counts) {
#ifdef MISUSE
  return counts.ForEach(Print);
#else
  tidemark::Status printed;
  TIDEMARK_RETURN_IF_ERROR(counts.ForEach([&](std::string_view word, uint64_t count) {
    printed = Print(word, count);
    return printed.ok();
  }));
  return printed;
#endif
}
