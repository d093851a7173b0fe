// Sums of integer products on their way to 8 bits or to floats.
#pragma once

#include <cstdint>

#include "simd/quantize.h"
#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {

// q = clamp(nearest(leak(sum * scale[column] + bias[column])) + zero), in float32 with every
// operation rounded by itself, in all modules alike. leak(v) is v * slope for v < 0.
struct Requantization {
  const float* scale = nullptr;  // per column
  const float* bias = nullptr;   // per column
  QuantizedRange range;
  float slope = 1;  // in [0, 1]
};

// y = sum * scale[column] + bias[column], in the same way.
struct FloatScaling {
  const float* scale = nullptr;  // per column
  const float* bias = nullptr;   // per column
};

// What becomes of the sums: bytes, floats or, with neither, the int32 sums themselves.
struct IntegerOutput {
  void* data = nullptr;
  const int32_t* first = nullptr;  // per column: what the sums start with
  const Requantization* quantize = nullptr;
  const FloatScaling* scaling = nullptr;

  int64_t element_bytes() const { return quantize ? 1 : 4; }
};

// Adding it to a float of less than 2^22 rounds that, ties to even, to an integer that stands in
// the low bits of the result.
inline constexpr float kRound = 12582912.0f;  // 1.5 * 2^23

// Four floats to integers: clamp(nearest(x) + zero).
class Quantizer {
 public:
  explicit Quantizer(const QuantizedRange& range)
      : low_(splat(static_cast<float>(range.low - range.zero))),
        high_(splat(static_cast<float>(range.high - range.zero))),
        round_(splat(kRound)),
        zero_(splat(range.zero) - bits(splat(kRound))) {}

  // A NaN becomes 0 steps.
  SX_INLINE i32x4 operator()(f32x4 x) const {
    const f32x4 number = from_bits(bits(x) & (x == x));
    return bits(pmin(pmax(number, low_), high_) + round_) + zero_;
  }

 private:
  f32x4 low_, high_, round_;
  i32x4 zero_;
};

// The low bytes of the eight lanes of a, then of b.
SX_INLINE v128_t low_bytes(i16x8 a, i16x8 b) {
  const v128_t mask = wasm_i16x8_splat(255);
  return wasm_u8x16_narrow_i16x8(wasm_v128_and(a.v, mask), wasm_v128_and(b.v, mask));
}

// Sums to the integers of bytes.
class Requantizer {
 public:
  explicit Requantizer(const Requantization& to)
      : low_(splat(static_cast<float>(to.range.low - to.range.zero))),
        high_(splat(static_cast<float>(to.range.high - to.range.zero))),
        slope_(splat(to.slope)),
        leaks_(to.slope != 1),
        round_(splat(kRound)),
        zero_(splat(to.range.zero) - bits(splat(kRound))) {}

  // A NaN becomes the lower bound.
  SX_INLINE i32x4 operator()(i32x4 sum, f32x4 scale, f32x4 bias) const {
    const f32x4 x = to_float(sum) * scale + bias;
    return round(pmax(x, x * slope_));
  }
  // 16 sums as bytes.
  SX_INLINE v128_t bytes(const i32x4 (&sums)[4], const f32x4 (&scale)[4],
                         const f32x4 (&bias)[4]) const {
    f32x4 x[4];
    SX_UNROLLED
    for (int i = 0; i < 4; ++i) x[i] = to_float(sums[i]) * scale[i] + bias[i];
    if (leaks_) {
      SX_UNROLLED
      for (int i = 0; i < 4; ++i) x[i] = pmax(x[i], x[i] * slope_);
    }
    return low_bytes(narrow(round(x[0]), round(x[1])), narrow(round(x[2]), round(x[3])));
  }

 private:
  SX_INLINE i32x4 round(f32x4 x) const { return bits(pmin(pmax(low_, x), high_) + round_) + zero_; }

  f32x4 low_, high_, slope_;
  bool leaks_;
  f32x4 round_;
  i32x4 zero_;
};

// The rest of an output that is not quantized: four lanes of int32 or of float32.
class SumFinisher {
 public:
  explicit SumFinisher(bool to_floats) : to_floats_(to_floats) {}

  SX_INLINE i32x4 operator()(i32x4 sum, f32x4 scale, f32x4 bias) const {
    return to_floats_ ? bits(to_float(sum) * scale + bias) : sum;
  }

 private:
  bool to_floats_;
};

// Puts sums [rows][8] of columns from `column` on into `columns` columns, at most 8, of rows that
// are `stride` elements apart, the first of them at element `at`. Changes the sums, of which whole
// pairs of rows are read.
void put_integer_panel(const IntegerOutput& to, int32_t* sums, int64_t rows, int64_t column,
                       int64_t columns, int64_t stride, int64_t at);
// out[i] = quantize(sums[i] + first), the parameters being those of one column; 16 and 16 sums are
// read, and `count` outputs written.
void requantize_row(const Requantization& to, int64_t column, int32_t first, const int32_t* sums,
                    int64_t count, uint8_t* out);

// The same for outputs of four bytes; four and four sums are read.
void finish_row(const IntegerOutput& to, int64_t column, int32_t first, const int32_t* sums,
                int64_t count, int32_t* out);

}  // namespace sardonyx::simd
