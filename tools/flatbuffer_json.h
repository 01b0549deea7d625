// FlatBufferJson: FlatBuffers as JSON, through the schema that a table keeps.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::tools {

// Thread safety: one thread at a time.
class FlatBufferJson {
 public:
  // `schema`: a .bfbs, which outlives this. Null if it cannot be used. The library reads schemas
  // that somebody forged without looking: this one is what a manifest's checksum vouches for.
  static std::unique_ptr<FlatBufferJson> Of(std::string_view schema);
  ~FlatBufferJson();

  // What `value` says, in one line; nullopt if it is not valid by the schema. Buffers nested in
  // byte vectors are shown as bytes: nothing verifies them.
  std::optional<std::string> Json(std::string_view value) const;

 private:
  struct Parts;
  explicit FlatBufferJson(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

// The library's text with what JSON readers refuse, or would round, as strings: nan, inf, and
// integers beyond 2^53.
std::string QuoteOddNumbers(std::string_view json);

}  // namespace tidemark::tools
