#include "bench/frame_codecs.h"

#include <lz4.h>
#include <zdict.h>
#include <zstd.h>

#ifdef TIDEMARK_BENCH_HAS_SNAPPY
#include <snappy.h>
#endif

#include <algorithm>
#include <stdexcept>

namespace tidemark::bench {
namespace {

constexpr size_t kSampleBytes = size_t{4} << 10;

void Check(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

size_t CheckZstd(size_t result) {
  if (ZSTD_isError(result)) throw std::runtime_error(ZSTD_getErrorName(result));
  return result;
}

class Zstd final : public FrameCodec {
 public:
  Zstd(int level, std::string_view dictionary) {
    CheckZstd(ZSTD_CCtx_setParameter(compress_.get(), ZSTD_c_compressionLevel, level));
    if (dictionary.empty()) return;
    // Digested once, for all frames.
    CheckZstd(ZSTD_CCtx_loadDictionary(compress_.get(), dictionary.data(), dictionary.size()));
    CheckZstd(ZSTD_DCtx_loadDictionary(decompress_.get(), dictionary.data(), dictionary.size()));
  }
  void Compress(std::string_view raw, std::string& out) override {
    out.resize(ZSTD_compressBound(raw.size()));
    out.resize(
        CheckZstd(ZSTD_compress2(compress_.get(), out.data(), out.size(), raw.data(), raw.size())));
  }
  void Decompress(std::string_view compressed, size_t raw_bytes, std::string& out) override {
    out.resize(raw_bytes);
    out.resize(CheckZstd(ZSTD_decompressDCtx(decompress_.get(), out.data(), out.size(),
                                             compressed.data(), compressed.size())));
  }

 private:
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> compress_{ZSTD_createCCtx(),
                                                                       ZSTD_freeCCtx};
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> decompress_{ZSTD_createDCtx(),
                                                                         ZSTD_freeDCtx};
};

class Lz4 final : public FrameCodec {
 public:
  explicit Lz4(std::string_view dictionary) : dictionary_(dictionary) {}

  void Compress(std::string_view raw, std::string& out) override {
    LZ4_resetStream_fast(stream_.get());
    if (!dictionary_.empty()) {
      LZ4_loadDict(stream_.get(), dictionary_.data(), static_cast<int>(dictionary_.size()));
    }
    const int raw_bytes = static_cast<int>(raw.size());
    out.resize(static_cast<size_t>(LZ4_compressBound(raw_bytes)));
    const int bytes = LZ4_compress_fast_continue(stream_.get(), raw.data(), out.data(), raw_bytes,
                                                 static_cast<int>(out.size()), /*acceleration=*/1);
    Check(bytes > 0, "lz4 does not compress a frame");
    out.resize(static_cast<size_t>(bytes));
  }
  void Decompress(std::string_view compressed, size_t raw_bytes, std::string& out) override {
    out.resize(raw_bytes);
    const int bytes = LZ4_decompress_safe_usingDict(
        compressed.data(), out.data(), static_cast<int>(compressed.size()),
        static_cast<int>(raw_bytes), dictionary_.data(), static_cast<int>(dictionary_.size()));
    Check(bytes >= 0, "lz4 does not decompress a frame");
    out.resize(static_cast<size_t>(bytes));
  }

 private:
  const std::string_view dictionary_;
  const std::unique_ptr<LZ4_stream_t, decltype(&LZ4_freeStream)> stream_{LZ4_createStream(),
                                                                         LZ4_freeStream};
};

#ifdef TIDEMARK_BENCH_HAS_SNAPPY
class Snappy final : public FrameCodec {
 public:
  void Compress(std::string_view raw, std::string& out) override {
    snappy::Compress(raw.data(), raw.size(), &out);
  }
  void Decompress(std::string_view compressed, size_t /*raw_bytes*/, std::string& out) override {
    Check(snappy::Uncompress(compressed.data(), compressed.size(), &out),
          "snappy does not decompress a frame");
  }
};
#endif

}  // namespace

std::unique_ptr<FrameCodec> MakeZstd(int level, std::string_view dictionary) {
  return std::make_unique<Zstd>(level, dictionary);
}

std::unique_ptr<FrameCodec> MakeLz4(std::string_view dictionary) {
  return std::make_unique<Lz4>(dictionary);
}

std::unique_ptr<FrameCodec> MakeSnappy() {
#ifdef TIDEMARK_BENCH_HAS_SNAPPY
  return std::make_unique<Snappy>();
#else
  return nullptr;
#endif
}

std::string MakeDictionary(const std::vector<std::string>& samples, size_t bytes) {
  std::string all;
  for (const std::string& sample : samples) all += sample;
  // Training wants many small samples.
  std::vector<size_t> sizes(all.size() / kSampleBytes, kSampleBytes);
  std::string dictionary(bytes, '\0');
  const size_t trained = ZDICT_trainFromBuffer(dictionary.data(), dictionary.size(), all.data(),
                                               sizes.data(), static_cast<unsigned>(sizes.size()));
  if (ZDICT_isError(trained)) return all.substr(all.size() - std::min(all.size(), bytes));
  dictionary.resize(trained);
  return dictionary;
}

}  // namespace tidemark::bench
