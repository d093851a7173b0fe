#include "simd/quantize.h"

#include <algorithm>
#include <cmath>

#include "simd/requantize.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

template <typename T>
constexpr bool kIsByte = sizeof(T) == 1;

}  // namespace

template <typename T>
void quantize(const float* x, int64_t count, float scale, const QuantizedRange& range, T* q) {
  const Quantizer quantizer(range);
  const f32x4 divisor = splat(scale);
  int64_t i = 0;
  if constexpr (kIsByte<T>) {
    for (; i + 8 <= count; i += 8) {
      store_narrow(q + i,
                   narrow(quantizer(load(x + i) / divisor), quantizer(load(x + i + 4) / divisor)));
    }
  }
  for (; i < count; i += 4) {
    const int64_t n = std::min<int64_t>(count - i, 4);
    int32_t lanes[4];
    store(lanes, quantizer(load_partial(x + i, n) / divisor));
    for (int64_t j = 0; j < n; ++j) q[i + j] = static_cast<T>(lanes[j]);
  }
}

template <typename T>
void dequantize(const T* q, int64_t count, float scale, int32_t zero, float* y) {
  int64_t i = 0;
  if constexpr (kIsByte<T>) {
    const f32x4 factor = splat(scale);
    const i16x8 offset = splat(static_cast<int16_t>(zero));
    for (; i + 8 <= count; i += 8) {
      const i16x8 difference = load_wide(q + i) - offset;
      store(y + i, to_float(widen_low(difference)) * factor);
      store(y + i + 4, to_float(widen_high(difference)) * factor);
    }
  }
  for (; i < count; ++i) {
    // In 64 bits: the difference of two int32 may need 33.
    y[i] = static_cast<float>(int64_t{q[i]} - zero) * scale;
  }
}

template void quantize(const float*, int64_t, float, const QuantizedRange&, uint8_t*);
template void quantize(const float*, int64_t, float, const QuantizedRange&, int8_t*);
template void quantize(const float*, int64_t, float, const QuantizedRange&, uint16_t*);
template void quantize(const float*, int64_t, float, const QuantizedRange&, int16_t*);
template void dequantize(const uint8_t*, int64_t, float, int32_t, float*);
template void dequantize(const int8_t*, int64_t, float, int32_t, float*);
template void dequantize(const uint16_t*, int64_t, float, int32_t, float*);
template void dequantize(const int16_t*, int64_t, float, int32_t, float*);
template void dequantize(const int32_t*, int64_t, float, int32_t, float*);

void look_up(const uint8_t* table, const uint8_t* x, int64_t count, uint8_t* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = table[x[i]];
}

}  // namespace sardonyx::simd
