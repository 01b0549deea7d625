#include "tests/tools/json_value.h"

#include "tools/utf8.h"

#include <algorithm>
#include <stdexcept>

namespace tidemark::test {

class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text) {}

  JsonValue Document() {
    SkipSpace();
    JsonValue value = Value();
    SkipSpace();
    if (at_ != text_.size()) Fail("the end");
    return value;
  }

 private:
  using Type = JsonValue::Type;

  [[noreturn]] void Fail(const std::string& expected) const {
    throw std::runtime_error("JSON, byte " + std::to_string(at_) + ": expected " + expected +
                             ", got: " + std::string(text_.substr(at_, 40)));
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void SkipSpace() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  JsonValue Value() {
    JsonValue value;
    switch (Peek()) {
      case '{':
        return Object();
      case '[':
        return Array();
      case '"':
        value.type_ = Type::kString;
        value.text_ = String();
        return value;
      default:
        break;
    }
    if (Take("null")) return value;
    if (Take("true") || Take("false")) {
      value.type_ = Type::kBool;
      value.text_ = text_[at_ - 2] == 'u' ? "true" : "false";
      return value;
    }
    return Number();
  }

  JsonValue Object() {
    JsonValue value;
    value.type_ = Type::kObject;
    ++at_;
    SkipSpace();
    if (Take("}")) return value;
    do {
      SkipSpace();
      if (Peek() != '"') Fail("a key");
      std::string key = String();
      if (value.contains(key)) Fail("a new key instead of a second " + key);
      SkipSpace();
      if (!Take(":")) Fail("a colon");
      SkipSpace();
      value.keys_.push_back(std::move(key));
      value.items_.push_back(Value());
      SkipSpace();
    } while (Take(","));
    if (!Take("}")) Fail("} or a comma");
    return value;
  }

  JsonValue Array() {
    JsonValue value;
    value.type_ = Type::kArray;
    ++at_;
    SkipSpace();
    if (Take("]")) return value;
    do {
      SkipSpace();
      value.items_.push_back(Value());
      SkipSpace();
    } while (Take(","));
    if (!Take("]")) Fail("] or a comma");
    return value;
  }

  void Digits() {
    if (Peek() < '0' || Peek() > '9') Fail("a digit");
    while (Peek() >= '0' && Peek() <= '9') ++at_;
  }

  JsonValue Number() {
    const size_t begin = at_;
    Take("-");
    if (!Take("0")) Digits();
    if (Take(".")) Digits();
    if (Take("e") || Take("E")) {
      if (!Take("+")) Take("-");
      Digits();
    }
    JsonValue value;
    value.type_ = Type::kNumber;
    value.text_ = text_.substr(begin, at_ - begin);
    return value;
  }

  std::string String() {
    std::string text;
    ++at_;
    while (!Take("\"")) {
      if (Take("\\")) {
        text += Escaped();
        continue;
      }
      const size_t bytes = tools::DecodeUtf8(text_.substr(at_)).bytes;
      if (bytes == 0 || static_cast<uint8_t>(text_[at_]) < 0x20) Fail("text");
      text.append(text_.substr(at_, bytes));
      at_ += bytes;
    }
    return text;
  }

  std::string Escaped() {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const size_t letter = kLetters.find(Peek());
    if (letter != std::string_view::npos && at_ < text_.size()) {
      ++at_;
      return std::string(1, kMeanings[letter]);
    }
    if (!Take("u")) Fail("an escape");
    size_t used = 0;
    const auto code = std::stoul(std::string(text_.substr(at_, 4)), &used, 16);
    if (used != 4) Fail("four hexadecimal digits");
    at_ += 4;
    if (code < 0x80) return std::string(1, static_cast<char>(code));
    // The writer under test escapes nothing else above ASCII.
    if (code != 0xfffd) Fail("no other escape than \\ufffd");
    return "\xef\xbf\xbd";
  }

  std::string_view text_;
  size_t at_ = 0;
};

JsonValue JsonValue::Parse(std::string_view text) { return JsonParser(text).Document(); }

size_t JsonValue::size() const {
  if (type_ != Type::kObject) static_cast<void>(Checked(Type::kArray));
  return items_.size();
}

const JsonValue& JsonValue::operator[](std::string_view key) const {
  static_cast<void>(Checked(Type::kObject));
  const auto found = std::find(keys_.begin(), keys_.end(), key);
  if (found == keys_.end()) throw std::runtime_error("no field " + std::string(key));
  return items_[static_cast<size_t>(found - keys_.begin())];
}

bool JsonValue::contains(std::string_view key) const {
  return std::find(keys_.begin(), keys_.end(), key) != keys_.end();
}

std::string JsonValue::Joined() const {
  std::string joined;
  for (const JsonValue& item : Checked(Type::kArray).items_)
    joined.append(joined.empty() ? "" : " ").append(item.text());
  return joined;
}

const JsonValue& JsonValue::Checked(Type type) const {
  if (type_ == type) return *this;
  throw std::runtime_error("a JSON value of type " + std::to_string(static_cast<int>(type_)) +
                           " where type " + std::to_string(static_cast<int>(type)) +
                           " is expected");
}

}  // namespace tidemark::test
