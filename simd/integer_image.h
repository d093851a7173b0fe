// The input of an integer convolution: bytes in planes that are padded with the zero point, so that
// every tap of every window is there. Sums are those of the bytes as they are, signed ones with
// their sign flipped (q + 128); what the zero point adds to them is one number per filter.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "simd/conv.h"
#include "simd/integer_gemm.h"
#include "simd/integer_tile.h"

namespace sardonyx::simd {

// Pixels whose windows start `step` bytes apart.
struct PixelRun {
  int64_t from;   // offset in the image
  int64_t to;     // pixel of the block
  int64_t count;  // pixels
};

// Where the windows of pixels [begin, end) start in an image: windows are `step` bytes apart along
// a row of `width`, and rows `row_step`. Returns how many runs that is, at most end - begin.
int pixel_runs(int64_t begin, int64_t end, int64_t width, int64_t row_step, int64_t step,
               PixelRun* runs);

class IntegerImage {
 public:
  IntegerImage() = default;
  // Of at least `rows` by `columns`. LIMIT_EXCEEDED when it does not fit.
  static Result<IntegerImage> make(const ConvShape& shape, int64_t rows, int64_t columns);

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t plane() const { return rows_ * columns_; }
  // Bytes of scratch that stage() needs; 0 when an input is read where it is.
  int64_t scratch_bytes() const { return staged_ ? plane() * channels_ + kSlack : 0; }
  // The image of one input: `x` itself or a copy of it.
  Result<const uint8_t*> stage(const uint8_t* x, uint8_t zero, uint8_t* scratch) const;

 private:
  static constexpr int64_t kSlack = 64;  // bytes behind the last plane that may be read

  bool staged_ = false;
  int64_t channels_ = 0;
  int64_t rows_ = 0, columns_ = 0;
  int64_t in_rows_ = 0, in_columns_ = 0, top_ = 0, left_ = 0;
};

// Constant parts of an integer convolution, packed: per filter the sum of its weights, then weights
// in an order that depends on the algorithm.
struct IntegerFilters {
  const int32_t* sums = nullptr;
  const int16_t* weights = nullptr;

  // int16 elements in front of the weights.
  static int64_t head(const ConvSpec& spec) { return (spec.out_channels + 3) / 4 * 8; }
  IntegerFilters(const ConvSpec& spec, const int16_t* packed)
      : sums(reinterpret_cast<const int32_t*>(packed)), weights(packed + head(spec)) {}
};

// What one input gives to products: its image, and how to read it.
struct IntegerOperand {
  const uint8_t* image = nullptr;
  uint8_t flip = 0;  // of signed bytes
  int32_t zero = 0;  // of the flipped bytes

  IntegerOperand(bool is_signed, int32_t x_zero) : flip(is_signed ? 128 : 0), zero(x_zero + flip) {}
  // The byte that stands for zero.
  uint8_t padding() const { return static_cast<uint8_t>(zero ^ flip); }
  // What a sum of filter i starts with, modulo 2^32.
  int32_t start(int32_t first, const IntegerFilters& filters, int64_t i) const {
    return static_cast<int32_t>(static_cast<uint32_t>(first) -
                                static_cast<uint32_t>(zero) *
                                    static_cast<uint32_t>(filters.sums[i]));
  }
};

// One row of outputs of filter `channel` at `out`, in elements of the output.
void put_integer_row(const IntegerOutput& output, int64_t channel, int32_t start,
                     const int32_t* sums, int64_t count, int64_t out);

}  // namespace sardonyx::simd
