// Resampling along one axis of a tensor [outer, in, inner]: nearest, linear, cubic and their
// antialiased forms are all a table of taps per output position.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"

namespace sardonyx::simd {

// Output position o is the sum over t of weights[o * taps + t] * in[indices[o * taps + t]]; all
// indices are inside the input.
struct Resampling {
  int64_t in = 0, out = 0;
  int64_t taps = 1;
  const int32_t* indices = nullptr;
  const float* weights = nullptr;    // null: one tap of weight 1
  const uint8_t* outside = nullptr;  // non-zero: the output is `fill`; null: none is
  float fill = 0.0f;
};

Status resample(const Resampling& axis, int64_t outer, int64_t inner, const float* x, float* y);

// One tap of weight 1, elements of 1, 2, 4 or 8 bytes; `outside` is ignored.
Status resample_nearest(const Resampling& axis, int64_t outer, int64_t inner, size_t element_bytes,
                        const void* x, void* y);

}  // namespace sardonyx::simd
