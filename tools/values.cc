#include "tools/values.h"

#include "format/key.h"
#include "tools/flatbuffer_json.h"
#include "tools/text.h"
#include "tools/utf8.h"

#include <charconv>
#include <cstring>
#include <optional>

namespace tidemark::tools {
namespace {

constexpr std::string_view kHex = "hex:";
constexpr std::string_view kBase64 = "b64:";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string HexOf(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex(kHex);
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::optional<std::string> BytesOfHex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
    if (error != std::errc() || end != digits.data() + i + 2) return std::nullopt;
    bytes += static_cast<char>(value);
  }
  return bytes;
}

// As raw_key has it; nullopt unless it is just as Base64 would write it.
std::optional<std::string> BytesOfBase64(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    const size_t digit = kBase64Digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count);
  }
  return Base64(bytes) == text ? std::optional(bytes) : std::nullopt;
}

struct IntegerCodec {
  size_t bytes = 0;
  bool is_signed = false;
};
std::optional<IntegerCodec> IntegerCodecOf(std::string_view codec) {
  for (const auto& [name, bytes] :
       {std::pair<std::string_view, size_t>{"8", 1}, {"16", 2}, {"32", 4}, {"64", 8}}) {
    if (codec.substr(0, 1) == "u" && codec.substr(1) == name) return IntegerCodec{bytes, false};
    if (codec.substr(0, 1) == "i" && codec.substr(1) == name) return IntegerCodec{bytes, true};
  }
  return std::nullopt;
}

// Big-endian, the sign bit flipped.
std::optional<std::string> IntegerText(std::string_view codec, std::string_view bytes) {
  const auto integer = IntegerCodecOf(codec);
  if (!integer || bytes.size() != integer->bytes) return std::nullopt;
  uint64_t bits = 0;
  for (const char c : bytes) bits = bits << 8 | static_cast<unsigned char>(c);
  if (!integer->is_signed) return std::to_string(bits);
  const uint64_t sign = uint64_t{1} << (8 * integer->bytes - 1);
  return std::to_string(static_cast<int64_t>((bits ^ sign) << (64 - 8 * integer->bytes)) >>
                        (64 - 8 * integer->bytes));
}

template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
}

std::optional<std::string> BytesOfInteger(const IntegerCodec& codec, std::string_view text) {
  uint64_t bits = 0;
  const uint64_t sign = uint64_t{1} << (8 * codec.bytes - 1);
  const uint64_t mask = codec.bytes == 8 ? ~uint64_t{0} : (sign << 1) - 1;
  if (codec.is_signed) {
    const auto value = ParseNumber<int64_t>(text);
    const auto high = static_cast<int64_t>(sign - 1);
    if (!value || *value > high || *value < -high - 1) return std::nullopt;
    bits = (static_cast<uint64_t>(*value) & mask) ^ sign;
  } else {
    const auto value = ParseNumber<uint64_t>(text);
    if (!value || *value > mask) return std::nullopt;
    bits = *value;
  }
  std::string bytes;
  for (size_t i = codec.bytes; i-- > 0;) bytes += static_cast<char>(bits >> (8 * i));
  return bytes;
}

bool IsText(std::string_view codec) { return codec == "string" || codec == "bytes"; }

std::string ElementText(std::string_view codec, std::string_view bytes) {
  if (const auto integer = IntegerText(codec, bytes)) return *integer;
  if (IsText(codec) && IsUtf8(bytes)) return "\"" + PrintableBytes(bytes) + "\"";
  return HexOf(bytes);
}

std::string ElementPlain(std::string_view codec, std::string_view bytes) {
  return IsText(codec) && IsUtf8(bytes) ? std::string(bytes) : ElementText(codec, bytes);
}

// Numbers of 64 bits are strings: many readers keep numbers as doubles.
std::string ElementJson(std::string_view codec, std::string_view bytes) {
  if (const auto integer = IntegerText(codec, bytes))
    return bytes.size() == 8 ? JsonString(*integer) : *integer;
  if (IsText(codec) && IsUtf8(bytes)) return JsonString(bytes);
  return JsonString(HexOf(bytes));
}

Status NoKey(std::string_view text, std::string_view codec) {
  return Status(StatusCode::kInvalidArgument, "key",
                "`" + std::string(text) + "` is no key of codec `" + std::string(codec) +
                    "`: expected " +
                    (IntegerCodecOf(codec) ? "an integer in its range"
                     : IsText(codec)       ? "its text"
                                           : "its bytes") +
                    ", or hex:00ff or b64:AP8= for bytes");
}

Result<std::string> ParseElement(std::string_view codec, std::string_view text) {
  if (text.starts_with(kHex)) {
    if (auto bytes = BytesOfHex(text.substr(kHex.size()))) return *std::move(bytes);
    return NoKey(text, codec);
  }
  if (text.starts_with(kBase64)) {
    if (auto bytes = BytesOfBase64(text.substr(kBase64.size()))) return *std::move(bytes);
    return NoKey(text, codec);
  }
  if (const auto integer = IntegerCodecOf(codec)) {
    if (auto bytes = BytesOfInteger(*integer, text)) return *std::move(bytes);
    return NoKey(text, codec);
  }
  if (IsText(codec)) return std::string(text);
  return NoKey(text, codec);
}

// [size u32 LE][element], one behind the other.
template <class F>
bool ForEachElement(std::string_view list, F&& visit) {
  while (!list.empty()) {
    uint32_t size = 0;
    if (list.size() < sizeof(size)) return false;
    std::memcpy(&size, list.data(), sizeof(size));
    list.remove_prefix(sizeof(size));
    if (list.size() < size) return false;
    visit(list.substr(0, size));
    list.remove_prefix(size);
  }
  return true;
}

}  // namespace

TableValues::TableValues(const format::TableMeta& table)
    : table_(table), key_codec_(table.key_codec) {
  if (table.value_codec.starts_with("flatbuffer")) schema_ = FlatBufferJson::Of(table.schema);
  if (table.kind != TableKind::kMap) return;
  const size_t plus = table.key_codec.find('+');
  if (plus == std::string::npos) return;
  key_codec_ = table.key_codec.substr(0, plus);
  entry_codec_ = table.key_codec.substr(plus + 1);
}

TableValues::~TableValues() = default;

template <class F>
std::string TableValues::KeyBy(F&& element, std::string_view key) const {
  if (table_.kind != TableKind::kMap) return element(key_codec_, key);
  const auto prefix = format::PartitionPrefix(key);
  if (!prefix) return HexOf(key);
  return element(key_codec_, prefix->substr(format::kPartitionLengthBytes)) + " / " +
         element(entry_codec_, key.substr(prefix->size()));
}

std::string TableValues::KeyText(std::string_view key) const { return KeyBy(ElementText, key); }
std::string TableValues::KeyPlain(std::string_view key) const { return KeyBy(ElementPlain, key); }

std::string TableValues::KeyJson(std::string_view key) const {
  if (table_.kind != TableKind::kMap) return ElementJson(key_codec_, key);
  const auto prefix = format::PartitionPrefix(key);
  if (!prefix) return JsonString(HexOf(key));
  return "{\"partition\": " +
         ElementJson(key_codec_, prefix->substr(format::kPartitionLengthBytes)) +
         ", \"entry\": " + ElementJson(entry_codec_, key.substr(prefix->size())) + "}";
}

std::string TableValues::ValueText(std::string_view value) const {
  if (table_.kind == TableKind::kList) {
    std::string text = "[";
    const bool is_whole = ForEachElement(value, [&](std::string_view element) {
      text.append(text.size() > 1 ? ", " : "").append(ElementText(table_.value_codec, element));
    });
    return is_whole ? text + "]" : HexOf(value);
  }
  if (schema_ != nullptr)
    if (const auto json = schema_->Json(value)) return Printable(*json);
  return ElementText(table_.value_codec, value);
}

std::string TableValues::ValuePlain(std::string_view value) const {
  if (schema_ != nullptr)
    if (auto json = schema_->Json(value)) return *std::move(json);
  if (table_.kind == TableKind::kList) return ValueText(value);
  return ElementPlain(table_.value_codec, value);
}

std::string TableValues::ValueJson(std::string_view value) const {
  if (table_.kind == TableKind::kList) {
    std::string text = "[";
    const bool is_whole = ForEachElement(value, [&](std::string_view element) {
      text.append(text.size() > 1 ? ", " : "").append(ElementJson(table_.value_codec, element));
    });
    return is_whole ? text + "]" : JsonString(HexOf(value));
  }
  if (schema_ != nullptr)
    if (auto json = schema_->Json(value)) return *std::move(json);
  return ElementJson(table_.value_codec, value);
}

Result<std::string> TableValues::ParseKey(std::string_view text) const {
  if (table_.kind != TableKind::kMap) return ParseElement(key_codec_, text);
  // As it is shown, or the partition alone.
  const size_t slash = text.find(" / ");
  if (slash == std::string_view::npos) return ParseEntry(text, "");
  return ParseEntry(text.substr(0, slash), text.substr(slash + 3));
}

Result<std::string> TableValues::ParseEntry(std::string_view partition,
                                            std::string_view entry) const {
  if (table_.kind != TableKind::kMap)
    return Status(StatusCode::kInvalidArgument, "key",
                  "table `" + table_.name + "` has no maps: expected one key, got two");
  TIDEMARK_ASSIGN_OR_RETURN(const std::string first, ParseElement(key_codec_, partition));
  if (first.size() > 0xffff) return NoKey(partition, key_codec_);
  std::string key{static_cast<char>(first.size() >> 8), static_cast<char>(first.size() & 0xff)};
  key += first;
  if (entry.empty()) return key;
  TIDEMARK_ASSIGN_OR_RETURN(const std::string second, ParseElement(entry_codec_, entry));
  return key + second;
}

std::string Base64(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j)
      text += j <= count ? kBase64Digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::string RawKeyJson(std::string_view key) {
  return "{\"b64\": " + JsonString(Base64(key)) +
         ", \"utf8\": " + (IsUtf8(key) ? JsonString(key) : "null") + "}";
}

}  // namespace tidemark::tools
