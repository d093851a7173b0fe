// Errors as values. Nothing in the core throws, prints or aborts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sardonyx {

enum class ErrorCode : uint8_t {
  OK = 0,
#define SX_ERROR(code, number, scope, remedy) code = number,
#include "base/errors.def"
#undef SX_ERROR
};

// Stable upper-case name, e.g. "INPUT_SHAPE".
std::string_view error_name(ErrorCode code);

// Success, or a code with a message and the place it is about. OK holds no allocation.
// Thread-compatible.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(ErrorCode code, std::string message);
  Status(Status&&) = default;
  Status& operator=(Status&&) = default;
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;

  bool ok() const { return detail_ == nullptr; }
  ErrorCode code() const { return detail_ ? detail_->code : ErrorCode::OK; }
  std::string_view message() const { return detail_ ? detail_->message : std::string_view(); }
  std::string_view node() const { return detail_ ? detail_->node : std::string_view(); }
  std::string_view op() const { return detail_ ? detail_->op : std::string_view(); }
  std::string_view tensor() const { return detail_ ? detail_->tensor : std::string_view(); }

  // Name the place. Fields that an inner layer has set already are kept.
  Status at_node(std::string_view node, std::string_view op) &&;
  Status at_tensor(std::string_view tensor) &&;
  // Adds to the message where the node is: ", at Add 'x' in the body of Loop 'y'", once per body
  // from the inside out. `body` is "the body of Loop 'y'".
  Status in_body(std::string_view body) &&;

  Status clone() const;

 private:
  struct Detail {
    ErrorCode code;
    std::string message, node, op, tensor;
    bool in_body = false;
  };
  std::unique_ptr<Detail> detail_;
};

// A value, or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit by design
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: implicit by design
  bool ok() const { return value_.has_value(); }
  T& value() { return *value_; }
  const T& value() const { return *value_; }
  T& operator*() { return *value_; }
  T* operator->() { return &*value_; }
  const Status& status() const { return status_; }
  Status take_status() { return std::move(status_); }
  T take() { return std::move(*value_); }

 private:
  std::optional<T> value_;
  Status status_;
};

// printf-style message; the format is checked by the compiler.
Status error(ErrorCode code, const char* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace sardonyx

#define SX_CONCAT_(a, b) a##b
#define SX_CONCAT(a, b) SX_CONCAT_(a, b)

// Return from the function with the Status of `expr` unless it is OK.
#define SX_TRY(expr)                         \
  do {                                       \
    ::sardonyx::Status sx_status_ = (expr);  \
    if (!sx_status_.ok()) return sx_status_; \
  } while (0)

// Declare or assign `lhs` from a Result, or return its Status.
#define SX_ASSIGN(lhs, expr)                                                                       \
  auto SX_CONCAT(sx_result_, __LINE__) = (expr);                                                   \
  if (!SX_CONCAT(sx_result_, __LINE__).ok()) return SX_CONCAT(sx_result_, __LINE__).take_status(); \
  lhs = SX_CONCAT(sx_result_, __LINE__).take()
