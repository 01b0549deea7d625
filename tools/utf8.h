// UTF-8, as far as output needs it: what is text, and what are only bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tidemark::tools {

struct Utf8Character {
  size_t bytes = 0;  // 0: no character begins here
  uint32_t code_point = 0;
};

// The character at the start of `text`. Overlong forms, surrogates, and what is cut short or beyond
// U+10FFFF are none.
Utf8Character DecodeUtf8(std::string_view text);

// Whether `text` is characters throughout.
bool IsUtf8(std::string_view text);

// Whether a terminal shows the character as it is: no control characters, and none that reorder or
// hide what stands around them.
bool IsPrintable(uint32_t code_point);

}  // namespace tidemark::tools
