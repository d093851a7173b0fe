// Per-channel arithmetic on images in both layouts.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "base/tensor.h"

namespace sardonyx::simd {

// y[n][c][i] = x[n][c][i] * scale[c] + offset[c]; y may be x. `scale` and `offset` hold `channels`
// floats rounded up to a multiple of four.
Status scale_channels(Layout layout, int64_t images, int64_t channels, int64_t plane,
                      const float* x, const float* scale, const float* offset, float* y);

}  // namespace sardonyx::simd
