// Winograd convolution F(4, 3) along the width, row-major, for few channels over three axes: three
// taps along the width without stride, 1, 2 or 4 apart, and any taps along height and depth. Six
// multiplications take the place of twelve.
//
// Sixteen outputs of a row are four tiles, which lie side by side in a vector. With taps `d` apart,
// a tile has every d-th output. Errors are those of winograd_transform.h; NaN, infinity, and values
// above 1e37 of an input may reach every output of the tiles that read it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/block.h"
#include "base/status.h"
#include "simd/activation.h"
#include "simd/conv.h"
#include "simd/conv_image.h"

namespace sardonyx::simd {

bool winograd_rows_takes(const ConvSpec& spec);
// Floats of the packed weights, [tile of channels][point][z][y][input channel][channel of tile].
// nullopt on overflow.
std::optional<int64_t> winograd_rows_packed_size(const ConvSpec& spec);
// From weights [out_channels, in_channels, depth, height, 3].
void winograd_rows_pack(const ConvSpec& spec, const float* weights, float* packed);

class WinogradRows {
 public:
  // LIMIT_EXCEEDED when the transformed input does not fit, OUT_OF_MEMORY.
  static Result<WinogradRows> make(const ConvShape& shape);

  // Floats of scratch that run() needs: the transformed input.
  int64_t scratch_floats() const { return shape_.in_channels * shape_.in[0] * slab_floats_; }

  // y = act(conv(x) + bias + add). `bias` has conv_bias_size() floats (conv_indirect.h); `add`, if
  // not null, is like y.
  Status run(const float* x, const float* packed, const float* bias, const float* add,
             const Activation& activation, float* y, float* scratch) const;

 private:
  struct Unit;
  void stage_row(const float* from, float* to) const;
  Status stage(const float* x, float* scratch) const;
  void put(const ConvImage& image, const Unit& unit, const float* m, int64_t column) const;
  void multiply_rows(const ConvImage& image, int64_t z, int64_t y) const;
  Status multiply(const ConvImage& image) const;

  ConvShape shape_;
  int64_t tiles_ = 0;         // of a row: a multiple of four
  int64_t point_floats_ = 0;  // one plane of a channel, and a row of zeros before and behind it
  int64_t slab_floats_ = 0;   // the same of all points
  Block taps_;  // int32: where each tap reads, from the first one, in the order of the weights
};

}  // namespace sardonyx::simd
