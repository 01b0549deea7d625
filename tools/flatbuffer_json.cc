#include "tools/flatbuffer_json.h"

#include "tools/flatbuffer_bytes.h"
#include "tools/flatbuffer_schema.h"
#include "tools/json.h"
#include "tools/utf8.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace tidemark::tools {
namespace {

using reflection::BaseType;

constexpr size_t kJsonBytesMax = size_t{64} << 20;
constexpr size_t kStepsMax = size_t{64} << 20;
constexpr int kDepthMax = 64;

// Writes one value; false if it is none.
class Writer {
 public:
  Writer(const reflection::Schema& schema, std::string_view value)
      : schema_(schema), bytes_(value) {}

  bool WriteRoot() {
    const auto root = bytes_.Follow(0);
    return root && WriteTable(*root, *schema_.root_table());
  }
  std::string&& Take() { return std::move(out_); }

 private:
  using Fields = std::vector<const reflection::Field*>;

  // In the order of ids, which is that of their declaration.
  const Fields& FieldsOf(const reflection::Object& object) {
    const auto [known, is_new] = fields_.try_emplace(&object);
    if (is_new) {
      known->second.assign(object.fields()->begin(), object.fields()->end());
      std::stable_sort(known->second.begin(), known->second.end(),
                       [](const auto* a, const auto* b) { return a->id() < b->id(); });
    }
    return known->second;
  }
  const reflection::Object& ObjectAt(int32_t index) const {
    return *schema_.objects()->Get(static_cast<uint32_t>(index));
  }

  // A step is a look at one thing, which need not write anything.
  bool Step() {
    return ++steps_ <= kStepsMax && out_.size() <= kJsonBytesMax && depth_ <= kDepthMax;
  }

  // `{"a": ..., "b": ...}` of those fields that `write` has something of.
  template <class F>
  bool WriteFields(const reflection::Object& object, F&& write) {
    ++depth_;
    out_ += '{';
    bool is_first = true;
    for (const reflection::Field* field : FieldsOf(object)) {
      const size_t begin = out_.size();
      if (!is_first) out_ += ',';
      out_.append(JsonString(field->name()->string_view())).append(": ");
      const size_t value = out_.size();
      if (!Step() || !write(*field)) return false;
      if (out_.size() == value)
        out_.resize(begin);
      else
        is_first = false;
    }
    out_ += '}';
    --depth_;
    return true;
  }

  template <class F>
  bool WriteArray(size_t size, F&& write) {
    out_ += '[';
    for (size_t i = 0; i < size; ++i) {
      if (i > 0) out_ += ", ";
      if (!Step() || !write(i)) return false;
    }
    out_ += ']';
    return true;
  }

  void WriteInteger(BaseType type, int64_t value) {
    constexpr int64_t kExact = int64_t{1} << 53;  // beyond it many readers round
    const bool is_unsigned = type == BaseType::ULong;
    const std::string text =
        is_unsigned ? std::to_string(static_cast<uint64_t>(value)) : std::to_string(value);
    const bool is_exact = value <= kExact && value >= (is_unsigned ? 0 : -kExact);
    out_ += is_exact ? text : JsonString(text);
  }

  void WriteReal(BaseType type, double value) {
    char text[32];
    const auto end = type == BaseType::Float
                         ? std::to_chars(text, text + sizeof(text), static_cast<float>(value)).ptr
                         : std::to_chars(text, text + sizeof(text), value).ptr;
    const std::string_view number(text, static_cast<size_t>(end - text));
    out_ += std::isfinite(value) ? std::string(number) : JsonString(number);
  }

  // The name of an enum's value, if it has one.
  bool WriteName(int32_t index, int64_t value) {
    if (index < 0) return false;
    for (const auto* one : *schema_.enums()->Get(static_cast<uint32_t>(index))->values()) {
      if (one->value() != value) continue;
      out_ += JsonString(one->name()->string_view());
      return true;
    }
    return false;
  }

  void WriteWhole(BaseType type, int32_t enum_index, int64_t value) {
    if (WriteName(enum_index, value)) return;
    if (type == BaseType::Bool)
      out_ += value != 0 ? "true" : "false";
    else
      WriteInteger(type, value);
  }

  static bool IsReal(BaseType type) { return type == BaseType::Float || type == BaseType::Double; }

  bool WriteScalar(BaseType type, int32_t enum_index, size_t at) {
    if (!bytes_.Has(at, flatbuffers::GetTypeSize(type))) return false;
    if (IsReal(type))
      WriteReal(type, flatbuffers::GetAnyValueF(type, bytes_.At(at)));
    else
      WriteWhole(type, enum_index, flatbuffers::GetAnyValueI(type, bytes_.At(at)));
    return true;
  }

  void WriteDefault(const reflection::Field& field) {
    const reflection::Type& type = *field.type();
    if (field.optional()) return;
    if (IsReal(type.base_type()))
      WriteReal(type.base_type(), field.default_real());
    else
      WriteWhole(type.base_type(), type.index(), field.default_integer());
  }

  bool WriteStruct(size_t at, const reflection::Object& object) {
    return WriteFields(object, [&](const reflection::Field& field) {
      const reflection::Type& type = *field.type();
      const size_t begin = at + field.offset();
      if (type.base_type() != BaseType::Array) return WriteInline(type.base_type(), type, begin);
      const size_t bytes = SizeOf(type);
      return WriteArray(type.fixed_length(), [&](size_t i) {
        return WriteInline(type.element(), type, begin + i * bytes);
      });
    });
  }
  // A scalar or a struct, where it lies.
  bool WriteInline(BaseType base_type, const reflection::Type& type, size_t at) {
    return base_type == BaseType::Obj ? WriteStruct(at, ObjectAt(type.index()))
                                      : WriteScalar(base_type, type.index(), at);
  }

  bool WriteString(size_t at) {
    const auto size = bytes_.Read<uint32_t>(at);
    if (!size || *size > kJsonBytesMax || !bytes_.Has(at + sizeof(*size), *size)) return false;
    const std::string_view text = bytes_.Text(at + sizeof(*size), *size);
    if (!IsUtf8(text)) return false;  // JSON cannot say it, the bytes of the value can
    out_ += JsonString(text);
    return true;
  }

  // What an offset leads to, of the type that the union's enum says.
  bool WriteUnion(const reflection::Type& type, uint8_t which, size_t at) {
    const auto* parts = schema_.enums()->Get(static_cast<uint32_t>(type.index()))->values();
    if (which >= parts->size()) return false;
    const reflection::Type& part = *parts->Get(which)->union_type();
    if (part.base_type() == BaseType::String) return WriteString(at);
    if (part.base_type() != BaseType::Obj) return false;
    const reflection::Object& object = ObjectAt(part.index());
    return object.is_struct() ? WriteStruct(at, object) : WriteTable(at, object);
  }

  // In bytes, of an element of a vector or an array.
  size_t SizeOf(const reflection::Type& type) const {
    return flatbuffers::GetTypeSizeInline(type.element(), type.index(), schema_);
  }

  // Whether an offset leads to it; scalars and structs lie in the table or the vector itself.
  bool IsElsewhere(BaseType base_type, const reflection::Type& type) const {
    return base_type == BaseType::String || base_type == BaseType::Vector ||
           base_type == BaseType::Union ||
           (base_type == BaseType::Obj && !ObjectAt(type.index()).is_struct());
  }

  bool WriteElement(size_t table, const reflection::Field& field, size_t at, size_t i) {
    const reflection::Type& type = *field.type();
    if (!IsElsewhere(type.element(), type)) return WriteInline(type.element(), type, at);
    const auto to = bytes_.Follow(at);
    if (!to) return false;
    if (type.element() == BaseType::String) return WriteString(*to);
    if (type.element() == BaseType::Obj) return WriteTable(*to, ObjectAt(type.index()));
    const auto which = UnionTypeInVector(table, field, i);
    return which && WriteUnion(type, *which, *to);
  }

  static uint16_t OffsetOfUnionType(const reflection::Field& field) {
    return static_cast<uint16_t>(field.offset() - sizeof(flatbuffers::voffset_t));
  }
  std::optional<uint8_t> UnionTypeInVector(size_t table, const reflection::Field& field,
                                           size_t i) const {
    const size_t at = bytes_.FieldOf(table, OffsetOfUnionType(field));
    const auto types = at == 0 ? std::nullopt : bytes_.Follow(at);
    const auto count = types ? bytes_.Read<uint32_t>(*types) : std::nullopt;
    if (!count || i >= *count) return std::nullopt;
    return bytes_.Read<uint8_t>(*types + sizeof(*count) + i);
  }

  bool WriteVector(size_t table, const reflection::Field& field, size_t at) {
    const auto count = bytes_.Read<uint32_t>(at);
    const size_t bytes = SizeOf(*field.type());
    if (!count || !bytes_.Has(at + sizeof(*count), *count * bytes)) return false;
    return WriteArray(*count, [&](size_t i) {
      return WriteElement(table, field, at + sizeof(*count) + i * bytes, i);
    });
  }

  bool WriteTableField(size_t table, const reflection::Field& field) {
    const reflection::Type& type = *field.type();
    const size_t at = bytes_.FieldOf(table, field.offset());
    const bool is_elsewhere = IsElsewhere(type.base_type(), type);
    if (!is_elsewhere && type.base_type() != BaseType::Obj && at == 0) {
      WriteDefault(field);
      return true;
    }
    if (at == 0) return true;
    if (!is_elsewhere) return WriteInline(type.base_type(), type, at);
    const auto to = bytes_.Follow(at);
    if (!to) return false;
    switch (type.base_type()) {
      case BaseType::String:
        return WriteString(*to);
      case BaseType::Vector:
        return WriteVector(table, field, *to);
      case BaseType::Obj:
        return WriteTable(*to, ObjectAt(type.index()));
      default:
        break;
    }
    const size_t which_at = bytes_.FieldOf(table, OffsetOfUnionType(field));
    const auto which = which_at == 0 ? std::optional<uint8_t>(0) : bytes_.Read<uint8_t>(which_at);
    return which && (*which == 0 || WriteUnion(type, *which, *to));
  }

  bool WriteTable(size_t at, const reflection::Object& object) {
    if (!bytes_.IsTable(at)) return false;
    return WriteFields(object,
                       [&](const reflection::Field& field) { return WriteTableField(at, field); });
  }

  const reflection::Schema& schema_;
  const FlatBufferBytes bytes_;
  std::map<const reflection::Object*, Fields> fields_;
  std::string out_;
  size_t steps_ = 0;
  int depth_ = 0;
};

}  // namespace

std::unique_ptr<FlatBufferJson> FlatBufferJson::Of(std::string_view schema) {
  const reflection::Schema* const checked = CheckedSchema(schema);
  if (checked == nullptr) return nullptr;
  return std::unique_ptr<FlatBufferJson>(new FlatBufferJson(*checked));
}

std::string_view FlatBufferJson::root() const {
  return schema_.root_table()->name()->string_view();
}

std::optional<std::string> FlatBufferJson::Json(std::string_view value) const {
  Writer writer(schema_, value);
  if (!writer.WriteRoot()) return std::nullopt;
  return writer.Take();
}

}  // namespace tidemark::tools
