// refused by clang: temporary whose address is used .* will be destroyed
#include <tidemark/status.h>

tidemark::Status Write();

size_t Length() {
#ifdef MISUSE
  const std::string_view text = Write().message();
#else
  const tidemark::Status status = Write();
  const std::string_view text = status.message();
#endif
  return text.size();
}
