// Winograd convolution: stride 1, no dilation, channel blocks in and out. 3x3 by F(4x4, 3x3) or
// F(2x2, 3x3) as ConvSpec::winograd_tile says, 5x5 by F(2x2, 5x5), with so much fewer
// multiplications, and packed weights so much larger, than others need:
//   F(4x4, 3x3)  4 times   4 times
//   F(2x2, 3x3)  2.25      1.78
//   F(2x2, 5x5)  2.78      1.44
//
// The input is cut into overlapping tiles; both they and the filters are transformed, so that a
// convolution becomes one small product of matrices (tiles x channels times channels x filters)
// for each point of the transform. Tiles are taken a few at a time, so that their transforms stay
// in the second-level cache.
//
// NaN, infinity, and values above 1e36 of an input may reach every output of the tiles that read
// it, in all filters of its group, and nothing beyond: at most
// tile + (height - 1) / 2 - 1 rows and columns away where the padding keeps the size.
// The order of sums is not that of a direct convolution: errors are bounded by the largest product
// of a tile, not by that of the output at hand.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "simd/activation.h"
#include "simd/conv.h"

namespace sardonyx::simd {

// Floats of the packed weights, [group][point][panel of 8 filters][channel][8]. The weights are a
// tensor in memory, so that no size here can overflow.
int64_t winograd_packed_size(const ConvSpec& spec);
// From weights [out_channels, group_in, height, width].
void winograd_pack(const ConvSpec& spec, const float* weights, float* packed);

class WinogradConv {
 public:
  explicit WinogradConv(const ConvShape& shape);

  // Floats of scratch that run() needs.
  int64_t scratch_floats() const { return threads_ * thread_floats_; }

  // y = act(conv(x) + bias + add). `bias` has conv_bias_size() floats. `add`, if not null, is like
  // y.
  Status run(const float* x, const float* packed, const float* bias, const float* add,
             const Activation& activation, float* y, float* scratch) const;

 private:
  ConvShape shape_;
  int threads_ = 1;
  int64_t thread_floats_ = 0;
  int64_t tiles_ = 0, tile_columns_ = 0;  // of an image
  int64_t slice_panels_ = 0;              // panels that a chunk takes
};

}  // namespace sardonyx::simd
