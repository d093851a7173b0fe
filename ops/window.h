// The sliding window of convolutions and poolings: attributes kernel_shape, strides, dilations,
// pads, auto_pad and ceil_mode.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/shape.h"
#include "base/status.h"
#include "ops/attributes.h"

namespace sardonyx::ops {

inline constexpr int kMaxSpatialAxes = kMaxRank - 2;

struct Window {
  enum class Padding : uint8_t { kExplicit, kSameUpper, kSameLower };
  using Axes = std::array<int64_t, kMaxSpatialAxes>;

  int axes = 0;
  Axes kernel{}, stride{}, dilation{}, pad_begin{}, pad_end{};
  Padding padding = Padding::kExplicit;
  bool ceil_mode = false;

  // Input elements from the first to the last tap.
  int64_t reach(int axis) const {
    const auto i = static_cast<size_t>(axis);
    return (kernel[i] - 1) * dilation[i] + 1;
  }
};

// `kernel` is what the weights or kernel_shape say. ATTRIBUTE_INVALID for lists of a wrong length,
// numbers out of [1, 2^24] (pads: [0, 2^24]) and an unknown auto_pad.
Result<Window> parse_window(const Attributes& attributes, std::span<const int64_t> kernel);

struct WindowAxis {
  int64_t out = kUnknownDim;
  int64_t pad_begin = 0, pad_end = 0;
};
// The output extent, and the padding resolved, for one axis of the input, which may be unknown.
// SHAPE_MISMATCH when the window does not fit.
Result<WindowAxis> place_window(const Window& window, int axis, int64_t in);

}  // namespace sardonyx::ops
