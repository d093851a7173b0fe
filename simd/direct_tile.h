// What direct convolutions over rows share: which taps a tile takes, and the loop over them.
#pragma once

#include <cstdint>

#include "simd/conv.h"
#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {

// A tile is up to six channels high, and as many columns wide as V8's 15 registers allow.
inline constexpr int64_t kTileChannels = 6;
// Channels of the tile that starts where so many are left: about equal parts.
int64_t tile_channels(int64_t left);

struct Range {
  int64_t begin, end;
};
// Taps of an axis that read inside the input for any output from `first` to `last`.
Range taps_inside(const ConvShape& shape, int axis, int64_t first, int64_t last);

// Which taps of a table [x][z][y][channel] a tile takes: `outer` times `inner` runs of `length`.
struct Runs {
  int64_t outer, outer_step, inner, inner_step, length;
};
// Neighbouring runs become one. `first` is where the first one starts.
Runs runs_of(const ConvShape& shape, Range x, Range z, Range y, int64_t& first);

// The smaller side of the tile is held in registers while the other one is read. Eight sums hide
// the latency of madd.
template <int MR, int NV>
SX_INLINE void add_tap(f32x4 (&acc)[MR][NV], const float* x, const float* w) {
  if constexpr (MR <= NV) {
    f32x4 weights[MR];
    SX_UNROLLED
    for (int r = 0; r < MR; ++r) weights[r] = load_splat(w + r);
    SX_UNROLLED
    for (int v = 0; v < NV; ++v) {
      const f32x4 columns = load(x + 4 * v);
      SX_UNROLLED
      for (int r = 0; r < MR; ++r) acc[r][v] = madd(columns, weights[r], acc[r][v]);
    }
  } else {
    f32x4 columns[NV];
    SX_UNROLLED
    for (int v = 0; v < NV; ++v) columns[v] = load(x + 4 * v);
    SX_UNROLLED
    for (int r = 0; r < MR; ++r) {
      const f32x4 weight = load_splat(w + r);
      SX_UNROLLED
      for (int v = 0; v < NV; ++v) acc[r][v] = madd(columns[v], weight, acc[r][v]);
    }
  }
}

// The taps of `runs`, which have weights [tap][MR].
template <int MR, int NV>
SX_INLINE void add_runs(f32x4 (&acc)[MR][NV], const Runs& runs, const float* x, const int32_t* taps,
                        const float* weights) {
  SX_ROLLED
  for (int64_t i = 0; i < runs.outer; ++i) {
    int64_t first = i * runs.outer_step;
    SX_ROLLED
    for (int64_t j = 0; j < runs.inner; ++j, first += runs.inner_step) {
      const int32_t* tap = taps + first;
      const int32_t* end = tap + runs.length;
      const float* w = weights + first * MR;
      SX_ROLLED
      for (; tap != end; ++tap, w += MR) add_tap<MR, NV>(acc, x + *tap, w);
    }
  }
}

}  // namespace sardonyx::simd
