// Packed fp32 matrix product C = act(A * B + bias + add), threaded.
//
// A and C are row-major with a row stride. B is packed once into panels of 8 columns, of float32 or
// float16 elements, or, when it has few uses, read where it lies. Every element of C is summed in
// one fixed order of K, whatever the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"
#include "simd/activation.h"
#include "simd/gemm_tile.h"

namespace sardonyx::simd {

// Floats of a packed B [k, n]: [ceil(n / 8)][k][8], missing columns zero.
constexpr int64_t gemm_packed_size(int64_t k, int64_t n) {
  return (n + kPanel - 1) / kPanel * kPanel * k;
}

// packed = scale * B, where B[i][j] is b[i * row_stride + j * column_stride]. Packs panels
// [first_panel, last_panel); not threaded.
void gemm_pack_b(const float* b, int64_t k, int64_t n, int64_t row_stride, int64_t column_stride,
                 float scale, int64_t first_panel, int64_t last_panel, float* packed);
// All panels, on all threads.
Status gemm_pack_b(const float* b, int64_t k, int64_t n, int64_t row_stride, int64_t column_stride,
                   float scale, float* packed);

// Packs a B of finite float16 numbers as such, gemm_packed_size() of them. Columns j and j + 4 of a
// panel lie side by side, so that a vector of 32-bit lanes holds the panel's row. Threaded.
Status gemm_pack_halves(const uint16_t* b, int64_t k, int64_t n, int64_t row_stride,
                        int64_t column_stride, uint16_t* packed);

struct GemmShape {
  int64_t m = 0, n = 0, k = 0;
  int64_t a_stride = 0;  // floats between rows
  int64_t c_stride = 0;
  // 0: B is packed. Otherwise B is row-major in place, with this row stride; needs n >= 8.
  int64_t b_stride = 0;
};

struct GemmOperands {
  const float* a = nullptr;
  const float* b = nullptr;
  float* c = nullptr;
  const uint16_t* halves = nullptr;  // B as gemm_pack_halves() leaves it, in place of b
};

struct GemmEpilogue {
  const float* column_bias = nullptr;  // [n]
  const float* row_bias = nullptr;     // [m]
  const float* add = nullptr;          // [m, n] with rows add_stride apart; may be C itself
  int64_t add_stride = 0;              // 0: one row for all
  Activation activation;
};

// Where one product of a batch lies, in elements from the operands given.
struct GemmOffsets {
  int64_t a = 0, b = 0, c = 0;
};

// A batch of products of one shape. `epilogue` is the same for each of them.
Status gemm(const GemmShape& shape, const GemmOperands& operands,
            std::span<const GemmOffsets> batch, const GemmEpilogue& epilogue = {});
inline Status gemm(const GemmShape& shape, const GemmOperands& operands,
                   const GemmEpilogue& epilogue = {}) {
  const GemmOffsets only;
  return gemm(shape, operands, std::span(&only, 1), epilogue);
}

// Rows [row_begin, row_end) by panels [panel_begin, panel_end) of one product, on this thread: for
// callers that cut the work themselves.
void gemm_block(const GemmShape& shape, const GemmOperands& operands, const GemmEpilogue& epilogue,
                int64_t row_begin, int64_t row_end, int64_t panel_begin, int64_t panel_end);

// A batch of products with a single column: y[i] = (row i of A, [m, k] without gaps) . b. Threaded.
Status gemv_rows(int64_t m, int64_t k, const float* a, const float* b, float* y,
                 std::span<const GemmOffsets> batch);

// to[j][i] = from[i * row_stride + j] for i < rows, j < columns; `to` is dense. Not threaded.
void transpose_matrix(const float* from, int64_t rows, int64_t columns, int64_t row_stride,
                      float* to);

// "gemm_6x8" or "gemm_2x16".
std::string_view gemm_tile_name();

}  // namespace sardonyx::simd
