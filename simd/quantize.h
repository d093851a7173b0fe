// Between float32 and integers with one scale and zero point: real = (q - zero) * scale. On the
// calling thread.
#pragma once

#include <cstdint>

namespace sardonyx::simd {

// The zero point and the bounds of the integers that quantization may give.
struct QuantizedRange {
  int32_t zero = 0;
  int32_t low = 0;
  int32_t high = 255;
};

// q[i] = clamp(nearest(x[i] / scale) + zero), ties to even; NaN gives the zero point. Bounds are
// within T, one of uint8_t, int8_t, uint16_t and int16_t.
template <typename T>
void quantize(const float* x, int64_t count, float scale, const QuantizedRange& range, T* q);

// y[i] = (q[i] - zero) * scale, T as above or int32_t.
template <typename T>
void dequantize(const T* q, int64_t count, float scale, int32_t zero, float* y);

// y[i] = table[x[i]], bytes.
void look_up(const uint8_t* table, const uint8_t* x, int64_t count, uint8_t* y);

}  // namespace sardonyx::simd
