#include "tools/utf8.h"

namespace tidemark::tools {
namespace {

size_t LengthOf(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

bool IsAllowed(uint32_t code_point, size_t bytes) {
  if (bytes == 3) return code_point >= 0x800 && (code_point < 0xd800 || code_point > 0xdfff);
  if (bytes == 4) return code_point >= 0x10000 && code_point <= 0x10ffff;
  return true;
}

}  // namespace

Utf8Character DecodeUtf8(std::string_view text) {
  if (text.empty()) return {};
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t bytes = LengthOf(lead);
  if (bytes == 0 || bytes > text.size()) return {};
  if (bytes == 1) return {1, lead};
  uint32_t code_point = lead & (0xffu >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (next & 0x3f);
  }
  return IsAllowed(code_point, bytes) ? Utf8Character{bytes, code_point} : Utf8Character{};
}

bool IsPrintable(uint32_t code_point) {
  if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0)) return false;
  const bool reorders_or_hides = (code_point >= 0x200b && code_point <= 0x200f) ||
                                 (code_point >= 0x2028 && code_point <= 0x202e) ||
                                 (code_point >= 0x2060 && code_point <= 0x206f) ||
                                 code_point == 0xfeff;
  return !reorders_or_hides;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character character = DecodeUtf8(text);
    if (character.bytes == 0) return false;
    text.remove_prefix(character.bytes);
  }
  return true;
}

}  // namespace tidemark::tools
