// Convolution of 8-bit integers, row-major, as an integer GEMM whose rows are found through an
// indirection table (see integer_gemm.h and conv_indirect.h). The image is copied first: widened to
// 16 bits, the zero point taken away, padded with zeros, in blocks of eight channels, or in pixels
// of all channels where a group has fewer.
#pragma once

#include <cstdint>
#include <optional>

#include "base/block.h"
#include "base/status.h"
#include "simd/conv.h"
#include "simd/integer_gemm.h"

namespace sardonyx::simd {

// int16 elements of the packed weights: [group][panel of 8 channels][pair of taps and
// channels][8][2]. nullopt on overflow.
std::optional<int64_t> integer_conv_packed_size(const ConvSpec& spec);
// From weights [out_channels, group_in, height, width]; `zeros` per output channel.
void integer_conv_pack(const ConvSpec& spec, const ByteMatrix& weights, const int32_t* zeros,
                       int16_t* packed);

// Elements of the per-channel arrays of IntegerOutput; the last ones are not used but read.
constexpr int64_t integer_conv_columns(const ConvSpec& spec) {
  return spec.out_channels + kIntegerPanel;
}

class IntegerConv {
 public:
  // Up to two spatial axes. LIMIT_EXCEEDED when the padded image does not fit, OUT_OF_MEMORY.
  static Result<IntegerConv> make(const ConvShape& shape);

  // int16 elements of scratch that run() needs.
  int64_t scratch_elements() const { return group_stride_ * shape_.groups + kSlack; }

  Status run(const ByteMatrix& x, int32_t x_zero, const int16_t* packed,
             const IntegerOutput& output, int16_t* scratch) const;

 private:
  static constexpr int64_t kSlack = 32;  // elements behind the image that may be read
  struct Image;
  Status stage(const uint8_t* x, const ByteWidener& widen, int16_t* scratch) const;
  void stage_row(const uint8_t* x, const ByteWidener& widen, int64_t group, int64_t block,
                 int64_t row, int16_t* scratch) const;
  Status multiply(const Image& image) const;
  Status filter_channels(const Image& image) const;
  void chunk(const Image& image, int64_t group, int64_t pixel_begin, int64_t pixel_end,
             int64_t panel_begin, int64_t panel_end) const;

  ConvShape shape_;
  int64_t pixel_ = 0;               // elements of a pixel of the image
  int64_t blocks_ = 0;              // of channels, per group
  int64_t rows_ = 0, columns_ = 0;  // of the image
  int64_t group_stride_ = 0;        // elements between groups of the image
  int64_t full_runs_ = 0, tail_runs_ = 0, full_pairs_ = 0, tail_pairs_ = 0;
  Block pixels_, runs_;  // int32 offsets
};

}  // namespace sardonyx::simd
