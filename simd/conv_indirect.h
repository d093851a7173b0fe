// Convolution as a GEMM whose rows are found through an indirection table instead of im2col: row
// `pixel` of A starts at pixels[pixel], its elements lie in runs that start at runs[i] from there.
// One element of each table serves all pixels and channels alike, because borders are copied into a
// zero-padded image first (which also turns row-major input into channel blocks, or into compact
// pixels for fewer than four channels). Convolutions without padding on channel blocks read the
// input where it lies.
#pragma once

#include <cstdint>

#include "base/block.h"
#include "base/status.h"
#include "simd/activation.h"
#include "simd/conv.h"
#include "simd/conv_image.h"

namespace sardonyx::simd {

// Floats of the packed weights: [group][panel of 8 channels][channel block][y][x][lane][8].
// nullopt on overflow.
std::optional<int64_t> indirect_packed_size(const ConvSpec& spec);
// From weights [out_channels, group_in, height, width].
void indirect_pack(const ConvSpec& spec, const float* weights, float* packed);

// Floats that a bias must have, the last ones zero.
int64_t conv_bias_size(const ConvSpec& spec);

class IndirectConv {
 public:
  // LIMIT_EXCEEDED when the padded image does not fit, OUT_OF_MEMORY.
  static Result<IndirectConv> make(const ConvShape& shape);

  // Floats of scratch that run() needs.
  int64_t scratch_floats() const { return stages_ ? groups_stride_ * shape_.groups : 0; }

  // y = act(conv(x) + bias + add). `bias` has conv_bias_size() floats. `add`, if not null, has y's
  // shape and layout.
  Status run(const float* x, const float* packed, const float* bias, const float* add,
             const Activation& activation, float* y, float* scratch) const;

 private:
  Status stage(const float* x, float* scratch) const;
  void stage_row(const float* x, int64_t group, int64_t block, int64_t row, float* scratch) const;
  Status multiply(const ConvImage& image) const;
  void chunk(const ConvImage& image, int64_t group, int64_t pixel_begin, int64_t pixel_end,
             int64_t panel_begin, int64_t panel_end) const;

  ConvShape shape_;
  bool stages_ = false;
  bool gathers_ = false;            // only the pixels that a strided 1x1 convolution reads
  bool compact_ = false;            // pixels of group_in() floats instead of channel blocks
  int64_t blocks_ = 0;              // per group of the image that is read
  int64_t rows_ = 0, columns_ = 0;  // of that image
  int64_t groups_stride_ = 0;       // floats between groups of that image
  Block pixels_, runs_;             // int32 offsets in floats
  int64_t full_runs_ = 0, tail_runs_ = 0;
  int64_t full_length_ = 0, tail_length_ = 0;
};

}  // namespace sardonyx::simd
