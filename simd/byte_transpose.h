// Transposing eight by eight bytes.
#pragma once

#include <cstdint>

#include "simd/v128.h"

namespace sardonyx::simd {

// Rows of eight bytes, two to a vector.
struct Bytes8x8 {
  v128_t rows[4];
};

// Row i is made of the bytes from[0 .. 7][i], from[j] being eight bytes at first + j * stride.
SX_INLINE Bytes8x8 transpose_bytes(const void* first, int64_t stride) {
  const auto* from = static_cast<const uint8_t*>(first);
  v128_t in[8];
  for (int i = 0; i < 8; ++i) in[i] = wasm_v128_load64_zero(from + i * stride);
  const auto zip8 = [](v128_t a, v128_t b) {
    return wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  };
  const v128_t ab = zip8(in[0], in[1]), cd = zip8(in[2], in[3]);
  const v128_t ef = zip8(in[4], in[5]), gh = zip8(in[6], in[7]);
  const v128_t abcd_low = wasm_i16x8_shuffle(ab, cd, 0, 8, 1, 9, 2, 10, 3, 11);
  const v128_t abcd_high = wasm_i16x8_shuffle(ab, cd, 4, 12, 5, 13, 6, 14, 7, 15);
  const v128_t efgh_low = wasm_i16x8_shuffle(ef, gh, 0, 8, 1, 9, 2, 10, 3, 11);
  const v128_t efgh_high = wasm_i16x8_shuffle(ef, gh, 4, 12, 5, 13, 6, 14, 7, 15);
  return {{wasm_i32x4_shuffle(abcd_low, efgh_low, 0, 4, 1, 5),
           wasm_i32x4_shuffle(abcd_low, efgh_low, 2, 6, 3, 7),
           wasm_i32x4_shuffle(abcd_high, efgh_high, 0, 4, 1, 5),
           wasm_i32x4_shuffle(abcd_high, efgh_high, 2, 6, 3, 7)}};
}

}  // namespace sardonyx::simd
