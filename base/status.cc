#include "base/status.h"

#include <cstdarg>
#include <utility>

#include "base/message.h"

namespace sardonyx {

std::string_view error_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::OK:
      return "OK";
#define SX_ERROR(name, number, scope, remedy) \
  case ErrorCode::name:                       \
    return #name;
#include "base/errors.def"
#undef SX_ERROR
  }
  return "INTERNAL";
}

Status::Status(ErrorCode code, std::string message) {
  if (code != ErrorCode::OK) {
    detail_ = std::make_unique<Detail>(Detail{code, std::move(message), {}, {}, {}});
  }
}

Status Status::at_node(std::string_view node, std::string_view op) && {
  if (detail_ && detail_->node.empty() && detail_->op.empty()) {
    detail_->node = node;
    detail_->op = op;
  }
  return std::move(*this);
}

Status Status::in_body(std::string_view body) && {
  if (!detail_) return std::move(*this);
  if (!detail_->in_body && !detail_->op.empty()) {
    detail_->message += ", at " + detail_->op;
    if (!detail_->node.empty()) detail_->message += " '" + detail_->node + "'";
  }
  detail_->in_body = true;
  detail_->message += " in ";
  detail_->message += body;
  return std::move(*this);
}

Status Status::at_tensor(std::string_view tensor) && {
  if (detail_ && detail_->tensor.empty()) detail_->tensor = tensor;
  return std::move(*this);
}

Status Status::clone() const {
  Status copy;
  if (detail_) copy.detail_ = std::make_unique<Detail>(*detail_);
  return copy;
}

Status error(ErrorCode code, const char* format, ...) {
  constexpr size_t kMaxBytes = 511;
  va_list args;
  va_start(args, format);
  std::string text = format_message(format, args, kMaxBytes);
  va_end(args);
  return Status(code, std::move(text));
}

}  // namespace sardonyx
