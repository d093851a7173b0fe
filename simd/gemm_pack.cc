// Moving matrices: B into panels, rows to columns.
#include <algorithm>

#include "base/checked.h"
#include "simd/gemm.h"
#include "simd/parallel.h"
#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

struct PackSource {
  const float* b;
  int64_t k, n, row_stride, column_stride;
  float scale;

  const float* at(int64_t row, int64_t column) const {
    return b + row * row_stride + column * column_stride;
  }
};

// Rows [row, end) of a panel whose columns lie side by side.
void pack_rows(const PackSource& source, int64_t panel, int64_t row, int64_t end, float* out) {
  const f32x4 factor = splat(source.scale);
  const float* from = source.at(row, panel * kPanel);
  for (; row < end; ++row, from += source.row_stride) {
    store(out + row * kPanel, load(from) * factor);
    store(out + row * kPanel + 4, load(from + 4) * factor);
  }
}

void pack_any(const PackSource& source, int64_t panel, int64_t row, int64_t end, float* out) {
  for (; row < end; ++row) {
    for (int64_t j = 0; j < kPanel; ++j) {
      const int64_t column = panel * kPanel + j;
      out[row * kPanel + j] = column < source.n ? *source.at(row, column) * source.scale : 0.0f;
    }
  }
}

// Rows [row, end) of a whole panel whose rows lie side by side.
void pack_columns(const PackSource& source, int64_t panel, int64_t row, int64_t end, float* out) {
  const f32x4 factor = splat(source.scale);
  for (; row + 4 <= end; row += 4) {
    SX_ROLLED
    for (int64_t half = 0; half < kPanel; half += 4) {
      f32x4 v[4];
      SX_UNROLLED
      for (int64_t j = 0; j < 4; ++j) {
        v[j] = load(source.at(row, panel * kPanel + half + j)) * factor;
      }
      transpose(v[0], v[1], v[2], v[3]);
      SX_UNROLLED
      for (int64_t j = 0; j < 4; ++j) store(out + (row + j) * kPanel + half, v[j]);
    }
  }
  pack_any(source, panel, row, end, out);
}

}  // namespace

void gemm_pack_b(const float* b, int64_t k, int64_t n, int64_t row_stride, int64_t column_stride,
                 float scale, int64_t first_panel, int64_t last_panel, float* packed) {
  const PackSource source{b, k, n, row_stride, column_stride, scale};
  // A block of rows stays in the first-level cache while all panels take their part of it; columns
  // are best read in one go.
  const int64_t rows = row_stride == 1 ? std::max<int64_t>(k, 1) : 16;
  for (int64_t row = 0; row < k; row += rows) {
    const int64_t end = std::min(row + rows, k);
    for (int64_t panel = first_panel; panel < last_panel; ++panel) {
      float* out = packed + panel * k * kPanel;
      if ((panel + 1) * kPanel > n) {
        pack_any(source, panel, row, end, out);
      } else if (column_stride == 1) {
        pack_rows(source, panel, row, end, out);
      } else if (row_stride == 1) {
        pack_columns(source, panel, row, end, out);
      } else {
        pack_any(source, panel, row, end, out);
      }
    }
  }
}

Status gemm_pack_b(const float* b, int64_t k, int64_t n, int64_t row_stride, int64_t column_stride,
                   float scale, float* packed) {
  const int64_t grain = std::max<int64_t>(1, 40'000 / (kPanel * std::max<int64_t>(k, 1)));
  return parallel_for(ceil_div<int64_t>(n, kPanel), grain, [&](int64_t begin, int64_t end) {
    gemm_pack_b(b, k, n, row_stride, column_stride, scale, begin, end, packed);
  });
}

Status gemm_pack_halves(const uint16_t* b, int64_t k, int64_t n, int64_t row_stride,
                        int64_t column_stride, uint16_t* packed) {
  const int64_t grain = std::max<int64_t>(1, 40'000 / (kPanel * std::max<int64_t>(k, 1)));
  return parallel_for(ceil_div<int64_t>(n, kPanel), grain, [=](int64_t begin, int64_t end) {
    uint16_t* out = packed + begin * kPanel * k;
    for (int64_t panel = begin; panel < end; ++panel) {
      for (int64_t row = 0; row < k; ++row, out += kPanel) {
        SX_SCALAR
        for (int64_t i = 0; i < kPanel; ++i) {
          const int64_t column = panel * kPanel + i / 2 + i % 2 * 4;
          out[i] = column < n ? b[row * row_stride + column * column_stride] : uint16_t{0};
        }
      }
    }
  });
}

void transpose_matrix(const float* from, int64_t rows, int64_t columns, int64_t row_stride,
                      float* to) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    const float* row = from + i * row_stride;
    int64_t j = 0;
    for (; j + 4 <= columns; j += 4) {
      f32x4 v[4];
      SX_UNROLLED
      for (int r = 0; r < 4; ++r) v[r] = load(row + r * row_stride + j);
      transpose(v[0], v[1], v[2], v[3]);
      SX_UNROLLED
      for (int r = 0; r < 4; ++r) store(to + (j + r) * rows + i, v[r]);
    }
    for (; j < columns; ++j) {
      for (int64_t r = 0; r < 4; ++r) to[j * rows + i + r] = row[r * row_stride + j];
    }
  }
  for (; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * row_stride + j];
  }
}

}  // namespace sardonyx::simd
