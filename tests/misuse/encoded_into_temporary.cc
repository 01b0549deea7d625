// refused: (cannot bind non-const lvalue reference|lvalue reference .* cannot bind to a temporary)
#include <tidemark/codec.h>

size_t EncodedSize() {
#ifdef MISUSE
  const auto bytes = tidemark::Codec<int>::Encode(1, tidemark::Codec<int>::Buffer{});
#else
  tidemark::Codec<int>::Buffer buffer;
  const auto bytes = tidemark::Codec<int>::Encode(1, buffer);
#endif
  return bytes.size();
}
