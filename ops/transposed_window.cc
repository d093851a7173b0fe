#include "ops/transposed_window.h"

#include <algorithm>

namespace sardonyx::ops {
namespace {

// Keeps every product of two of these within int64.
constexpr int64_t kMaxExtent = int64_t{1} << 24;

Status wrong_list(const char* name) {
  return error(ErrorCode::ATTRIBUTE_INVALID, "attribute '%s' does not fit the window", name);
}

}  // namespace

Result<TransposedWindow> parse_transposed_window(const Attributes& attributes,
                                                 std::span<const int64_t> kernel) {
  TransposedWindow out;
  SX_ASSIGN(out.window, parse_window(attributes, kernel));
  const auto padding = attributes.get_ints("output_padding");
  if (!padding.empty() && padding.size() != kernel.size()) return wrong_list("output_padding");
  for (size_t i = 0; i < padding.size(); ++i) {
    if (padding[i] < 0 || padding[i] >= std::max(out.window.stride[i], out.window.dilation[i])) {
      return wrong_list("output_padding");
    }
    out.output_padding[i] = padding[i];
  }
  // Some exporters write batch and channels too.
  auto shape = attributes.get_ints("output_shape");
  if (shape.size() == kernel.size() + 2) shape = shape.subspan(2);
  if (!shape.empty() && shape.size() != kernel.size()) return wrong_list("output_shape");
  out.has_output_shape = !shape.empty();
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 1 || shape[i] > kMaxExtent) return wrong_list("output_shape");
    out.output_shape[i] = shape[i];
  }
  return out;
}

Result<WindowAxis> place_transposed(const TransposedWindow& transposed, int axis, int64_t in) {
  const Window& window = transposed.window;
  const auto i = static_cast<size_t>(axis);
  const bool same = window.padding != Window::Padding::kExplicit;
  WindowAxis placed{kUnknownDim, window.pad_begin[i], window.pad_end[i]};
  if (transposed.has_output_shape) placed.out = transposed.output_shape[i];
  if (in == kUnknownDim) return placed;
  if (in > kMaxExtent) {
    return error(ErrorCode::LIMIT_EXCEEDED, "%lld elements along an axis",
                 static_cast<long long>(in));
  }
  const int64_t whole =
      window.stride[i] * (in - 1) + transposed.output_padding[i] + window.reach(axis);
  if (!transposed.has_output_shape && !same) {
    placed.out = whole - placed.pad_begin - placed.pad_end;
  } else {
    if (!transposed.has_output_shape) placed.out = in * window.stride[i];
    // What is wanted beyond the whole is added at the end.
    const int64_t total = std::max<int64_t>(whole - placed.out, 0);
    const bool upper = window.padding == Window::Padding::kSameUpper;
    placed.pad_begin = upper ? total / 2 : total - total / 2;
    placed.pad_end = whole - placed.out - placed.pad_begin;
  }
  if (placed.out >= 1 || in == 0) {
    if (in == 0) placed.out = std::max<int64_t>(placed.out, 0);
    return placed;
  }
  return error(ErrorCode::SHAPE_MISMATCH, "padding %lld + %lld leaves nothing of %lld elements",
               static_cast<long long>(placed.pad_begin), static_cast<long long>(placed.pad_end),
               static_cast<long long>(whole));
}

}  // namespace sardonyx::ops
