// Exact products of 8-bit matrices, threaded.
//
// The operands are widened to 16 bits with their zero points taken away, so that an int32 sum of
// products is exact up to kIntegerDepthLimit. Two neighbouring elements of K make one lane of
// i32x4.dot_i16x8.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "simd/requantize.h"
#include "simd/widen_bytes.h"

namespace sardonyx::simd {

// Columns per panel of a packed B: [panel][pair of K][8 columns][2].
inline constexpr int64_t kIntegerPanel = 8;
// The largest K for which K * 255 * 255 fits int32.
inline constexpr int64_t kIntegerDepthLimit = 33025;

// A matrix of bytes as it lies in a tensor.
struct ByteMatrix {
  const uint8_t* data = nullptr;
  bool is_signed = false;  // int8
};

// Rows of A, found by adding offsets, in elements: row i is made of runs that start at
// image + rows[i] + runs[j] and are full_pairs (tail_pairs for the last tail_runs) pairs long.
struct IntegerRows {
  const int16_t* image = nullptr;
  const int32_t* rows = nullptr;
  const int32_t* runs = nullptr;
  int64_t full_runs = 0, tail_runs = 0;
  int64_t full_pairs = 0, tail_pairs = 0;

  int64_t pairs() const { return full_runs * full_pairs + tail_runs * tail_pairs; }
};

// What becomes of the sums.
struct IntegerOutput {
  void* data = nullptr;
  const int32_t* first = nullptr;            // per column: what the sums start with
  const Requantization* quantize = nullptr;  // to bytes; null: the int32 sums themselves
};

// sums[i - begin][8] = first + row i * panel, for rows [begin, end), on this thread.
void integer_tiles(const IntegerRows& a, int64_t begin, int64_t end, const int16_t* panel,
                   const int32_t* first, int32_t* sums);

// out[i][column] = quantize(sums[i][column]) for 8 columns from `column` on.
void requantize_panel(const Requantization& quantize, const int32_t* sums, int64_t rows,
                      int64_t column, uint8_t* out);

// int16 elements of a row of k, padded to pairs.
constexpr int64_t integer_row(int64_t k) {
  return (k + 1) / 2 * 2;
}
// int16 elements of a packed B [k, n].
constexpr int64_t integer_packed_size(int64_t k, int64_t n) {
  return (n + kIntegerPanel - 1) / kIntegerPanel * kIntegerPanel * integer_row(k);
}

// to[i] = from[i] less its zero point, on this thread.
void widen_bytes(const uint8_t* from, int64_t count, const ByteWidener& widen, int16_t* to);

// Packs B[i][j] - zeros[j], B[i][j] being element i * row_stride + j * column_stride.
void integer_pack_b(const ByteMatrix& b, int64_t k, int64_t n, int64_t row_stride,
                    int64_t column_stride, const int32_t* zeros, int16_t* packed);

// to[i][p] = from[i * k + p] - zeros[i * zero_step] for rows of k elements, with a zero behind an
// odd row; rows are integer_row(k) apart. Threaded.
Status integer_widen_rows(const ByteMatrix& from, int64_t rows, int64_t k, const int32_t* zeros,
                          int64_t zero_step, int16_t* to);

// Row-major C [m, n] of IntegerOutput from widened rows and a packed B.
Status integer_gemm(int64_t m, int64_t n, int64_t k, const int16_t* a, const int16_t* packed,
                    const IntegerOutput& output);

}  // namespace sardonyx::simd
