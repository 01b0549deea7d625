// Status and Result<T>: how every fallible call of Tidemark reports what happened.
//
// A code is a reaction, not a diagnosis: it tells the caller what kind of thing to do next. The
// diagnosis is the stable error name (`segment-checksum`), which scripts may match and
// `ckpt-inspect explain` knows, and the message, which names path, offset, expected and got, and
// the next step.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

// Lets compilers that know the attribute (Clang) warn about a view of what is gone by then.
#if defined(__has_cpp_attribute) && __has_cpp_attribute(clang::lifetimebound)
#define TIDEMARK_LIFETIME_BOUND [[clang::lifetimebound]]
#else
#define TIDEMARK_LIFETIME_BOUND
#endif

namespace tidemark {

// What the caller should do about it. Values are part of the C ABI to come: do not renumber.
enum class StatusCode : uint8_t {
  kOk = 0,
  kNotFound = 1,            // the named thing does not exist; the message says what does
  kAlreadyExists = 2,       // the name is taken
  kInvalidArgument = 3,     // the caller's fault; the message names the argument and its bounds
  kCorruption = 4,          // proven damage of stored bytes; restore from an intact checkpoint
  kIncompatibleFormat = 5,  // written by a newer Tidemark, or by another kind of program
  kUnavailable = 6,         // the medium failed; a retry may help
  kFenced = 7,              // a newer writer owns the repository; this one must stop
  kBusy = 8,                // somebody else holds it now
  kClosed = 9,              // used after Close, or after the store failed
  kResourceExhausted = 10,  // memory budget, disk or quota; free some and retry
  kUnsupported = 11,        // valid, but not by this implementation
  kInternal = 12,           // a bug in Tidemark; please report
};

// The code's name as text, `Corruption` for example. Never empty.
std::string_view StatusCodeName(StatusCode code);

// Thrown by `Result::value()` and `Status::Check()` only. The library itself does not throw.
class BadStatus : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An outcome: OK, or a code with a stable name and a message.
//
// One pointer wide; OK allocates nothing.
// Thread safety: a value type; const members may be called concurrently.
class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  // `name` is the stable error name (lower case, hyphens). `code` must not be kOk.
  Status(StatusCode code, std::string_view name, std::string message);

  Status(const Status& other) : rep_(other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr) {}
  Status& operator=(const Status& other) {
    if (this != &other) rep_ = other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr;
    return *this;
  }
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;
  ~Status() = default;

  static Status Ok() noexcept { return {}; }

  bool ok() const noexcept { return rep_ == nullptr; }
  explicit operator bool() const noexcept { return ok(); }
  StatusCode code() const noexcept { return rep_ ? rep_->code : StatusCode::kOk; }
  // The stable error name; empty when OK. Valid as long as this object.
  std::string_view name() const noexcept TIDEMARK_LIFETIME_BOUND {
    return rep_ ? std::string_view(rep_->name) : "";
  }
  // For people; empty when OK. Valid as long as this object.
  std::string_view message() const noexcept TIDEMARK_LIFETIME_BOUND {
    return rep_ ? std::string_view(rep_->message) : "";
  }
  // `Corruption (segment-checksum): ...`, or `OK`.
  std::string ToString() const;

  // The same status with `context: ` before the message. OK stays OK.
  Status WithContext(std::string_view context) const;

  // Throws BadStatus with ToString() unless OK. For programs that treat any error as fatal.
  void Check() const;

 private:
  struct Rep {
    StatusCode code;
    std::string name;
    std::string message;
  };
  std::unique_ptr<Rep> rep_;
};

// A value or the Status that says why there is none. Member names are those of std::expected, but
// a Result that is a temporary gives by value what std::expected refers to, so that neither
// `for (auto& x : List().value())` nor `const auto& x = Find().value()` dangles.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  // `error` must not be OK; an OK one becomes an Internal error.
  Result(Status error)  // NOLINT(google-explicit-constructor)
      : error_(error.ok() ? Status(StatusCode::kInternal, "ok-without-value",
                                   "a Result was made from an OK status without a value")
                          : std::move(error)) {}

  bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }

  // The value; throws BadStatus when there is none.
  T& value() & TIDEMARK_LIFETIME_BOUND { return Checked(), *value_; }
  const T& value() const& TIDEMARK_LIFETIME_BOUND { return Checked(), *value_; }
  T value() && { return Checked(), std::move(*value_); }

  // The value; undefined when there is none.
  T& operator*() & noexcept TIDEMARK_LIFETIME_BOUND { return *value_; }
  const T& operator*() const& noexcept TIDEMARK_LIFETIME_BOUND { return *value_; }
  T operator*() && noexcept(std::is_nothrow_move_constructible_v<T>) { return std::move(*value_); }
  // Members of the value; undefined when there is none. Not of a temporary, because nobody can
  // have looked whether that has one.
  T* operator->() & noexcept TIDEMARK_LIFETIME_BOUND { return &*value_; }
  const T* operator->() const& noexcept TIDEMARK_LIFETIME_BOUND { return &*value_; }
  const T* operator->() const&& = delete;

  template <class U>
  T value_or(U&& fallback) const& {
    return has_value() ? *value_ : static_cast<T>(std::forward<U>(fallback));
  }
  template <class U>
  T value_or(U&& fallback) && {
    return has_value() ? std::move(*value_) : static_cast<T>(std::forward<U>(fallback));
  }

  // OK when there is a value.
  const Status& error() const& noexcept TIDEMARK_LIFETIME_BOUND { return error_; }
  Status error() && noexcept { return std::move(error_); }

 private:
  void Checked() const {
    if (!has_value()) error_.Check();
  }

  std::optional<T> value_;
  Status error_;
};

}  // namespace tidemark

// Returns the error of `expression` (a Status) from the enclosing function, if it is one.
#define TIDEMARK_RETURN_IF_ERROR(expression)                                        \
  do {                                                                              \
    if (::tidemark::Status tidemark_status_ = (expression); !tidemark_status_.ok()) \
      return tidemark_status_;                                                      \
  } while (false)

#define TIDEMARK_CONCAT_INNER_(a, b) a##b
#define TIDEMARK_CONCAT_(a, b) TIDEMARK_CONCAT_INNER_(a, b)
// `TIDEMARK_ASSIGN_OR_RETURN(auto x, Make());` binds the value of a Result or returns its error.
#define TIDEMARK_ASSIGN_OR_RETURN(lhs, expression) \
  TIDEMARK_ASSIGN_OR_RETURN_(TIDEMARK_CONCAT_(tidemark_result_, __LINE__), lhs, expression)
#define TIDEMARK_ASSIGN_OR_RETURN_(result, lhs, expression)  \
  auto result = (expression);                                \
  if (!result.has_value()) return std::move(result).error(); \
  lhs = *std::move(result)
