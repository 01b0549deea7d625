#include "compaction/digest.h"

#include "format/assert.h"
#include "format/checksum.h"

#include <openssl/evp.h>

#include <array>
#include <cstddef>

namespace tidemark::compaction {

namespace {

constexpr size_t kBufferBytes = size_t{64} << 10;
// Where a key's length would be. A stored key has at least its group.
constexpr uint32_t kEndOfTable = 0;

}  // namespace

// libcrypto's. An error shows when it is finished.
class ContentDigest::Sha256 {
 public:
  Sha256()
      : context_(EVP_MD_CTX_new()),
        good_(context_ != nullptr && EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1) {}
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(std::string_view bytes) {
    good_ = good_ && EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1;
  }
  Result<std::string> Finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned int size = 0;
    if (good_ && EVP_DigestFinal_ex(context_, bytes.data(), &size) == 1)
      return format::ToHex({bytes.data(), size});
    return Status(StatusCode::kInternal, "digest-failed", "libcrypto could not make a SHA-256");
  }

 private:
  EVP_MD_CTX* const context_;
  bool good_;
};

ContentDigest::ContentDigest() : hash_(std::make_unique<Sha256>()) {}
ContentDigest::~ContentDigest() = default;

void ContentDigest::BeginTable(const format::TableMeta& table) {
  TIDEMARK_ASSERT(table_ < table.name);
  table_ = table.name;
  group_ = 0;
  AppendString(table.name);
  AppendInteger(static_cast<uint8_t>(table.kind), 1);
  AppendString(table.key_codec);
  AppendString(table.value_codec);
}

Status ContentDigest::Add(const storage::StateView& view, uint32_t table_id) {
  Status added;
  const Status read =
      view.Scan(table_id, [&](std::string_view stored_key, std::string_view stored_value) {
        const auto value = format::ParseStoredValue(stored_value);
        added = value.has_value() ? AddRecord(stored_key, *value) : value.error();
        return added.ok();
      });
  return (added.ok() ? read : added).WithContext("table `" + table_ + "`");
}

Status ContentDigest::Add(format::RecordStream& records) {
  while (true) {
    const Result<bool> more = records.Next();
    if (!more.has_value()) return more.error().WithContext("table `" + table_ + "`");
    if (!*more) return {};
    const format::Record& record = records.record();
    TIDEMARK_RETURN_IF_ERROR(AddRecord(record.key, {record.value, record.expiry_ms})
                                 .WithContext("table `" + table_ + "`"));
  }
}

void ContentDigest::EndTable() { AppendInteger(kEndOfTable, 4); }

Result<std::string> ContentDigest::Finish() {
  Flush();
  return hash_->Finish();
}

Status ContentDigest::AddRecord(std::string_view stored_key, const format::StoredValue& value) {
  if (stored_key.size() < format::kKeyGroupBytes) {
    return Status(
        StatusCode::kCorruption, "stored-key",
        "a stored key of " + std::to_string(stored_key.size()) + " bytes has no key group");
  }
  const uint16_t group = format::GroupOfStoredKey(stored_key);
  if (group < group_) {
    return Status(StatusCode::kCorruption, "key-group-order",
                  "key group " + std::to_string(group) + " follows " + std::to_string(group_) +
                      "; expected ascending ones from one subtask to the next");
  }
  group_ = group;
  AppendString(stored_key);
  AppendString(value.value);
  const bool expires = value.expiry_ms != 0;
  AppendInteger(expires ? 1 : 0, 1);
  if (expires) AppendInteger(value.expiry_ms, 8);
  return {};
}

void ContentDigest::AppendInteger(uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) buffer_ += static_cast<char>(value >> (8 * i));
}

void ContentDigest::AppendString(std::string_view bytes) {
  AppendInteger(bytes.size(), 4);
  if (buffer_.size() + bytes.size() > kBufferBytes) Flush();
  if (bytes.size() > kBufferBytes) {
    hash_->Update(bytes);
  } else {
    buffer_ += bytes;
  }
}

void ContentDigest::Flush() {
  hash_->Update(buffer_);
  buffer_.clear();
}

}  // namespace tidemark::compaction
