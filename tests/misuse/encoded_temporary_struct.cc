// refused: (use of|call to) deleted function .*Encode
#include <tidemark/codec.h>

struct Point {
  int x, y;
};

size_t EncodedSize() {
  tidemark::Codec<Point>::Buffer buffer;
#ifdef MISUSE
  const auto bytes = tidemark::Codec<Point>::Encode(Point{1, 2}, buffer);
#else
  const Point point{1, 2};
  const auto bytes = tidemark::Codec<Point>::Encode(point, buffer);
#endif
  return bytes.size();
}
