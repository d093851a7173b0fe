#include "simd/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "simd/math.h"
#include "simd/parallel.h"
#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// The largest of a row, NaNs ignored: exp(NaN - max) brings them back.
float row_max(const float* x, int64_t n) {
  f32x4 acc[4] = {splat(kLowest), splat(kLowest), splat(kLowest), splat(kLowest)};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int j = 0; j < 4; ++j) acc[j] = pmax(acc[j], load(x + i + 4 * j));
  }
  for (; i + 4 <= n; i += 4) acc[0] = pmax(acc[0], load(x + i));
  f32x4 top = pmax(pmax(acc[0], acc[1]), pmax(acc[2], acc[3]));
  top = pmax(top, shuffle<2, 3, 0, 1>(top, top));
  float largest = lane<0>(pmax(top, shuffle<1, 0, 3, 2>(top, top)));
  for (; i < n; ++i) largest = largest < x[i] ? x[i] : largest;
  return largest;
}

// y = exp(x - max), and their sum.
float exp_row(const float* x, float* y, int64_t n, float max) {
  const NonpositiveExp exp;
  const f32x4 m = splat(max);
  f32x4 sum = zero();
  SX_ROLLED
  for (; n >= 4; n -= 4, x += 4, y += 4) {
    const f32x4 e = exp(load(x) - m);
    store(y, e);
    sum += e;
  }
  if (n > 0) {
    float lanes[4] = {kLowest, kLowest, kLowest, kLowest};
    for (int64_t i = 0; i < n; ++i) lanes[i] = x[i];
    const f32x4 e = exp(load(lanes) - m);
    store_partial(y, e, n);
    sum += e;
  }
  return reduce_add(sum);
}

// Sum of exp(x - max).
float sum_exp_row(const float* x, int64_t n, float max) {
  constexpr int64_t kBlock = 64;
  float scratch[kBlock];
  float sum = 0.0f;
  for (int64_t i = 0; i < n; i += kBlock) {
    sum += exp_row(x + i, scratch, n - i < kBlock ? n - i : kBlock, max);
  }
  return sum;
}

void row_times(float* y, int64_t n, float factor) {
  const f32x4 f = splat(factor);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int64_t j = i; j < i + 16; j += 4) store(y + j, load(y + j) * f);
  }
  for (; i + 4 <= n; i += 4) store(y + i, load(y + i) * f);
  for (; i < n; ++i) y[i] *= factor;
}

void row_minus(const float* x, float* y, int64_t n, float max, float log_sum) {
  const f32x4 m = splat(max), l = splat(log_sum);
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) store(y + i, (load(x + i) - m) - l);
  for (; i < n; ++i) y[i] = (x[i] - max) - log_sum;
}

void softmax_row(SoftmaxKind kind, const float* x, float* y, int64_t n) {
  const float max = row_max(x, n);
  if (kind == SoftmaxKind::kSoftmax) {
    row_times(y, n, 1.0f / exp_row(x, y, n, max));
  } else {
    row_minus(x, y, n, max, std::log(sum_exp_row(x, n, max)));
  }
}

// `lanes` <= 4 neighbouring columns of [n, stride].
void softmax_columns(SoftmaxKind kind, const float* x, float* y, int64_t n, int64_t stride,
                     int64_t lanes) {
  const auto column = [=](const float* p, int64_t i) {
    return lanes == 4 ? load(p + i * stride) : load_partial(p + i * stride, lanes);
  };
  f32x4 max = splat(kLowest);
  for (int64_t i = 0; i < n; ++i) max = pmax(max, column(x, i));
  const NonpositiveExp exp;
  f32x4 sum = zero();
  for (int64_t i = 0; i < n; ++i) {
    const f32x4 e = exp(column(x, i) - max);
    sum += e;
    if (kind == SoftmaxKind::kSoftmax) store_partial(y + i * stride, e, lanes);
  }
  if (kind == SoftmaxKind::kSoftmax) {
    const f32x4 factor = splat(1.0f) / sum;
    for (int64_t i = 0; i < n; ++i) {
      store_partial(y + i * stride, column(y, i) * factor, lanes);
    }
    return;
  }
  const f32x4 log_sum = log(sum);
  for (int64_t i = 0; i < n; ++i) {
    store_partial(y + i * stride, (column(x, i) - max) - log_sum, lanes);
  }
}

// Four rows of n <= kShortRow elements, as columns of a transposed copy.
constexpr int64_t kShortRow = 8;
void softmax_short_rows(SoftmaxKind kind, const float* x, float* y, int64_t n) {
  alignas(16) float columns[4 * kShortRow];
  for (int64_t row = 0; row < 4; ++row) {
    for (int64_t i = 0; i < n; ++i) columns[4 * i + row] = x[row * n + i];
  }
  softmax_columns(kind, columns, columns, n, 4, 4);
  for (int64_t row = 0; row < 4; ++row) {
    for (int64_t i = 0; i < n; ++i) y[row * n + i] = columns[4 * i + row];
  }
}

}  // namespace

float softmax_max(const float* x, int64_t n) {
  return row_max(x, n);
}

float softmax_exp(const float* x, float* y, int64_t n, float max) {
  return exp_row(x, y, n, max);
}

Status softmax(SoftmaxKind kind, const float* x, float* y, int64_t outer, int64_t n,
               int64_t inner) {
  if (outer <= 0 || n <= 0 || inner <= 0) return {};
  constexpr double kNsPerElement = 1.0;
  if (inner == 1) {
    const int64_t grain = grain_for(kNsPerElement * static_cast<double>(n));
    return parallel_for(outer, grain, [=](int64_t begin, int64_t end) {
      int64_t row = begin;
      for (; n <= kShortRow && row + 4 <= end; row += 4) {
        softmax_short_rows(kind, x + row * n, y + row * n, n);
      }
      for (; row < end; ++row) softmax_row(kind, x + row * n, y + row * n, n);
    });
  }
  const int64_t groups = (inner + 3) / 4;
  const int64_t grain = grain_for(4 * kNsPerElement * static_cast<double>(n));
  return parallel_for(outer * groups, grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % groups * 4;
      const int64_t offset = i / groups * n * inner + first;
      const int64_t lanes = inner - first < 4 ? inner - first : 4;
      softmax_columns(kind, x + offset, y + offset, n, inner, lanes);
    }
  });
}

}  // namespace sardonyx::simd
