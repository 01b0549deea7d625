// Codecs by their own libraries, some of which Tidemark does not offer: what they would make of the
// frames of the change log. DeltaSize measures with them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::bench {

// Thread safety: one thread at a time.
class FrameCodec {
 public:
  virtual ~FrameCodec() = default;
  // Replaces what is in `out`. Both throw std::runtime_error if the codec fails.
  virtual void Compress(std::string_view raw, std::string& out) = 0;
  // Has room for `raw_bytes` in `out`, and fills it.
  virtual void Decompress(std::string_view compressed, size_t raw_bytes, std::string& out) = 0;
};

// `dictionary` may be empty; it must outlive the codec.
std::unique_ptr<FrameCodec> MakeZstd(int level, std::string_view dictionary);
std::unique_ptr<FrameCodec> MakeLz4(std::string_view dictionary);
// Nullptr if this program is built without snappy.
std::unique_ptr<FrameCodec> MakeSnappy();

// A dictionary of at most `bytes` from raw frames of the same kind: one that ZDICT trains, or where
// it finds the samples too few the end of the last ones.
std::string MakeDictionary(const std::vector<std::string>& samples, size_t bytes);

}  // namespace tidemark::bench
