#include "simd/reduce.h"

#include <limits>

#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

// step(acc, i) accumulates elements [i, i + 4); rest(acc, i, n) the last n < 4.
template <typename Step, typename Rest, typename Combine>
SX_INLINE f32x4 fold(int64_t count, f32x4 start, Step step, Rest rest, Combine combine) {
  f32x4 acc[4] = {start, start, start, start};
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int j = 0; j < 4; ++j) acc[j] = step(acc[j], i + 4 * j);
  }
  for (; i + 4 <= count; i += 4) acc[0] = step(acc[0], i);
  if (i < count) acc[1] = rest(acc[1], i, count - i);
  return combine(combine(acc[0], acc[2]), combine(acc[1], acc[3]));
}

SX_INLINE f32x4 add(f32x4 a, f32x4 b) {
  return a + b;
}

// Lanes below n.
SX_INLINE i32x4 first_lanes(int64_t n) {
  return i32x4{wasm_i32x4_make(0, 1, 2, 3)} < splat(static_cast<int32_t>(n));
}

// Sum of f(x).
template <typename F>
SX_INLINE float sum_of(const float* x, int64_t count, F f) {
  return reduce_add(fold(
      count, zero(), [&](f32x4 acc, int64_t i) { return f(acc, load(x + i)); },
      [&](f32x4 acc, int64_t i, int64_t n) {
        return select(first_lanes(n), f(acc, load_partial(x + i, n)), acc);
      },
      add));
}

}  // namespace

float reduce_sum(const float* x, int64_t count) {
  if (count < 4) {
    float sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += x[i];
    return sum;
  }
  return sum_of(x, count, [](f32x4 acc, f32x4 v) { return acc + v; });
}

void reduce_sum_columns(const float* x, int64_t count, int64_t stride, float* y, int64_t n) {
  constexpr int64_t kChain = 64;
  for (int64_t i = 0; i < n; i += 4) {
    const bool whole = i + 4 <= n;
    f32x4 sum = zero();
    for (int64_t first = 0; first < count; first += kChain) {
      const int64_t end = first + kChain < count ? first + kChain : count;
      f32x4 chain = zero();
      for (int64_t row = first; row < end; ++row) {
        const float* at = x + row * stride + i;
        chain += whole ? load(at) : load_partial(at, n - i);
      }
      sum += chain;
    }
    store_partial(y + i, sum, whole ? 4 : n - i);
  }
}

float reduce_sum_squares(const float* x, int64_t count) {
  return sum_of(x, count, [](f32x4 acc, f32x4 v) { return madd(v, v, acc); });
}

float reduce_sum_abs(const float* x, int64_t count) {
  return sum_of(x, count, [](f32x4 acc, f32x4 v) { return acc + abs(v); });
}

float reduce_sum_squared_differences(const float* x, float center, int64_t count) {
  const f32x4 c = splat(center);
  return sum_of(x, count, [c](f32x4 acc, f32x4 v) { return madd(v - c, v - c, acc); });
}

float dot(const float* a, const float* b, int64_t count) {
  return reduce_add(fold(
      count, zero(), [&](f32x4 acc, int64_t i) { return madd(load(a + i), load(b + i), acc); },
      [&](f32x4 acc, int64_t i, int64_t n) {
        return madd(load_partial(a + i, n), load_partial(b + i, n), acc);
      },
      add));
}

float reduce_max(const float* x, int64_t count) {
  const f32x4 lowest = splat(-std::numeric_limits<float>::infinity());
  return reduce_max_nan(fold(
      count, lowest, [&](f32x4 acc, int64_t i) { return max_nan(acc, load(x + i)); },
      [&](f32x4 acc, int64_t i, int64_t n) {
        return select(first_lanes(n), max_nan(acc, load_partial(x + i, n)), acc);
      },
      [](f32x4 a, f32x4 b) { return max_nan(a, b); }));
}

float reduce_min(const float* x, int64_t count) {
  const f32x4 highest = splat(std::numeric_limits<float>::infinity());
  return reduce_min_nan(fold(
      count, highest, [&](f32x4 acc, int64_t i) { return min_nan(acc, load(x + i)); },
      [&](f32x4 acc, int64_t i, int64_t n) {
        return select(first_lanes(n), min_nan(acc, load_partial(x + i, n)), acc);
      },
      [](f32x4 a, f32x4 b) { return min_nan(a, b); }));
}

Extent reduce_extent(const float* x, int64_t count) {
  f32x4 low[2] = {}, high[2] = {};
  i32x4 ordered = splat(-1);
  const auto take = [&](int j, f32x4 v) {
    low[j] = pmin(low[j], v);
    high[j] = pmax(high[j], v);
    ordered = ordered & (v == v);
  };
  int64_t i = 0;
  SX_ROLLED
  for (; i + 8 <= count; i += 8) {
    take(0, load(x + i));
    take(1, load(x + i + 4));
  }
  SX_ROLLED
  for (; i < count; i += 4) take(0, load_partial(x + i, count - i < 4 ? count - i : 4));
  const f32x4 nan = select(ordered, zero(), splat(std::numeric_limits<float>::quiet_NaN()));
  return {reduce_min_nan(min_nan(low[0], low[1]) + nan),
          reduce_max_nan(max_nan(high[0], high[1]) + nan)};
}

}  // namespace sardonyx::simd
