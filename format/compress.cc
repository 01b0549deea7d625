#include "format/compress.h"

#include <lz4.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <memory>

namespace tidemark::format {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

ZSTD_CCtx* CompressionContext() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  return context.get();
}

ZSTD_DCtx* DecompressionContext() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  return context.get();
}

Status Failed(std::string_view codec, const std::string& why) {
  return Status(StatusCode::kInternal, "compression", std::string(codec) + " failed: " + why);
}

Result<std::optional<size_t>> CompressZstd(int level, std::string_view raw, std::span<char> out) {
  ZSTD_CCtx* const context = CompressionContext();
  if (context == nullptr) return Failed("zstd", "no memory for its context");
  const size_t size =
      ZSTD_compressCCtx(context, out.data(), out.size(), raw.data(), raw.size(), level);
  if (!ZSTD_isError(size)) return std::optional(size);
  if (ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall) return std::optional<size_t>();
  return Failed("zstd", ZSTD_getErrorName(size));
}

// LZ4 knows one reason to fail when its input is within its limit: too little room.
Result<std::optional<size_t>> CompressLz4(std::string_view raw, std::span<char> out) {
  if (raw.size() > LZ4_MAX_INPUT_SIZE) return Failed("lz4", "too much input");
  const int size = LZ4_compress_default(raw.data(), out.data(), static_cast<int>(raw.size()),
                                        static_cast<int>(out.size()));
  if (size <= 0) return std::optional<size_t>();
  return std::optional(static_cast<size_t>(size));
}

}  // namespace

std::string_view CompressionName(Compression codec) {
  switch (codec) {
    case Compression::kNone:
      return "none";
    case Compression::kLz4:
      return "lz4";
    case Compression::kZstd:
      return "zstd";
  }
  return "unknown";
}

Result<std::optional<size_t>> Compress(Compression codec, int level, std::string_view raw,
                                       std::span<char> out) {
  return codec == Compression::kLz4 ? CompressLz4(raw, out) : CompressZstd(level, raw, out);
}

bool IsPlausible(Compression codec, std::string_view compressed, size_t raw_bytes) {
  // A byte of LZ4 stands for 255 bytes at most.
  if (codec == Compression::kLz4) return raw_bytes / 255 <= compressed.size();
  return ZSTD_getFrameContentSize(compressed.data(), compressed.size()) == raw_bytes;
}

bool Decompress(Compression codec, std::string_view compressed, std::span<char> out) {
  if (codec == Compression::kLz4) {
    const int size =
        LZ4_decompress_safe(compressed.data(), out.data(), static_cast<int>(compressed.size()),
                            static_cast<int>(out.size()));
    return size >= 0 && static_cast<size_t>(size) == out.size();
  }
  ZSTD_DCtx* const context = DecompressionContext();
  if (context == nullptr) return false;
  return ZSTD_decompressDCtx(context, out.data(), out.size(), compressed.data(),
                             compressed.size()) == out.size();
}

}  // namespace tidemark::format
