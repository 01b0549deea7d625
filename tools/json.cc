#include "tools/json.h"

#include "tools/utf8.h"

#include <cstdio>

namespace tidemark::tools {
namespace {

void AppendEscaped(uint32_t code_point, std::string* out) {
  switch (code_point) {
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
      std::snprintf(text, sizeof(text), "\\u%04x", static_cast<unsigned>(code_point));
      out->append(text);
  }
}

// More than JSON asks for: what a terminal takes for a command, or hides. All of it is below
// U+10000.
bool MustEscape(uint32_t code_point) {
  return code_point == '"' || code_point == '\\' || !IsPrintable(code_point);
}

}  // namespace

std::string JsonString(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const auto [bytes, code_point] = DecodeUtf8(text);
    if (bytes == 0)
      quoted.append("\\ufffd");
    else if (MustEscape(code_point))
      AppendEscaped(code_point, &quoted);
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
