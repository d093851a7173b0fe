// Bytes from two places in turn, as the pairs of integer products.
#pragma once

#include <cstdint>

#include "simd/v128.h"

namespace sardonyx::simd {

// a[0] b[0] a[s] b[s] ... for eight pixels. Strides 1 and 2 read 8 and 16 bytes of each, others
// (kStride 0) those of the first `count` pixels only.
template <int kStride>
SX_INLINE v128_t zip_bytes(const uint8_t* a, const uint8_t* b, int64_t stride, int64_t count) {
  if constexpr (kStride == 1) {
    return wasm_i8x16_shuffle(wasm_v128_load64_zero(a), wasm_v128_load64_zero(b), 0, 16, 1, 17, 2,
                              18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  }
  if constexpr (kStride == 2) {
    const v128_t even = wasm_v128_and(wasm_v128_load(a), constant<0x00FF00FF>().v);
    return wasm_v128_or(even, wasm_i16x8_shl(wasm_v128_load(b), 8));
  }
  uint8_t bytes[16] = {};
  for (int64_t i = 0; i < count && i < 8; ++i) {
    bytes[2 * i] = a[i * stride];
    bytes[2 * i + 1] = b[i * stride];
  }
  return wasm_v128_load(bytes);
}

// The first and the last eight bytes, widened without sign.
SX_INLINE i16x8 widen_low_bytes(v128_t bytes) {
  return {wasm_u16x8_extend_low_u8x16(bytes)};
}
SX_INLINE i16x8 widen_high_bytes(v128_t bytes) {
  return {wasm_u16x8_extend_high_u8x16(bytes)};
}

}  // namespace sardonyx::simd
