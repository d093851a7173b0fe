// Dot products of floats with a row of packed integers of 4 or 8 bits that have a scale and a
// zero point per block. The integers are unpacked in registers: a vector of 16 bytes is four lanes,
// and what a mask leaves of a lane is a number times a power of two, which the floats make up for.
// They are put in the order of the lanes beforehand. On the calling thread.
#pragma once

#include <cstdint>

namespace sardonyx::simd {

// Rows of floats that one pass takes.
inline constexpr int kNBitsRows = 3;

struct NBitsFormat {
  int bits = 4;        // 4 or 8
  int64_t block = 32;  // elements with a scale of their own, a power of two
  int64_t k = 0;       // elements of a row

  int64_t blocks() const { return (k + block - 1) / block; }
  int64_t block_bytes() const { return block * bits / 8; }
  // The zero point of weights that come without any.
  float centre() const { return static_cast<float>(1 << (bits - 1)); }
  // Blocks of less than a vector are not taken.
  bool is_taken() const { return (bits == 4 || bits == 8) && block_bytes() >= 16; }
  // Floats of a row in the order of the lanes, with the sum of each block behind them.
  int64_t ordered_floats() const { return blocks() * (block + 1); }
};

// Sum of zero * scale * sum over blocks: what the zero points of a column, those of the format if
// there are none, take off its product with a row whose blocks have these sums.
float nbits_zero_part(const NBitsFormat& format, const float* zeros, const float* scales,
                      const float* sums);

// Puts k floats in the order of the lanes.
void order_for_nbits(const NBitsFormat& format, const float* from, float* to);

// out[i * out_stride] = start + dot(row i, (q - zero) * scale) for `rows` ordered rows, at most
// kNBitsRows; `scales` and `zeros`, which may be null, per block. More than one row is read as
// kNBitsRows.
void nbits_dot(const NBitsFormat& format, const float* ordered, int64_t rows, const uint8_t* packed,
               const float* scales, const float* zeros, float start, float* out,
               int64_t out_stride);

}  // namespace sardonyx::simd
