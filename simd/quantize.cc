#include "simd/quantize.h"

#include <algorithm>
#include <type_traits>

#include "simd/requantize.h"
#include "simd/unroll.h"
#include "simd/v128.h"
#include "simd/widen_bytes.h"

namespace sardonyx::simd {
namespace {

template <typename T>
constexpr bool kIsByte = sizeof(T) == 1;

// Whole vectors; returns how many elements that were.
int64_t quantize_bytes(const float* x, int64_t count, f32x4 scale, const Quantizer& quantizer,
                       uint8_t* q) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const i32x4 low = quantizer(load(x + i) / scale), high = quantizer(load(x + i + 4) / scale);
    store_low_bytes(q + i, narrow(low, high));
  }
  return i;
}
int64_t dequantize_bytes(const uint8_t* q, int64_t count, float scale, const ByteWidener& widen,
                         float* y) {
  const f32x4 factor = splat(scale);
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const i16x8 difference = widen.eight(q + i);
    store(y + i, to_float(widen_low(difference)) * factor);
    store(y + i + 4, to_float(widen_high(difference)) * factor);
  }
  return i;
}

}  // namespace

template <typename T>
void quantize(const float* x, int64_t count, float scale, const QuantizedRange& range, T* q) {
  const Quantizer quantizer(range);
  const f32x4 divisor = splat(scale);
  int64_t i = 0;
  if constexpr (kIsByte<T>) {
    i = quantize_bytes(x, count, divisor, quantizer, reinterpret_cast<uint8_t*>(q));
  }
  SX_SCALAR
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
    const ByteWidener widen(std::is_signed_v<T>, zero);
    i = dequantize_bytes(reinterpret_cast<const uint8_t*>(q), count, scale, widen, y);
  }
  if constexpr (std::is_same_v<T, int32_t>) {
    for (; zero == 0 && i + 4 <= count; i += 4) store(y + i, to_float(load(q + i)) * splat(scale));
  }
  SX_SCALAR
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
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    v128_t bytes = wasm_v128_load8_splat(table + x[i]);
    bytes = wasm_v128_load8_lane(table + x[i + 1], bytes, 1);
    bytes = wasm_v128_load8_lane(table + x[i + 2], bytes, 2);
    bytes = wasm_v128_load8_lane(table + x[i + 3], bytes, 3);
    bytes = wasm_v128_load8_lane(table + x[i + 4], bytes, 4);
    bytes = wasm_v128_load8_lane(table + x[i + 5], bytes, 5);
    bytes = wasm_v128_load8_lane(table + x[i + 6], bytes, 6);
    bytes = wasm_v128_load8_lane(table + x[i + 7], bytes, 7);
    wasm_v128_store64_lane(y + i, bytes, 0);
  }
  SX_SCALAR
  for (; i < count; ++i) y[i] = table[x[i]];
}

}  // namespace sardonyx::simd
