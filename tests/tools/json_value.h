// JsonValue: a small and strict JSON reader for tests. What it takes, any reader takes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::test {

// Members throw std::runtime_error when the value is of another type, or a key or index is missing.
class JsonValue {
 public:
  enum class Type { kNull, kBool, kNumber, kString, kArray, kObject };

  // One document and nothing after it. Throws std::runtime_error, saying where, for anything that
  // RFC 8259 does not allow, for keys that occur twice, and for what is no UTF-8.
  static JsonValue Parse(std::string_view text);

  Type type() const noexcept { return type_; }
  bool is_null() const noexcept { return type_ == Type::kNull; }
  bool boolean() const { return Checked(Type::kBool).text_ == "true"; }
  const std::string& text() const { return Checked(Type::kString).text_; }
  uint64_t number() const { return std::stoull(Checked(Type::kNumber).text_); }

  size_t size() const;  // of arrays and objects
  const JsonValue& operator[](size_t index) const { return Checked(Type::kArray).items_.at(index); }
  const JsonValue& operator[](std::string_view key) const;
  bool contains(std::string_view key) const;

  // The texts of an array of strings, with spaces between.
  std::string Joined() const;

 private:
  friend class JsonParser;
  const JsonValue& Checked(Type type) const;

  Type type_ = Type::kNull;
  std::string text_;  // of strings; of numbers and booleans as they were written
  std::vector<std::string> keys_;
  std::vector<JsonValue> items_;
};

}  // namespace tidemark::test
