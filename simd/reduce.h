// Reductions of contiguous float spans, on the calling thread, in a fixed order. Sums run in 16
// interleaved chains, whose error grows with count / 16, those of columns in chains of 64.
#pragma once

#include <cstdint>

namespace sardonyx::simd {

float reduce_sum(const float* x, int64_t count);  // 0 when empty
// y[i] is the sum of `count` elements `stride` apart from x[i] on, i < n.
void reduce_sum_columns(const float* x, int64_t count, int64_t stride, float* y, int64_t n);
float reduce_sum_squares(const float* x, int64_t count);  // 0 when empty
float reduce_sum_abs(const float* x, int64_t count);      // 0 when empty
// Sum of (x - center)^2.
float reduce_sum_squared_differences(const float* x, float center, int64_t count);
float dot(const float* a, const float* b, int64_t count);
float reduce_max(const float* x, int64_t count);  // -inf when empty; NaN when an element is
float reduce_min(const float* x, int64_t count);  // inf when empty; NaN when an element is

// The least interval that has 0 and all elements; NaN at both ends when an element is.
struct Extent {
  float low = 0, high = 0;
};
Extent reduce_extent(const float* x, int64_t count);

}  // namespace sardonyx::simd
