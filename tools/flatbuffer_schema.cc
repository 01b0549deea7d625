#include "tools/flatbuffer_schema.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace tidemark::tools {
namespace {

using reflection::BaseType;

class Check {
 public:
  explicit Check(const reflection::Schema& schema) : schema_(schema) {}

  bool All() const {
    return schema_.root_table() != nullptr && !schema_.root_table()->is_struct() &&
           std::all_of(schema_.enums()->begin(), schema_.enums()->end(),
                       [&](const auto* one) { return Enum(*one); }) &&
           std::all_of(schema_.objects()->begin(), schema_.objects()->end(),
                       [&](const auto* one) { return Object(*one); }) &&
           Object(*schema_.root_table());
  }

 private:
  // To make an enum of a number that it does not have is undefined, and the accessors do.
  static bool IsKnown(const reflection::Type& type) {
    const auto& raw = reinterpret_cast<const flatbuffers::Table&>(type);
    const auto is_base_type = [&](flatbuffers::voffset_t field) {
      const auto value = raw.GetField<int8_t>(field, 0);
      return value >= 0 && value < BaseType::MaxBaseType;
    };
    return is_base_type(reflection::Type::VT_BASE_TYPE) &&
           is_base_type(reflection::Type::VT_ELEMENT);
  }
  static bool IsScalar(BaseType type) {
    return type >= BaseType::UType && type <= BaseType::Double;
  }
  bool IsObject(int32_t index) const {
    return index >= 0 && static_cast<uint32_t>(index) < schema_.objects()->size();
  }
  bool IsEnum(int32_t index) const {
    return index >= 0 && static_cast<uint32_t>(index) < schema_.enums()->size();
  }

  // The parts of a union are looked up by position.
  bool Enum(const reflection::Enum& one) const {
    if (!one.is_union()) return true;
    for (flatbuffers::uoffset_t i = 0; i < one.values()->size(); ++i) {
      const reflection::EnumVal& value = *one.values()->Get(i);
      const reflection::Type* const type = value.union_type();
      if (type == nullptr || !IsKnown(*type) || value.value() != static_cast<int64_t>(i))
        return false;
      if (type->base_type() == BaseType::Obj && !IsObject(type->index())) return false;
      const bool is_known = type->base_type() == BaseType::Obj ||
                            type->base_type() == BaseType::String ||
                            type->base_type() == BaseType::None;
      if (!is_known) return false;
    }
    return true;
  }

  // `type` of a field, or of the elements that it has.
  bool Type(BaseType type, int32_t index) const {
    if (IsScalar(type)) return index < 0 || IsEnum(index);
    if (type == BaseType::Obj) return IsObject(index);
    if (type == BaseType::Union)
      return IsEnum(index) && schema_.enums()->Get(static_cast<uint32_t>(index))->is_union();
    return type == BaseType::String;
  }

  bool Object(const reflection::Object& object) const {
    const bool fits =
        !object.is_struct() || (object.bytesize() > 0 && object.bytesize() <= UINT16_MAX &&
                                object.minalign() > 0 && object.minalign() <= object.bytesize() &&
                                std::has_single_bit(static_cast<uint32_t>(object.minalign())));
    return fits &&
           std::all_of(object.fields()->begin(), object.fields()->end(), [&](const auto* field) {
             return object.is_struct() ? StructField(object, *field) : TableField(*field);
           });
  }

  bool TableField(const reflection::Field& field) const {
    constexpr uint16_t kFirst = 4;  // behind the sizes of the vtable and of the table
    const reflection::Type& type = *field.type();
    if (!IsKnown(type) || field.offset() < kFirst ||
        field.offset() % sizeof(flatbuffers::voffset_t) != 0)
      return false;
    // What a union is stands in the field before it.
    const bool is_union =
        type.base_type() == BaseType::Union ||
        (type.base_type() == BaseType::Vector && type.element() == BaseType::Union);
    if (is_union && field.offset() < kFirst + sizeof(flatbuffers::voffset_t)) return false;
    return type.base_type() == BaseType::Vector ? Type(type.element(), type.index())
                                                : Type(type.base_type(), type.index());
  }

  bool StructField(const reflection::Object& of, const reflection::Field& field) const {
    const reflection::Type& type = *field.type();
    if (!IsKnown(type)) return false;
    const bool is_array = type.base_type() == BaseType::Array;
    const BaseType element = is_array ? type.element() : type.base_type();
    uint64_t bytes = 0;
    if (IsScalar(element) && Type(element, type.index())) {
      bytes = flatbuffers::GetTypeSize(element);
    } else if (element == BaseType::Obj && IsObject(type.index())) {
      const auto* inner = schema_.objects()->Get(static_cast<uint32_t>(type.index()));
      // Smaller than what it is in, or as large: see FlatBufferJson for those in themselves.
      if (!inner->is_struct() || inner->bytesize() <= 0) return false;
      bytes = static_cast<uint64_t>(inner->bytesize());
    }
    if (is_array) bytes *= type.fixed_length();
    return bytes > 0 && field.offset() + bytes <= static_cast<uint64_t>(of.bytesize());
  }

  const reflection::Schema& schema_;
};

}  // namespace

const reflection::Schema* CheckedSchema(std::string_view schema) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(schema.data());
  flatbuffers::Verifier verifier(bytes, schema.size());
  if (schema.empty() || !reflection::VerifySchemaBuffer(verifier)) return nullptr;
  const reflection::Schema* const found = reflection::GetSchema(bytes);
  return Check(*found).All() ? found : nullptr;
}

}  // namespace tidemark::tools
