// Convolution of 8-bit integers, row-major: per block of output pixels the bytes that their windows
// read are widened to 16 bits and laid out as the panels of a product (integer_tile.h), whose rows
// are the filters. One channel per group is computed by integer_depthwise.h, 3x3 where the spec
// says so by integer_winograd.h.
#pragma once

#include <cstdint>
#include <optional>

#include "base/block.h"
#include "base/status.h"
#include "simd/conv.h"
#include "simd/integer_gemm.h"
#include "simd/integer_image.h"
#include "simd/integer_winograd.h"

namespace sardonyx::simd {

// int16 elements of the packed weights (IntegerFilters); nullopt on overflow.
std::optional<int64_t> integer_conv_packed_size(const ConvSpec& spec);
// From weights [out_channels, group_in, height, width]; `zeros` per output channel.
void integer_conv_pack(const ConvSpec& spec, const ByteMatrix& weights, const int32_t* zeros,
                       int16_t* packed);

class IntegerConv {
 public:
  // Up to two spatial axes. LIMIT_EXCEEDED when the padded image does not fit, OUT_OF_MEMORY.
  static Result<IntegerConv> make(const ConvShape& shape);

  int64_t scratch_bytes() const;

  Status run(const ByteMatrix& x, int32_t x_zero, const int16_t* packed,
             const IntegerOutput& output, uint8_t* scratch) const;

 private:
  struct Work;
  void widen_block(const Work& work, int64_t group, const PixelRun* runs, int count,
                   int16_t* panels) const;
  void multiply_block(const Work& work, int64_t group, int64_t begin, int64_t end,
                      int16_t* panels) const;
  Status multiply(const Work& work, uint8_t* scratch) const;

  ConvShape shape_;
  IntegerImage image_;
  Block offsets_;      // int32: where each element of a window is, pairs complete
  int64_t pairs_ = 0;  // of a window
  int64_t block_ = 0;  // pixels of a block
  int threads_ = 1;
  std::optional<IntegerWinograd> winograd_;
};

}  // namespace sardonyx::simd
