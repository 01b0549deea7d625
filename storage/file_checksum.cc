#include "storage/file_checksum.h"

#include <cstring>

namespace tidemark::storage {
namespace {

class Generator final : public rocksdb::FileChecksumGenerator {
 public:
  void Update(const char* data, size_t n) override { hasher_.Update({data, n}); }
  void Finalize() override { digest_ = EncodeFileChecksum(hasher_.Digest()); }
  std::string GetChecksum() const override { return digest_; }
  const char* Name() const override { return kFileChecksumName; }

 private:
  format::Hasher128 hasher_;
  std::string digest_;
};

class Factory final : public rocksdb::FileChecksumGenFactory {
 public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext& context) override {
    const std::string& requested = context.requested_checksum_func_name;
    if (!requested.empty() && requested != kFileChecksumName) return nullptr;
    return std::make_unique<Generator>();
  }
  const char* Name() const override { return kFileChecksumName; }
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> FileChecksumFactory() {
  static const auto factory = std::make_shared<Factory>();
  return factory;
}

std::string EncodeFileChecksum(const format::Checksum128& checksum) {
  return {reinterpret_cast<const char*>(checksum.bytes.data()), checksum.bytes.size()};
}

Result<format::Checksum128> DecodeFileChecksum(std::string_view checksum, std::string_view function,
                                               std::string_view path) {
  format::Checksum128 decoded;
  if (function != kFileChecksumName || checksum.size() != decoded.bytes.size()) {
    return Status(StatusCode::kInternal, "file-checksum-kind",
                  std::string(path) + ": expected a checksum made by " + kFileChecksumName +
                      ", got one of " + std::to_string(checksum.size()) + " bytes made by '" +
                      std::string(function) + "'");
  }
  std::memcpy(decoded.bytes.data(), checksum.data(), checksum.size());
  return decoded;
}

}  // namespace tidemark::storage
