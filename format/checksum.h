// The two checksums of the formats: XXH3-64 inside frames and file headers, XXH3-128 over whole
// files.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tidemark::format {

uint64_t Checksum64(std::string_view bytes, uint64_t seed = 0);
// Of the two as if they stood one behind the other.
uint64_t Checksum64Of(std::string_view first, std::string_view second);

// Two lower-case digits a byte.
std::string ToHex(std::span<const uint8_t> bytes);

// XXH3-128, canonical (big-endian) byte order.
struct Checksum128 {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const Checksum128&) const = default;  // NOLINT(modernize-use-nullptr)
  std::string Hex() const;                               // 32 lower-case digits
};

// Whole-file checksum, fed in any number of pieces.
// Thread safety: one thread at a time.
class Hasher128 {
 public:
  Hasher128();
  ~Hasher128();
  Hasher128(Hasher128&&) noexcept;
  Hasher128& operator=(Hasher128&&) noexcept;
  void Update(std::string_view bytes);
  Checksum128 Digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Checksum128 Checksum128Of(std::string_view bytes);

}  // namespace tidemark::format
