// The window of transposed convolutions: what ops/window.h reads, and the attributes output_padding
// and output_shape.
#pragma once

#include "ops/window.h"

namespace sardonyx::ops {

struct TransposedWindow {
  Window window;
  Window::Axes output_padding{}, output_shape{};
  bool has_output_shape = false;
};

// ATTRIBUTE_INVALID as parse_window(), also for output_padding outside [0, stride or dilation).
Result<TransposedWindow> parse_transposed_window(const Attributes& attributes,
                                                 std::span<const int64_t> kernel);

// The output extent of one axis, and how many elements are cut off its ends (negative: added). An
// input extent that is unknown gives an unknown one. SHAPE_MISMATCH when nothing is left.
Result<WindowAxis> place_transposed(const TransposedWindow& window, int axis, int64_t in);

}  // namespace sardonyx::ops
