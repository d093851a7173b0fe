// Exact products of 8-bit matrices, threaded: both operands widened to 16 bits with their zero
// points taken away, in the tiles of integer_tile.h.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "simd/integer_tile.h"
#include "simd/requantize.h"
#include "simd/widen_bytes.h"

namespace sardonyx::simd {

// A matrix of bytes as it lies in a tensor.
struct ByteMatrix {
  const uint8_t* data = nullptr;
  bool is_signed = false;  // int8

  int32_t at(int64_t i) const { return is_signed ? static_cast<int8_t>(data[i]) : data[i]; }
};

// int16 elements of a packed B [k, n]: [panel][pair of K][8 columns][2].
constexpr int64_t integer_packed_size(int64_t k, int64_t n) {
  return (n + kIntegerPanel - 1) / kIntegerPanel * kIntegerPanel * integer_row(k);
}

// Packs B[i][j] - zeros[j], B[i][j] being element i * row_stride + j * column_stride.
void integer_pack_b(const ByteMatrix& b, int64_t k, int64_t n, int64_t row_stride,
                    int64_t column_stride, const int32_t* zeros, int16_t* packed);

// One row of k elements, less their zero point, as pairs that are `step` elements apart.
void integer_widen_row(const uint8_t* from, int64_t k, const ByteWidener& widen, int64_t step,
                       int16_t* to);

// Packs rows from[i * k + p] - zeros[i] of `matrices` matrices, each of m rows, into m *
// integer_row(k) elements each. Threaded.
Status integer_pack_a(const ByteMatrix& from, int64_t matrices, int64_t m, int64_t k,
                      const int32_t* zeros, int16_t* to);

// Row-major C [m, n] of IntegerOutput from packed A and B.
Status integer_gemm(int64_t m, int64_t n, int64_t k, const int16_t* a, const int16_t* packed,
                    const IntegerOutput& output);

}  // namespace sardonyx::simd
