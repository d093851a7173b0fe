// Convolution of any number of groups over one to three axes, row-major, vectorised along the
// width: for few output channels per group, where the panels of the indirect GEMM stay half empty,
// and for three axes. The input is copied into rows with padding at both ends and, for strides
// above 1, with the columns of each phase together, so that every tap reads neighbouring floats.
#pragma once

#include <cstdint>
#include <optional>

#include "base/block.h"
#include "base/status.h"
#include "simd/activation.h"
#include "simd/conv.h"
#include "simd/conv_image.h"

namespace sardonyx::simd {

// Floats of the packed weights: [group][tile of channels][x][z][y][input channel][channel of tile].
// nullopt on overflow.
std::optional<int64_t> direct_packed_size(const ConvSpec& spec);
// From weights [out_channels, group_in, depth, height, width].
void direct_pack(const ConvSpec& spec, const float* weights, float* packed);

class DirectConv {
 public:
  // Layouts in `shape` are ignored. LIMIT_EXCEEDED when the padded image does not fit,
  // OUT_OF_MEMORY.
  static Result<DirectConv> make(const ConvShape& shape);

  // Floats of scratch that run() needs.
  int64_t scratch_floats() const { return shape_.in_channels * channel_floats_; }

  // y = act(conv(x) + bias + add). `bias` has conv_bias_size() floats (conv_indirect.h); `add`, if
  // not null, is like y.
  Status run(const float* x, const float* packed, const float* bias, const float* add,
             const Activation& activation, float* y, float* scratch) const;

 private:
  void stage_row(const float* from, float* to) const;
  Status stage(const float* x, float* scratch) const;
  void chunk(const ConvImage& image, int64_t group, int64_t row, int64_t column, int64_t end) const;
  Status multiply(const ConvImage& image) const;

  ConvShape shape_;
  int64_t phase_floats_ = 0;    // of one phase of a row
  int64_t channel_floats_ = 0;  // of a staged channel
  Block taps_;  // int32: where each tap reads, from the first one, in the order of the weights
};

}  // namespace sardonyx::simd
