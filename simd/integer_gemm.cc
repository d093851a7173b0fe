#include "simd/integer_gemm.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/chunk_work.h"
#include "simd/parallel.h"
#include "simd/unroll.h"
#include "simd/widen_bytes.h"

namespace sardonyx::simd {
namespace {

// Rows whose sums one panel keeps in the first-level cache.
constexpr int64_t kRowBlock = 10 * kIntegerRows;
// Multiply-adds per chunk: about 25 us.
constexpr int64_t kChunkWork = 1'000'000;
constexpr double kNsPerWidened = 0.3;

}  // namespace

void integer_pack_b(const ByteMatrix& b, int64_t k, int64_t n, int64_t row_stride,
                    int64_t column_stride, const int32_t* zeros, int16_t* packed) {
  for (int64_t first = 0; first < n; first += kIntegerPanel) {
    for (int64_t p = 0; p < integer_row(k); p += 2) {
      SX_SCALAR
      for (int64_t i = 0; i < 2 * kIntegerPanel; ++i) {
        const int64_t column = first + i / 2, row = p + i % 2;
        *packed++ = column < n && row < k
                        ? static_cast<int16_t>(b.at(row * row_stride + column * column_stride) -
                                               zeros[column])
                        : int16_t{0};
      }
    }
  }
}

void integer_widen_row(const uint8_t* from, int64_t k, const ByteWidener& widen, int64_t step,
                       int16_t* to) {
  int64_t p = 0;
  for (; p + 8 <= k; p += 8) {
    int16_t eight[8];
    store(eight, widen.eight(from + p));
    for (int i = 0; i < 8; i += 2) {
      std::memcpy(to, eight + i, 2 * sizeof(int16_t));
      to += step;
    }
  }
  SX_SCALAR
  for (; p < k; p += 2) {
    to[0] = widen.one(from[p]);
    to[1] = p + 1 < k ? widen.one(from[p + 1]) : int16_t{0};
    to += step;
  }
}

Status integer_pack_a(const ByteMatrix& from, int64_t matrices, int64_t m, int64_t k,
                      const int32_t* zeros, int16_t* to) {
  const int64_t grain = grain_for(kNsPerWidened * static_cast<double>(k + 8));
  return parallel_for(matrices * m, grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i % m, in_tile = row % kIntegerRows;
      const int64_t rows = std::min(kIntegerRows, m - (row - in_tile));
      integer_widen_row(from.data + i * k, k, ByteWidener(from.is_signed, zeros[i]), 2 * rows,
                        to + (i - in_tile) * integer_row(k) + 2 * in_tile);
    }
  });
}

Status integer_gemm(int64_t m, int64_t n, int64_t k, const int16_t* a, const int16_t* packed,
                    const IntegerOutput& output) {
  const int64_t stride = integer_row(k), panels = ceil_div(n, kIntegerPanel);
  const int64_t height = std::min(kRowBlock, m);
  const int64_t work = chunk_work(m * n * k, kChunkWork);
  const int64_t panel_work = std::max<int64_t>(height * k * kIntegerPanel, 1);
  const int64_t width = std::clamp<int64_t>(work / panel_work, 1, std::max<int64_t>(panels, 1));
  const int64_t grain = std::max<int64_t>(1, work / (width * panel_work));
  const int64_t groups = ceil_div(panels, width);
  if (m == 0 || n == 0) return {};
  return parallel_for(ceil_div(m, height) * groups, grain, [&](int64_t begin, int64_t end) {
    int32_t sums[kRowBlock * kIntegerPanel] = {};
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / groups * height, rows = std::min(height, m - first);
      const int64_t last = std::min(panels, (i % groups + 1) * width);
      for (int64_t panel = i % groups * width; panel < last; ++panel) {
        const int64_t column = panel * kIntegerPanel;
        for (int64_t r = 0; r < rows && k > 0; r += kIntegerRows) {
          integer_tile(std::min(kIntegerRows, rows - r), a + (first + r) * stride,
                       packed + column * stride, 2 * kIntegerPanel, static_cast<size_t>(stride / 2),
                       sums + r * kIntegerPanel, kIntegerPanel);
        }
        put_integer_panel(output, sums, rows, column, std::min(kIntegerPanel, n - column), n,
                          first * n + column);
      }
    }
  });
}

}  // namespace sardonyx::simd
