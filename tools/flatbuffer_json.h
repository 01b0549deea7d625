// FlatBufferJson: FlatBuffers as JSON, through the schema that a table keeps.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace reflection {
struct Schema;
}

namespace tidemark::tools {

// Thread safety: const members from any thread.
class FlatBufferJson {
 public:
  // `schema`: a .bfbs, which outlives this. Null if it cannot be used.
  static std::unique_ptr<FlatBufferJson> Of(std::string_view schema);

  // What `value` says, in one line, fields in the order of their ids; nullopt if it is not valid by
  // the schema, or would take more than 64 MiB: a few bytes can name the same string many times.
  // Buffers nested in byte vectors are shown as bytes, as nothing verifies them. What JSON readers
  // refuse, or would round, is a string: nan, inf, and integers beyond 2^53.
  std::optional<std::string> Json(std::string_view value) const;

  // The name of the type that values have.
  std::string_view root() const;

 private:
  explicit FlatBufferJson(const reflection::Schema& schema) : schema_(schema) {}
  const reflection::Schema& schema_;
};

}  // namespace tidemark::tools
