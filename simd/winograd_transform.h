// The transforms of Winograd's minimal filtering F(m x m, 3 x 3), four channels or filters at a
// time.
//
// m outputs of a row come from m + 2 inputs: y = A^T ((G g) * (B^T d)), applied along columns and
// then along rows. F(4,3) interpolates at 0, +-1/sqrt(2), +-sqrt(2) and infinity: largest error
// over largest output 1.2e-6 for 64 channels, where 0, +-1, +-2 have 5.7e-6 and a plain sum 0.9e-6.
#pragma once

#include <cstddef>

#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {

inline constexpr float kHalfSqrt2 = 0.70710678f, kSqrt2 = 1.41421356f;

// v = B^T d
SX_INLINE void transform_input(const f32x4 (&d)[6], f32x4 (&v)[6]) {
  v[0] = nmadd(constant<2.5f>(), d[2], d[0] + d[4]);
  v[5] = nmadd(constant<2.5f>(), d[3], d[1] + d[5]);
  const f32x4 two = constant<2.0f>(), half = constant<0.5f>();
  f32x4 even = nmadd(two, d[2], d[4]), odd = nmadd(two, d[1], d[3]);
  const f32x4 a = constant<kHalfSqrt2>();
  v[1] = madd(a, odd, even);
  v[2] = nmadd(a, odd, even);
  even = nmadd(half, d[2], d[4]), odd = nmadd(half, d[1], d[3]);
  const f32x4 b = constant<kSqrt2>();
  v[3] = madd(b, odd, even);
  v[4] = nmadd(b, odd, even);
}
SX_INLINE void transform_input(const f32x4 (&d)[4], f32x4 (&v)[4]) {
  v[0] = d[0] - d[2];
  v[1] = d[1] + d[2];
  v[2] = d[2] - d[1];
  v[3] = d[1] - d[3];
}

// The filter's polynomial at the points of six, from its even and its odd part at 1/2 and at 2.
SX_INLINE void evaluate_filter(f32x4 even_a, f32x4 odd_a, f32x4 even_b, f32x4 odd_b,
                               f32x4 (&u)[6]) {
  even_a *= constant<-2.0f / 3>(), odd_a *= constant<-kSqrt2 / 3>();
  u[1] = even_a + odd_a;
  u[2] = even_a - odd_a;
  even_b *= constant<1.0f / 6>(), odd_b *= constant<kSqrt2 / 6>();
  u[3] = even_b + odd_b;
  u[4] = even_b - odd_b;
}
// u = G g
SX_INLINE void transform_filter(const f32x4 (&g)[3], f32x4 (&u)[6]) {
  const f32x4 half = constant<0.5f>(), two = constant<2.0f>();
  u[0] = g[0];
  evaluate_filter(madd(half, g[2], g[0]), g[1], madd(two, g[2], g[0]), g[1], u);
  u[5] = g[2];
}
SX_INLINE void transform_filter(const f32x4 (&g)[5], f32x4 (&u)[6]) {
  const f32x4 half = constant<0.5f>(), two = constant<2.0f>();
  u[0] = g[0];
  evaluate_filter(madd(half, madd(half, g[4], g[2]), g[0]), madd(half, g[3], g[1]),
                  madd(two, madd(two, g[4], g[2]), g[0]), madd(two, g[3], g[1]), u);
  u[5] = g[4];
}
SX_INLINE void transform_filter(const f32x4 (&g)[3], f32x4 (&u)[4]) {
  u[0] = g[0];
  const f32x4 half = constant<0.5f>(), even = half * (g[0] + g[2]), odd = half * g[1];
  u[1] = even + odd;
  u[2] = even - odd;
  u[3] = g[2];
}

// y = A^T m
SX_INLINE void transform_output(const f32x4 (&m)[6], f32x4 (&y)[4]) {
  const f32x4 sum_a = m[1] + m[2], difference_a = m[1] - m[2];
  const f32x4 sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  const f32x4 half = constant<0.5f>(), two = constant<2.0f>();
  y[0] = m[0] + sum_a + sum_b;
  y[2] = madd(half, sum_a, two * sum_b);
  const f32x4 a = constant<kHalfSqrt2>() * difference_a, b = constant<kSqrt2>() * difference_b;
  y[1] = a + b;
  y[3] = madd(half, a, madd(two, b, m[5]));
}
SX_INLINE void transform_output(const f32x4 (&m)[6], f32x4 (&y)[2]) {
  y[0] = m[0] + (m[1] + m[2]) + (m[3] + m[4]);
  y[1] = madd(constant<kHalfSqrt2>(), m[1] - m[2], madd(constant<kSqrt2>(), m[3] - m[4], m[5]));
}
SX_INLINE void transform_output(const f32x4 (&m)[4], f32x4 (&y)[2]) {
  y[0] = m[0] + m[1] + m[2];
  y[1] = m[1] - m[2] - m[3];
}

// Where the vectors of a square lie: vector (row, column) at data + row * row_step + column *
// column_step, in floats.
template <typename T>
struct Square {
  T* data;
  size_t row_step, column_step;
};

// `transform` along the columns of a square of kFrom x kFrom vectors, then along the rows of what
// that gives.
template <int kFrom, int kTo, typename Transform>
SX_INLINE void transform_square(const Square<const float>& from, const Square<float>& to,
                                Transform transform) {
  float half_way[kTo * kFrom * 4];
  f32x4 in[kFrom], out[kTo];
  SX_ROLLED
  for (size_t column = 0; column < kFrom; ++column) {
    const float* at = from.data + column * from.column_step;
    SX_UNROLLED
    for (size_t i = 0; i < kFrom; ++i) in[i] = load(at + i * from.row_step);
    transform(in, out);
    SX_UNROLLED
    for (size_t i = 0; i < kTo; ++i) store(half_way + (i * kFrom + column) * 4, out[i]);
  }
  SX_ROLLED
  for (size_t row = 0; row < kTo; ++row) {
    SX_UNROLLED
    for (size_t i = 0; i < kFrom; ++i) in[i] = load(half_way + (row * kFrom + i) * 4);
    transform(in, out);
    float* at = to.data + row * to.row_step;
    SX_UNROLLED
    for (size_t i = 0; i < kTo; ++i) store(at + i * to.column_step, out[i]);
  }
}

}  // namespace sardonyx::simd
