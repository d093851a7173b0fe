#include "ops/window.h"

#include <algorithm>

#include "base/checked.h"

namespace sardonyx::ops {
namespace {

// Keeps every product of two of these within int64.
constexpr int64_t kMaxExtent = int64_t{1} << 24;

Status check_extent(const char* name, int64_t value, int64_t least) {
  if (value >= least && value <= kMaxExtent) return {};
  return error(ErrorCode::ATTRIBUTE_INVALID, "%s %lld is not in [%lld, %lld]", name,
               static_cast<long long>(value), static_cast<long long>(least),
               static_cast<long long>(kMaxExtent));
}

// The list of that name, or all ones. `pads` may be twice as long.
Status read_list(const Attributes& attributes, const char* name, int axes, int64_t fallback,
                 std::span<int64_t> to) {
  const auto values = attributes.get_ints(name);
  if (values.empty()) {
    std::fill(to.begin(), to.end(), fallback);
    return {};
  }
  if (values.size() != to.size()) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute '%s' has %zu elements for %d axes", name,
                 values.size(), axes);
  }
  for (size_t i = 0; i < to.size(); ++i) {
    SX_TRY(check_extent(name, values[i], fallback));
    to[i] = values[i];
  }
  return {};
}

Status read_padding(const Attributes& attributes, Window& window) {
  const std::string_view mode = attributes.get_string("auto_pad", "NOTSET");
  if (mode == "SAME_UPPER") {
    window.padding = Window::Padding::kSameUpper;
  } else if (mode == "SAME_LOWER") {
    window.padding = Window::Padding::kSameLower;
  } else if (mode == "NOTSET" || mode.empty()) {
    int64_t pads[2 * kMaxSpatialAxes];
    const auto axes = static_cast<size_t>(window.axes);
    SX_TRY(read_list(attributes, "pads", window.axes, 0, {pads, 2 * axes}));
    std::copy_n(pads, axes, window.pad_begin.begin());
    std::copy_n(pads + axes, axes, window.pad_end.begin());
  } else if (mode != "VALID") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "auto_pad '%.*s' is not known",
                 static_cast<int>(mode.size()), mode.data());
  }
  return {};
}

}  // namespace

Result<Window> parse_window(const Attributes& attributes, std::span<const int64_t> kernel) {
  Window window;
  if (kernel.empty() || kernel.size() > kMaxSpatialAxes) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "a window of %zu axes", kernel.size());
  }
  window.axes = static_cast<int>(kernel.size());
  for (size_t i = 0; i < kernel.size(); ++i) {
    SX_TRY(check_extent("kernel_shape", kernel[i], 1));
    window.kernel[i] = kernel[i];
  }
  SX_TRY(read_list(attributes, "strides", window.axes, 1, {window.stride.data(), kernel.size()}));
  SX_TRY(
      read_list(attributes, "dilations", window.axes, 1, {window.dilation.data(), kernel.size()}));
  SX_TRY(read_padding(attributes, window));
  window.ceil_mode = attributes.get_int("ceil_mode", 0) != 0;
  return window;
}

Result<WindowAxis> place_window(const Window& window, int axis, int64_t in) {
  const auto i = static_cast<size_t>(axis);
  const int64_t stride = window.stride[i], reach = window.reach(axis);
  WindowAxis placed{kUnknownDim, window.pad_begin[i], window.pad_end[i]};
  if (in == kUnknownDim) return placed;
  if (window.padding != Window::Padding::kExplicit) {
    placed.out = ceil_div(in, stride);
    const int64_t total = std::max<int64_t>((placed.out - 1) * stride + reach - in, 0);
    const bool upper = window.padding == Window::Padding::kSameUpper;
    placed.pad_begin = upper ? total / 2 : total - total / 2;
    placed.pad_end = total - placed.pad_begin;
    return placed;
  }
  const int64_t room = in + placed.pad_begin + placed.pad_end - reach;
  if (room < 0) {
    return error(ErrorCode::SHAPE_MISMATCH,
                 "a window of %lld elements does not fit %lld elements with padding %lld + %lld",
                 static_cast<long long>(reach), static_cast<long long>(in),
                 static_cast<long long>(placed.pad_begin), static_cast<long long>(placed.pad_end));
  }
  placed.out = (window.ceil_mode ? ceil_div(room, stride) : room / stride) + 1;
  // A window that would start in the padding after the input is left out.
  if (window.ceil_mode && (placed.out - 1) * stride >= in + placed.pad_begin) --placed.out;
  return placed;
}

}  // namespace sardonyx::ops
