// Winograd convolution along one axis, F(4, 5), channel blocks in and out, for kernels of four and
// more taps along an axis without stride and dilation: 5x5, 5x1, 3x39 and the like; F(6, 3) for
// three taps of one axis. The other axis is as in a direct convolution. Five taps take 8
// multiplications for 4 outputs instead of 20, three for 6 instead of 18; longer kernels are cut
// into groups of four taps, the last one of up to five, which read the same transformed tiles of
// the input.
//
// NaN, infinity, and values above 1e36 of an input may reach every output of the tiles that read
// it, in all filters. Errors are about those of a direct sum (points 0, +-1/2, +-1, +-2, infinity).
#pragma once

#include <cstdint>
#include <optional>

#include "base/block.h"
#include "base/status.h"
#include "simd/activation.h"
#include "simd/conv.h"
#include "simd/conv_image.h"

namespace sardonyx::simd {

bool winograd_line_takes(const ConvSpec& spec);
// Floats of the packed weights, [panel of 8 filters][point][across][group of taps][channel][8].
std::optional<int64_t> winograd_line_packed_size(const ConvSpec& spec);
// From weights [out_channels, in_channels, height, width].
void winograd_line_pack(const ConvSpec& spec, const float* weights, float* packed);

class WinogradLine {
 public:
  // Layouts in `shape` are ignored. LIMIT_EXCEEDED, OUT_OF_MEMORY.
  static Result<WinogradLine> make(const ConvShape& shape);

  // Floats of scratch that run() needs: the transformed input.
  int64_t scratch_floats() const { return shape_.in[across_] * row_floats_; }

  // y = act(conv(x) + bias + add). `bias` has conv_bias_size() floats (conv_indirect.h); `add`, if
  // not null, is like y.
  Status run(const float* x, const float* packed, const float* bias, const float* add,
             const Activation& activation, float* y, float* scratch) const;

 private:
  Status stage(const float* x, float* v) const;
  void unit(const ConvImage& image, int64_t row, int64_t tile, int64_t panel) const;
  void put(const ConvImage& image, const float* m, int64_t row, int64_t tile, int64_t block) const;
  Status multiply(const ConvImage& image) const;

  ConvShape shape_;
  int along_ = 2, across_ = 1;  // axes
  int64_t tile_outputs_ = 0;
  int64_t tiles_ = 0, staged_tiles_ = 0;       // along a row of the output, of the input
  int64_t point_floats_ = 0, row_floats_ = 0;  // of the transformed input
  Block runs_;  // int32: where four channels of a group of taps lie from the first
};

}  // namespace sardonyx::simd
