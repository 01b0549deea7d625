// FlatBuffer<T>: values that are FlatBuffers tables, read in place without parse or copy. The only
// public header that needs the FlatBuffers headers.
#pragma once

#include <tidemark/value_state.h>

#include <flatbuffers/flatbuffers.h>

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tidemark {

// Names the generated table type T as a value type: `ValueState<uint64_t, FlatBuffer<Order>>`.
//
// `Schema` is the struct that `flatc --bfbs-gen-embed` makes for the root type of a file,
// OrderBinarySchema in order_bfbs_generated.h: `FlatBuffer<Order, OrderBinarySchema>` keeps the
// schema with the table, so that tools can decode its values. Newer versions of flatc name it in T
// themselves; then it need not be given.
template <class T, class Schema = void>
struct FlatBuffer {
  using TidemarkFlatBuffer = T;
};

namespace flatbuffers_internal {

// As in the schema, if it was compiled with --gen-name-strings; else empty.
template <class T>
std::string_view NameOf() {
  if constexpr (requires { T::GetFullyQualifiedName(); }) {
    return T::GetFullyQualifiedName();
  } else {
    return {};
  }
}

template <class Schema>
std::string SchemaBytes() {
  return std::string(reinterpret_cast<const char*>(Schema::data()), Schema::size());
}

template <class T>
Status Verify(std::string_view bytes, StatusCode code) {
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (verifier.VerifyBuffer<T>(nullptr)) return {};
  return Status(code, "flatbuffer-invalid",
                "a value of " + std::to_string(bytes.size()) +
                    " bytes is no valid FlatBuffers table " + std::string(NameOf<T>()));
}

}  // namespace flatbuffers_internal

// The finished buffer's bytes, verified at every write and every read.
template <class T, class Schema>
struct Codec<FlatBuffer<T, Schema>> {
  static constexpr std::string_view kName = "flatbuffer";
  using Argument = std::string_view;
  using View = const T*;
  struct Buffer {};

  static std::string_view Encode(std::string_view bytes, Buffer&) { return bytes; }
  template <std::same_as<std::string> Temporary>
  static std::string_view Encode(Temporary&& bytes, Buffer&) = delete;
  static Status Check(std::string_view bytes) {
    return flatbuffers_internal::Verify<T>(bytes, StatusCode::kInvalidArgument);
  }
  // Another type of table is another codec, where its name is known.
  static void Describe(TableOptions& options) {
    if constexpr (!std::is_void_v<Schema>) {
      options.schema = flatbuffers_internal::SchemaBytes<Schema>();
    } else if constexpr (requires { T::BinarySchema::data(); }) {
      options.schema = flatbuffers_internal::SchemaBytes<typename T::BinarySchema>();
    }
    if (const auto name = flatbuffers_internal::NameOf<T>(); !name.empty()) {
      options.value_codec.append("/").append(name);
    }
  }
  static Result<View> Decode(std::string_view bytes) {
    TIDEMARK_RETURN_IF_ERROR(flatbuffers_internal::Verify<T>(bytes, StatusCode::kCorruption));
    return flatbuffers::GetRoot<T>(bytes.data());
  }
};

// A FlatBuffers table with the bytes that it lies in, verified; cheap to copy. What reads give back
// that give no views, ReadValue::Get for example.
//
// Thread safety: a value type; const members may be called concurrently.
template <class T>
class OwnedFlatBuffer {
 public:
  // Corruption (`flatbuffer-invalid`).
  static Result<OwnedFlatBuffer> Verify(std::string bytes) {
    TIDEMARK_RETURN_IF_ERROR(flatbuffers_internal::Verify<T>(bytes, StatusCode::kCorruption));
    return OwnedFlatBuffer(std::move(bytes));
  }

  // Valid as long as this object, or a copy of it.
  const T& operator*() const noexcept TIDEMARK_LIFETIME_BOUND {
    return *flatbuffers::GetRoot<T>(bytes_->data());
  }
  const T* operator->() const noexcept TIDEMARK_LIFETIME_BOUND { return &**this; }
  std::string_view bytes() const noexcept TIDEMARK_LIFETIME_BOUND { return *bytes_; }

 private:
  explicit OwnedFlatBuffer(std::string bytes)
      : bytes_(std::make_shared<const std::string>(std::move(bytes))) {}

  std::shared_ptr<const std::string> bytes_;
};

template <class T, class Schema>
struct Owned<FlatBuffer<T, Schema>> {
  using Type = OwnedFlatBuffer<T>;
  static Result<Type> Decode(std::string bytes) { return Type::Verify(std::move(bytes)); }
};

// One FlatBuffers table a key.
//
// Pointers returned here point into the cache and stay valid until the next non-const call on the
// store. Thread safety: as Table.
template <class K, class T, class Schema>
class ValueState<K, FlatBuffer<T, Schema>> {
 public:
  using KeyArgument = typename Codec<K>::Argument;

  static TableOptions Options() {
    TableOptions options{.kind = TableKind::kValue, .key_codec = std::string(Codec<K>::kName)};
    codec_internal::DescribeValues<FlatBuffer<T, Schema>>(options);
    return options;
  }
  explicit ValueState(Table table) : table_(std::move(table)) {}

  // The table of `key`, nullptr if there is none. Nothing is decoded or copied: it lies in the
  // cache. Corruption if its bytes, which every Get verifies, are no such table.
  Result<const T*> Get(KeyArgument key) {
    typename Codec<K>::Buffer buffer;
    std::string_view encoded = Codec<K>::Encode(key, buffer);
    TIDEMARK_ASSIGN_OR_RETURN(const auto bytes, table_.GetAt(&encoded));
    if (!bytes) return static_cast<const T*>(nullptr);
    Result<const T*> table = Codec<FlatBuffer<T, Schema>>::Decode(*bytes);
    if (!table) return table_internal::AtKey(table.error(), table_.name(), encoded);
    return table;
  }

  // The table of `key` to be changed in place by its `mutate_...` members, nullptr if there is
  // none. What is written until the next non-const call is part of the current epoch.
  Result<T*> GetMutable(KeyArgument key) {
    typename Codec<K>::Buffer buffer;
    std::string_view encoded = Codec<K>::Encode(key, buffer);
    TIDEMARK_ASSIGN_OR_RETURN(const auto bytes, table_.MutableAt(&encoded));
    if (bytes.data() == nullptr) return static_cast<T*>(nullptr);
    const Status verified =
        flatbuffers_internal::Verify<T>({bytes.data(), bytes.size()}, StatusCode::kCorruption);
    if (!verified.ok()) return table_internal::AtKey(verified, table_.name(), encoded);
    return flatbuffers::GetMutableRoot<T>(bytes.data());
  }

  // Stores a finished buffer whose root is a T. InvalidArgument if it does not verify.
  Status Put(KeyArgument key, std::string_view finished) {
    TIDEMARK_RETURN_IF_ERROR((Codec<FlatBuffer<T, Schema>>::Check(finished)));
    typename Codec<K>::Buffer buffer;
    return table_.Put(Codec<K>::Encode(key, buffer), finished);
  }
  Status Put(KeyArgument key, const flatbuffers::FlatBufferBuilder& finished) {
    return Put(key, std::string_view(reinterpret_cast<const char*>(finished.GetBufferPointer()),
                                     finished.GetSize()));
  }

  // Removes `key`, present or not. Reads nothing.
  Status Delete(KeyArgument key) {
    typename Codec<K>::Buffer buffer;
    return table_.Delete(Codec<K>::Encode(key, buffer));
  }

  Table& table() & noexcept { return table_; }
  Table table() && noexcept { return std::move(table_); }

 private:
  Table table_;
};

}  // namespace tidemark
