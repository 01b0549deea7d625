// Codec<T>: how keys and values become bytes. Specialise it for types of your own.
//
// A codec has
//
// - `kName`: its stable name, saved with the table and compared when the table is opened again
// - `Argument`: what a caller passes in
// - `View`: what a read gives back
// - `Buffer`: scratch space for Encode
// - `Encode(argument, buffer) -> string_view`: into the argument or the buffer, valid as long as
//   both
// - `Decode(bytes) -> Result<View>`: Corruption if these are not such bytes
// - optionally `Check(argument) -> Status`: InvalidArgument for a value that must not be written
// - optionally `Describe(TableOptions&)`: says more of the values than `kName`, their schema say
//
// A read that can give no views (ReadView) makes a V of its codec's View, or does what Owned<V>
// says.
#pragma once

#include <tidemark/status.h>

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tidemark {

// See the head of this file; Codec<T> is defined for those T that have one.
template <class T>
struct Codec;

namespace codec_internal {

// The error of a fixed-size codec that met bytes of another size.
Status WrongSize(std::string_view codec, size_t expected, size_t got);

// The two optional members of a codec.
template <class V>
Status CheckValue(const typename Codec<V>::Argument& value) {
  if constexpr (requires { Codec<V>::Check(value); }) return Codec<V>::Check(value);
  return {};
}
template <class V, class Options>
void DescribeValues(Options& options) {
  options.value_codec = Codec<V>::kName;
  if constexpr (requires { Codec<V>::Describe(options); }) Codec<V>::Describe(options);
}

template <class T>
constexpr std::string_view IntegerName() {
  constexpr std::string_view kUnsigned[] = {"u8", "u16", "", "u32", "", "", "", "u64"};
  constexpr std::string_view kSigned[] = {"i8", "i16", "", "i32", "", "", "", "i64"};
  if constexpr (std::is_signed_v<T>) return kSigned[sizeof(T) - 1];
  return kUnsigned[sizeof(T) - 1];
}

template <std::unsigned_integral U>
constexpr U BigEndian(U value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(U) == 1) {
    return value;
  } else if constexpr (sizeof(U) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(U) == 4) {
    return __builtin_bswap32(value);
  } else {
    return __builtin_bswap64(value);
  }
}

}  // namespace codec_internal

// Integers: big-endian with the sign bit flipped, so that bytes sort as numbers do.
template <std::integral T>
requires(!std::same_as<T, bool>) struct Codec<T> {
  static constexpr std::string_view kName = codec_internal::IntegerName<T>();
  using Argument = T;
  using View = T;
  using Buffer = std::array<char, sizeof(T)>;
  using Unsigned = std::make_unsigned_t<T>;
  static constexpr Unsigned kSign =
      std::is_signed_v<T> ? static_cast<Unsigned>(Unsigned{1} << (8 * sizeof(T) - 1)) : Unsigned{0};

  static std::string_view Encode(T value, Buffer& buffer) {
    const Unsigned bits =
        codec_internal::BigEndian(static_cast<Unsigned>(static_cast<Unsigned>(value) ^ kSign));
    std::memcpy(buffer.data(), &bits, sizeof(bits));
    return {buffer.data(), buffer.size()};
  }
  static Result<View> Decode(std::string_view bytes) {
    if (bytes.size() != sizeof(T)) return codec_internal::WrongSize(kName, sizeof(T), bytes.size());
    Unsigned bits;
    std::memcpy(&bits, bytes.data(), sizeof(bits));
    return static_cast<T>(static_cast<Unsigned>(codec_internal::BigEndian(bits) ^ kSign));
  }
};

// Strings: their bytes. Reads give a view into the cache.
template <>
struct Codec<std::string> {
  static constexpr std::string_view kName = "string";
  using Argument = std::string_view;
  using View = std::string_view;
  struct Buffer {};

  static std::string_view Encode(std::string_view value, Buffer&) { return value; }
  template <std::same_as<std::string> Temporary>
  static std::string_view Encode(Temporary&& value, Buffer&) = delete;
  static Result<View> Decode(std::string_view bytes) { return bytes; }
};

// Trivially copyable structs, floating point numbers and enums: their bytes in memory, which
// this library therefore only builds for little-endian machines. Padding is stored too: prefer
// structs without it.
template <class T>
requires(std::is_trivially_copyable_v<T>&& std::is_default_constructible_v<T> &&
         (std::is_class_v<T> || std::is_floating_point_v<T> ||
          std::is_enum_v<T>)&&!std::is_pointer_v<T> &&
         !requires { typename T::TidemarkFlatBuffer; }) struct Codec<T> {
  static_assert(std::endian::native == std::endian::little);
  static_assert(!std::ranges::enable_borrowed_range<T>,
                "a view would be stored as a pointer: use std::string, or a codec of your own");
  static constexpr auto kNameBytes = [] {
    std::array<char, 16> name{'s', 't', 'r', 'u', 'c', 't', '/'};
    size_t digits = 1;
    for (size_t n = sizeof(T); n >= 10; n /= 10) ++digits;
    for (size_t n = sizeof(T), i = digits; i > 0; --i, n /= 10)
      name[6 + i] = static_cast<char>('0' + n % 10);
    name[15] = static_cast<char>(7 + digits);
    return name;
  }();
  // `struct/24` for 24 bytes.
  static constexpr std::string_view kName{kNameBytes.data(), static_cast<size_t>(kNameBytes[15])};
  using Argument = const T&;
  using View = T;
  struct Buffer {};

  static std::string_view Encode(const T& value, Buffer&) {
    return {reinterpret_cast<const char*>(&value), sizeof(T)};
  }
  static std::string_view Encode(const T&& value, Buffer&) = delete;
  static Result<View> Decode(std::string_view bytes) {
    if (bytes.size() != sizeof(T)) return codec_internal::WrongSize(kName, sizeof(T), bytes.size());
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
};

// What a read gives back that gives no views: something that owns all it holds. It is V itself,
// made of its codec's View; specialise this for a V that cannot be made of one.
template <class V>
struct Owned {
  using Type = V;
  static Result<Type> Decode(std::string bytes) {
    static_assert(std::is_constructible_v<V, typename Codec<V>::View>,
                  "specialise tidemark::Owned for a type that cannot be made of its codec's View");
    TIDEMARK_ASSIGN_OR_RETURN(typename Codec<V>::View view, Codec<V>::Decode(bytes));
    return V(std::move(view));
  }
};

}  // namespace tidemark
