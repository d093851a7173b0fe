// Sums of integer products on their way to 8 bits.
#pragma once

#include <cstdint>

#include "simd/quantize.h"
#include "simd/v128.h"

namespace sardonyx::simd {

// Four floats to integers: clamp(nearest(x) + zero), ties to even.
class Quantizer {
 public:
  explicit Quantizer(const QuantizedRange& range)
      : low_(splat(static_cast<float>(range.low - range.zero))),
        high_(splat(static_cast<float>(range.high - range.zero))),
        zero_(splat(range.zero)) {}

  // A NaN passes both bounds and becomes 0.
  SX_INLINE i32x4 operator()(f32x4 x) const {
    return to_int_sat(nearest(pmin(pmax(x, low_), high_))) + zero_;
  }

 private:
  f32x4 low_, high_;
  i32x4 zero_;
};

// q = clamp(nearest((sum * scale[column] + bias[column]) / out_scale) + zero), in float32 with
// every operation rounded by itself, in all modules alike.
struct Requantization {
  const float* scale = nullptr;  // per column
  const float* bias = nullptr;   // per column
  QuantizedRange range;
};

}  // namespace sardonyx::simd
