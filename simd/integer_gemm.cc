#include "simd/integer_gemm.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/chunk_work.h"
#include "simd/parallel.h"
#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

constexpr int kTileRows = 4;
// Rows whose sums one panel keeps in the first-level cache.
constexpr int64_t kRowBlock = 48;
// Multiply-adds per chunk: about 25 us.
constexpr int64_t kChunkWork = 1'000'000;
constexpr double kNsPerWidened = 0.15;

template <int MR>
void run_tile(const IntegerRows& a, const int32_t* rows, const int16_t* b, const int32_t* first,
              int32_t* sums) {
  const int16_t* base[MR];
  i32x4 acc[MR][2];
  SX_UNROLLED
  for (int r = 0; r < MR; ++r) {
    base[r] = a.image + rows[r];
    acc[r][0] = load(first);
    acc[r][1] = load(first + 4);
  }
  for (int64_t run = 0; run < a.full_runs + a.tail_runs; ++run) {
    auto offset = static_cast<size_t>(a.runs[run]);
    const size_t end =
        offset + 2 * static_cast<size_t>(run < a.full_runs ? a.full_pairs : a.tail_pairs);
    SX_ROLLED
    do {
      const i16x8 low = load(b), high = load(b + 8);
      SX_UNROLLED
      for (int r = 0; r < MR; ++r) {
        const i16x8 x = load_splat_pair(base[r] + offset);
        acc[r][0] = acc[r][0] + dot(x, low);
        acc[r][1] = acc[r][1] + dot(x, high);
      }
      b += 2 * kIntegerPanel;
      offset += 2;
    } while (offset != end);
  }
  SX_UNROLLED
  for (int r = 0; r < MR; ++r) {
    store(sums + r * kIntegerPanel, acc[r][0]);
    store(sums + r * kIntegerPanel + 4, acc[r][1]);
  }
}

}  // namespace

void integer_tiles(const IntegerRows& a, int64_t begin, int64_t end, const int16_t* panel,
                   const int32_t* first, int32_t* sums) {
  const int32_t* rows = a.rows + begin;
  for (int64_t left = end - begin; left > 0; left -= kTileRows) {
    if (left >= kTileRows) {
      run_tile<kTileRows>(a, rows, panel, first, sums);
    } else if (left == 3) {
      run_tile<3>(a, rows, panel, first, sums);
    } else if (left == 2) {
      run_tile<2>(a, rows, panel, first, sums);
    } else {
      run_tile<1>(a, rows, panel, first, sums);
    }
    rows += kTileRows;
    sums += kTileRows * kIntegerPanel;
  }
}

void requantize_panel(const Requantization& quantize, const int32_t* sums, int64_t rows,
                      int64_t column, uint8_t* out) {
  const Quantizer quantizer(quantize.range);
  const float *scale = quantize.scale + column, *bias = quantize.bias + column;
  const f32x4 scales[2] = {load(scale), load(scale + 4)};
  const f32x4 biases[2] = {load(bias), load(bias + 4)};
  SX_ROLLED
  for (int64_t r = 0; r < rows; ++r) {
    const f32x4 low = to_float(load(sums)) * scales[0] + biases[0];
    const f32x4 high = to_float(load(sums + 4)) * scales[1] + biases[1];
    store_low_bytes(out, narrow(quantizer(low), quantizer(high)));
    sums += kIntegerPanel;
    out += kIntegerPanel;
  }
}

void integer_pack_b(const ByteMatrix& b, int64_t k, int64_t n, int64_t row_stride,
                    int64_t column_stride, const int32_t* zeros, int16_t* packed) {
  for (int64_t first = 0; first < n; first += kIntegerPanel) {
    for (int64_t p = 0; p < integer_row(k); p += 2) {
      SX_SCALAR
      for (int64_t i = 0; i < 2 * kIntegerPanel; ++i) {
        const int64_t column = first + i / 2, row = p + i % 2;
        *packed++ = column < n && row < k
                        ? ByteWidener(b.is_signed, zeros[column])
                              .one(b.data[row * row_stride + column * column_stride])
                        : int16_t{0};
      }
    }
  }
}

void widen_bytes(const uint8_t* from, int64_t count, const ByteWidener& widen, int16_t* to) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) store(to + i, widen.eight(from + i));
  SX_SCALAR
  for (; i < count; ++i) to[i] = widen.one(from[i]);
}

Status integer_widen_rows(const ByteMatrix& from, int64_t rows, int64_t k, const int32_t* zeros,
                          int64_t zero_step, int16_t* to) {
  const int64_t grain = grain_for(kNsPerWidened * static_cast<double>(k + 8));
  return parallel_for(rows, grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int16_t* row = to + i * integer_row(k);
      widen_bytes(from.data + i * k, k, ByteWidener(from.is_signed, zeros[i * zero_step]), row);
      if (k % 2 == 1) row[k] = 0;
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
    int32_t sums[kRowBlock * kIntegerPanel];
    uint8_t bytes[kRowBlock * kIntegerPanel];
    int32_t starts[kRowBlock];
    const int32_t run = 0;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / groups * height, rows = std::min(height, m - row);
      for (int64_t r = 0; r < rows; ++r) starts[r] = static_cast<int32_t>(r * stride);
      const IntegerRows block{.image = a + row * stride,
                              .rows = starts,
                              .runs = &run,
                              .full_runs = k > 0 ? 1 : 0,
                              .full_pairs = stride / 2};
      const int64_t last = std::min(panels, (i % groups + 1) * width);
      for (int64_t panel = i % groups * width; panel < last; ++panel) {
        const int64_t column = panel * kIntegerPanel;
        const auto columns = static_cast<size_t>(std::min(kIntegerPanel, n - column));
        integer_tiles(block, 0, rows, packed + column * stride, output.first + column, sums);
        const int64_t at = row * n + column;
        if (output.quantize) {
          requantize_panel(*output.quantize, sums, rows, column, bytes);
          auto* c = static_cast<uint8_t*>(output.data) + at;
          for (int64_t r = 0; r < rows; ++r) {
            std::memcpy(c + r * n, bytes + r * kIntegerPanel, columns);
          }
        } else {
          auto* c = static_cast<int32_t*>(output.data) + at;
          for (int64_t r = 0; r < rows; ++r) {
            std::memcpy(c + r * n, sums + r * kIntegerPanel, columns * sizeof(int32_t));
          }
        }
      }
    }
  });
}

}  // namespace sardonyx::simd
