// refused: (use of|call to) deleted function .*Encode
#include <tidemark/codec.h>

std::string Name();

size_t EncodedSize() {
  tidemark::Codec<std::string>::Buffer buffer;
#ifdef MISUSE
  const auto bytes = tidemark::Codec<std::string>::Encode(Name(), buffer);
#else
  const std::string name = Name();
  const auto bytes = tidemark::Codec<std::string>::Encode(name, buffer);
#endif
  return bytes.size();
}
