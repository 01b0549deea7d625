#include "format/checksum.h"

// Compiled in here: the type of the streaming state is not part of the library's stable interface.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace tidemark::format {
namespace {

Checksum128 Canonical(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  Checksum128 checksum;
  static_assert(sizeof(canonical.digest) == sizeof(checksum.bytes));
  std::copy(std::begin(canonical.digest), std::end(canonical.digest), checksum.bytes.begin());
  return checksum;
}

}  // namespace

uint64_t Checksum64(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

uint64_t Checksum64Of(std::string_view first, std::string_view second) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, first.data(), first.size());
  XXH3_64bits_update(&state, second.data(), second.size());
  return XXH3_64bits_digest(&state);
}

std::string Checksum128::Hex() const { return ToHex(bytes); }

std::string ToHex(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const uint8_t byte : bytes) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

// xxHash asks for 64-byte alignment, which its own type declares.
struct Hasher128::State {
  XXH3_state_t xxh;
};

Hasher128::Hasher128() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh); }
Hasher128::~Hasher128() = default;
Hasher128::Hasher128(Hasher128&&) noexcept = default;
Hasher128& Hasher128::operator=(Hasher128&&) noexcept = default;

void Hasher128::Update(std::string_view bytes) {
  XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size());
}

Checksum128 Hasher128::Digest() const { return Canonical(XXH3_128bits_digest(&state_->xxh)); }

Checksum128 Checksum128Of(std::string_view bytes) {
  return Canonical(XXH3_128bits(bytes.data(), bytes.size()));
}

}  // namespace tidemark::format
