#include "tools/json.h"

#include "tools/utf8.h"

#include <cstdio>

namespace tidemark::tools {
namespace {

void AppendEscaped(char c, std::string* out) {
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\t':
      out->append("\\t");
      return;
    case '\r':
      out->append("\\r");
      return;
    default:
      char text[8];
      std::snprintf(text, sizeof(text), "\\u%04x", static_cast<unsigned>(static_cast<uint8_t>(c)));
      out->append(text);
  }
}

bool MustEscape(char c) {
  return c == '"' || c == '\\' || static_cast<uint8_t>(c) < 0x20 || c == 0x7f;
}

}  // namespace

std::string JsonString(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const size_t bytes = DecodeUtf8(text).bytes;
    if (bytes == 0)
      quoted.append("\\ufffd");
    else if (bytes == 1 && MustEscape(text[0]))
      AppendEscaped(text[0], &quoted);
    else
      quoted.append(text.substr(0, bytes));
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return quoted.append("\"");
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  BeforeValue();
  out_.append(JsonString(name)).append(": ");
  after_key_ = true;
  return *this;
}

void JsonWriter::String(std::string_view value) {
  BeforeValue();
  out_.append(JsonString(value));
}

void JsonWriter::Number(uint64_t value) {
  BeforeValue();
  out_.append(std::to_string(value));
}

void JsonWriter::Signed(int64_t value) {
  BeforeValue();
  out_.append(std::to_string(value));
}

void JsonWriter::Bool(bool value) {
  BeforeValue();
  out_.append(value ? "true" : "false");
}

void JsonWriter::Raw(std::string_view json) {
  BeforeValue();
  out_.append(json);
}

void JsonWriter::Null() {
  BeforeValue();
  out_.append("null");
}

void JsonWriter::Begin(char bracket) {
  BeforeValue();
  out_ += bracket;
  has_items_.push_back(false);
}

void JsonWriter::End(char bracket) {
  const bool has_items = has_items_.back();
  has_items_.pop_back();
  if (has_items) NewLine();
  out_ += bracket;
  if (has_items_.empty()) out_ += '\n';
}

void JsonWriter::BeforeValue() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_items_.empty()) return;
  if (has_items_.back()) out_ += ',';
  has_items_.back() = true;
  NewLine();
}

void JsonWriter::NewLine() { out_.append("\n").append(2 * has_items_.size(), ' '); }

}  // namespace tidemark::tools
