// Panels of float16 weights, as gemm_pack_halves() leaves them, as float32. Numbers are finite.
#pragma once

#include <cstdint>

#include "simd/gemm_tile.h"
#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {

// Columns 0..3 and 4..7 of a panel.
struct HalfPanelRow {
  f32x4 low, high;
};

// A half's exponent and fraction as those of a float are its value divided by this.
inline constexpr float kHalfScale = 0x1p112f;

// The row divided by kHalfScale.
SX_INLINE HalfPanelRow unscaled_row(const uint16_t* halves) {
  // Sign, exponent and fraction; three copies of the sign between them, and what lay below, go.
  const i32x4 mask = constant<static_cast<int32_t>(0x8fffe000)>();
  const i32x4 lanes{wasm_v128_load(halves)};
  return {from_bits(shift_right(shift_left(lanes, 16), 3) & mask),
          from_bits(shift_right(lanes, 3) & mask)};
}

// `rows` rows of a panel.
SX_INLINE void widen_panel(const uint16_t* halves, int64_t rows, float* to) {
  SX_ROLLED
  for (; rows > 0; --rows, halves += kPanel, to += kPanel) {
    const HalfPanelRow row = unscaled_row(halves);
    store(to, row.low * constant<kHalfScale>());
    store(to + 4, row.high * constant<kHalfScale>());
  }
}

}  // namespace sardonyx::simd
