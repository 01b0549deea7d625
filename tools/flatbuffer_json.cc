#include "tools/flatbuffer_json.h"

#include <flatbuffers/idl.h>
#include <flatbuffers/reflection.h>
#include <flatbuffers/util.h>

#include <charconv>
#include <cstring>
#include <vector>

namespace tidemark::tools {
namespace {

bool IsOdd(std::string_view token) {
  constexpr int64_t kExact = int64_t{1} << 53;
  if (token.empty() || token == "true" || token == "false" || token == "null") return false;
  if (token.find_first_of("nN") != std::string_view::npos) return true;  // nan, inf
  if (token.find_first_of(".eE") != std::string_view::npos) return false;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  return error != std::errc() || value > kExact || value < -kExact;
}

}  // namespace

std::string QuoteOddNumbers(std::string_view json) {
  constexpr std::string_view kBetween = "{}[]:, \n\"";
  std::string text;
  size_t at = 0;
  while (at < json.size()) {
    size_t end = at + 1;
    if (json[at] == '"') {
      while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, json.size());
    } else if (kBetween.find(json[at]) == std::string_view::npos) {
      end = std::min(json.find_first_of(kBetween, at), json.size());
      if (const std::string_view token = json.substr(at, end - at); IsOdd(token)) {
        text.append("\"").append(token).append("\"");
        at = end;
        continue;
      }
    }
    text.append(json.substr(at, end - at));
    at = end;
  }
  return text;
}

struct FlatBufferJson::Parts {
  explicit Parts(const flatbuffers::IDLOptions& options) : parser(options) {}
  const reflection::Schema* schema = nullptr;
  flatbuffers::Parser parser;
};

FlatBufferJson::FlatBufferJson(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
FlatBufferJson::~FlatBufferJson() = default;

std::unique_ptr<FlatBufferJson> FlatBufferJson::Of(std::string_view schema) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(schema.data());
  flatbuffers::Verifier verifier(bytes, schema.size());
  if (schema.empty() || !reflection::VerifySchemaBuffer(verifier)) return nullptr;
  flatbuffers::IDLOptions options;
  options.strict_json = true;
  options.indent_step = -1;
  options.output_default_scalars_in_json = true;
  options.json_nested_flatbuffers = false;
  options.json_nested_flexbuffers = false;
  auto parts = std::make_unique<Parts>(options);
  parts->schema = reflection::GetSchema(bytes);
  if (parts->schema->root_table() == nullptr) return nullptr;
  if (!parts->parser.Deserialize(bytes, schema.size())) return nullptr;
  return std::unique_ptr<FlatBufferJson>(new FlatBufferJson(std::move(parts)));
}

std::optional<std::string> FlatBufferJson::Json(std::string_view value) const {
  if (value.empty()) return std::nullopt;
  // Values in a frame are not aligned.
  std::vector<uint64_t> aligned((value.size() + 7) / 8);
  std::memcpy(aligned.data(), value.data(), value.size());
  const auto* const bytes = reinterpret_cast<const uint8_t*>(aligned.data());
  if (!flatbuffers::Verify(*parts_->schema, *parts_->schema->root_table(), bytes, value.size()))
    return std::nullopt;
  std::string json;
  if (!flatbuffers::GenerateText(parts_->parser, bytes, &json)) return std::nullopt;
  while (!json.empty() && (json.back() == '\n' || json.back() == ' ')) json.pop_back();
  return QuoteOddNumbers(json);
}

}  // namespace tidemark::tools
