// The register tile of integer products: rows of A by eight columns of B, both widened to 16 bits.
// Two neighbouring elements of K make one lane of i32x4.dot_i16x8, so that sums of bytes less their
// zero points are exact up to kIntegerDepthLimit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sardonyx::simd {

// Rows of a tile; the last tile of a packed A has the rows that are left: [tile][pair][row][2].
// Five, because V8 has 15 vector registers: ten sums, two vectors of B, one of A, one product.
inline constexpr int64_t kIntegerRows = 5;
// Columns of a tile.
inline constexpr int64_t kIntegerPanel = 8;
// The largest K for which K * 255 * 255 fits int32.
inline constexpr int64_t kIntegerDepthLimit = 33025;

// int16 elements of a row of k, padded to pairs.
constexpr int64_t integer_row(int64_t k) {
  return (k + 1) / 2 * 2;
}

// sums[r][0 .. 7] = sum over pairs of A[r] * B[0 .. 7], rows of sums being `stride` apart, and so
// on for `columns` of them, eight by eight, that lie behind in each pair of B and in the sums.
// `rows` in [1, kIntegerRows], `pairs` at least 1; those of B are b_step elements apart.
void integer_tile(int64_t rows, const int16_t* a, const int16_t* b, size_t b_step, size_t pairs,
                  int32_t* sums, size_t stride, int64_t columns = kIntegerPanel);

}  // namespace sardonyx::simd
