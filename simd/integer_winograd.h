// Winograd's F(4x4, 3x3) for 8-bit integers, exact: a quarter of the multiplications.
//
// The transforms of the input and of the filters have whole coefficients, with 1/4, -1/6 and 1/24
// of the filters' left for the end, and give numbers of 16 bits:
//   input    10 * 10 * 255 = 25,500 at most
//   filters   7 *  7 * 255 = 12,495
// All that follows, products, sums and the last transform, is computed modulo 2^32, where the order
// of sums and overflow in between do not matter. The last transform, with whole coefficients again,
// gives 576 times the sum of the convolution. 9 has an inverse modulo 2^32, and a shift by 6 is
// exact if the sum is below 2^25, which is known from the weights (integer_winograd_is_exact).
#pragma once

#include <cstdint>

#include "base/status.h"
#include "simd/conv.h"
#include "simd/integer_gemm.h"
#include "simd/integer_image.h"

namespace sardonyx::simd {

// Whether spec is of the kind that is faster so; `height` and `width` of the map, or kUnknownDim.
bool integer_winograd_pays(const ConvSpec& spec, int64_t height, int64_t width);
// Whether sums of these filters and any bytes stay below 2^25. `zeros` per filter.
bool integer_winograd_is_exact(const ConvSpec& spec, const ByteMatrix& weights,
                               const int32_t* zeros);

// int16 elements per filter: [group][tile of filters][point][pair of channels][filter][2].
int64_t integer_winograd_row(const ConvSpec& spec);
void integer_winograd_pack(const ConvSpec& spec, const ByteMatrix& weights, const int32_t* zeros,
                           int16_t* packed);

class IntegerWinograd {
 public:
  static Result<IntegerWinograd> make(const ConvShape& shape);

  int64_t scratch_bytes() const;
  // `output` is quantized; `out`: its element where the image starts.
  Status run(const uint8_t* x, IntegerOperand operand, const IntegerFilters& filters,
             const IntegerOutput& output, int64_t out, uint8_t* scratch) const;

 private:
  struct Work;
  void transform_input(const Work& work, int64_t group, const PixelRun* runs, int count,
                       int16_t* panels) const;
  void block(const Work& work, int64_t group, int64_t begin, int64_t end, int16_t* panels) const;
  void put_filter(const Work& work, int64_t channel, int64_t begin, int64_t end,
                  const int32_t* sums) const;

  int64_t panel_elements() const;
  int64_t thread_bytes() const;

  ConvShape shape_;
  IntegerImage image_;
  int64_t pairs_ = 0;  // of channels of a group
  int64_t tile_rows_ = 0, tile_columns_ = 0;
  int64_t block_ = 0;  // tiles of a block
  int threads_ = 1;
};

}  // namespace sardonyx::simd
