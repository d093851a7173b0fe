// Register tiles of the fp32 GEMM, for gemm.cc and for convolutions that feed them rows of their
// own (indirect GEMM).
//
// V8 has 15 vector registers. GFLOP/s measured in Chromium 156 on one Zen 4 core, K = 384:
//   relaxed madd      6x8 58, 5x8 55, 4x8 55, 2x16 54, 1x32 51, 3x8 44, 2x8 30, 3x16 25
//   multiply and add  2x16 48, 4x8 47, 5x8 45, 1x32 43, 2x8 37, 6x8 29, 3x16 27
// and 54 (6x8) and 42 (2x16) on channel blocks. Unrolling K makes V8 spill: the loops stay rolled.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/activation.h"
#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {

// Columns per panel of packed B: panel p holds B[k][8p .. 8p+7] for k = 0, 1, ...
inline constexpr int kPanel = 8;
// The best tile, and most rows of a tile of one panel.
inline constexpr int kMainRows = kRelaxed ? 6 : 2;
inline constexpr int kMainPanels = kRelaxed ? 1 : 2;
inline constexpr int kOnePanelRows = kRelaxed ? 6 : 4;

// MR rows by NP panels of accumulators.
template <int MR, int NP>
struct Tile {
  f32x4 acc[MR][2 * NP];
};

template <int MR, int NP>
SX_INLINE void tile_clear(Tile<MR, NP>& tile) {
  for (int r = 0; r < MR; ++r) {
    for (int c = 0; c < 2 * NP; ++c) tile.acc[r][c] = zero();
  }
}

// One step: row r gets *a[r] times the panels' row at b; panels are `panel_stride` floats apart.
template <int MR, int NP>
SX_INLINE void tile_step(Tile<MR, NP>& tile, const float* const (&a)[MR], const float* b,
                         size_t panel_stride) {
  f32x4 columns[2 * NP];
  for (int p = 0; p < NP; ++p) {
    columns[2 * p] = load(b + static_cast<size_t>(p) * panel_stride);
    columns[2 * p + 1] = load(b + static_cast<size_t>(p) * panel_stride + 4);
  }
  for (int r = 0; r < MR; ++r) {
    const f32x4 x = load_splat(a[r]);
    for (int c = 0; c < 2 * NP; ++c) tile.acc[r][c] = madd(x, columns[c], tile.acc[r][c]);
  }
}

// Rows with contiguous K: acc += A[r][0..k) * B, B's rows being b_step floats apart (8 when
// packed).
template <int MR, int NP>
SX_INLINE void tile_accumulate(Tile<MR, NP>& tile, const float* const (&rows)[MR], size_t k,
                               const float* b, size_t panel_stride, size_t b_step = kPanel) {
  const float* a[MR];
  for (int r = 0; r < MR; ++r) a[r] = rows[r];
  SX_ROLLED
  for (; k > 0; --k) {
    tile_step(tile, a, b, panel_stride);
    b += b_step;
    for (int r = 0; r < MR; ++r) ++a[r];
  }
}

// Rows in channel blocks of 4 (NC4HW4): element k of row r is at rows[r] + (k / 4) * block_stride +
// k % 4. Reads exactly k elements per row: lanes beyond are unspecified.
template <int MR, int NP>
SX_INLINE void tile_accumulate_blocked(Tile<MR, NP>& tile, const float* const (&rows)[MR], size_t k,
                                       size_t block_stride, const float* b, size_t panel_stride) {
  const float* a[MR];
  for (int r = 0; r < MR; ++r) a[r] = rows[r];
  SX_ROLLED
  while (k > 0) {
    const size_t lanes = k < 4 ? k : 4;
    SX_ROLLED
    for (size_t i = lanes; i > 0; --i) {
      tile_step(tile, a, b, panel_stride);
      b += kPanel;
      for (int r = 0; r < MR; ++r) ++a[r];
    }
    for (int r = 0; r < MR; ++r) a[r] += block_stride - 4;
    k -= lanes;
  }
}

}  // namespace sardonyx::simd
