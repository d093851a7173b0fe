// Vector transcendental functions, by our own minimax approximations. Largest errors against double
// precision, checked by tests/cpp/simd/math_test.cc:
//   exp      2 ulp, subnormal results included; 0 below -104, inf above 88.73
//   NonpositiveExp  3 ulp down to -87.3
//   tanh     5 ulp
//   sigmoid  4 ulp where the result is above 1e-37
//   erf      6 ulp
//   log      3 ulp, subnormal arguments included
//   sin, cos 1.2e-7 absolute for |x| <= 8192; the callers keep to that range
//   gelu, silu  3e-7 * max(|x|, 1) absolute
// NaN gives NaN, infinities give the limits; tanh, erf, gelu, silu and sin keep the sign of zero.
#pragma once

#include <limits>

#include "simd/v128.h"

namespace sardonyx::simd {

namespace detail {

// Added to a float of magnitude below 2^22, leaves its nearest integer in the low bits.
inline constexpr float kRoundingBias = 12582912.0f;  // 1.5 * 2^23

// exp(r) for |r| <= ln(2) / 2; relative error of the approximation 3e-9.
SX_INLINE f32x4 exp_core(f32x4 r) {
  f32x4 p = constant<0x1.6a224p-10f>();
  p = madd(p, r, constant<0x1.123b06p-7f>());
  p = madd(p, r, constant<0x1.5558f8p-5f>());
  p = madd(p, r, constant<0x1.55549p-3f>());
  p = madd(p, r, constant<0x1.fffffcp-2f>());
  p = madd(p, r, constant<1.0f>());
  return madd(p, r, constant<1.0f>());
}

SX_INLINE f32x4 power_of_two(i32x4 n) {
  return from_bits(shift_left(n + constant<127>(), 23));
}

// ln(2) in two parts: n * kLn2High is exact for |n| < 512.
inline constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 0x1.7f7d1cp-20f;

// x - n * ln(2).
SX_INLINE f32x4 minus_multiple_of_ln2(f32x4 x, f32x4 n) {
  return nmadd(n, constant<kLn2Low>(), nmadd(n, constant<kLn2High>(), x));
}

// y within [-1, 1], exactly -1 and 1 where |x| >= kLimit.
template <float kLimit>
SX_INLINE f32x4 saturate_to_one(f32x4 y, f32x4 x) {
  const f32x4 one = constant<1.0f>();
  const f32x4 signed_one = from_bits((bits(x) & constant<INT32_MIN>()) | bits(one));
  return select(abs(x) >= constant<kLimit>(), signed_one, pmin(pmax(y, -one), one));
}

}  // namespace detail

inline constexpr float kLog2E = 0x1.715476p0f;

SX_INLINE f32x4 exp(f32x4 x) {
  x = pmin(pmax(x, constant<-104.0f>()), constant<89.0f>());
  const f32x4 biased = madd(x, constant<kLog2E>(), constant<detail::kRoundingBias>());
  const f32x4 n = biased - constant<detail::kRoundingBias>();
  const f32x4 p = detail::exp_core(detail::minus_multiple_of_ln2(x, n));
  // 2^n in two factors: n goes from -150 to 128.
  const i32x4 whole = bits(biased) - bits(constant<detail::kRoundingBias>());
  const i32x4 half = shift_right(whole, 1);
  return p * detail::power_of_two(half) * detail::power_of_two(whole - half);
}

// exp for x <= 0, where results below 2^-126 become zero: the exponent of 2^-127 is that of 0. A
// NaN stays. Relative error of the approximation 1.05e-7. Made in front of a loop, the constants
// stay in registers, of which there are enough for one vector at a time: 6.4 cycles a vector, where
// constants from memory take 8.
class NonpositiveExp {
 public:
  SX_INLINE f32x4 operator()(f32x4 x) const {
    const f32x4 in_range = pmax(x, least_);
    const f32x4 biased = madd(in_range, log2_e_, rounding_);
    const f32x4 n = biased - rounding_;
    const f32x4 r = nmadd(n, ln2_low_, nmadd(n, ln2_high_, in_range));
    f32x4 p = madd(c5_, r, c4_);
    p = madd(p, r, c3_);
    p = madd(p, r, c2_);
    p = madd(p, r, one_);
    p = madd(p, r, one_);
    return p * from_bits(shift_left(bits(biased), 23) + bits(one_));
  }

 private:
  f32x4 least_ = constant<-88.0f>(), rounding_ = constant<detail::kRoundingBias>();
  f32x4 log2_e_ = constant<kLog2E>();
  f32x4 ln2_high_ = constant<detail::kLn2High>(), ln2_low_ = constant<detail::kLn2Low>();
  f32x4 c5_ = constant<0x1.10625p-7f>(), c4_ = constant<0x1.572a64p-5f>();
  f32x4 c3_ = constant<0x1.5557bp-3f>(), c2_ = constant<0x1.fffdfcp-2f>();
  f32x4 one_ = constant<1.0f>();
};

namespace detail {

// Where exp(-x) is infinite in one_plus_exp_minus().
inline constexpr float kLeastLogistic = -88.8f;

// 1 + exp(-x): 1 above 88 and infinite from about -88.4 down, where the power of two is 2^128. A
// NaN stays. The polynomial is that of NonpositiveExp at -x.
SX_INLINE f32x4 one_plus_exp_minus(f32x4 x) {
  const f32x4 in_range = pmin(pmax(x, constant<kLeastLogistic>()), constant<88.0f>());
  const f32x4 biased = madd(in_range, constant<-kLog2E>(), constant<kRoundingBias>());
  const f32x4 n = biased - constant<kRoundingBias>();
  // x + n * ln(2).
  const f32x4 r = madd(n, constant<kLn2Low>(), madd(n, constant<kLn2High>(), in_range));
  f32x4 p = madd(constant<-0x1.10625p-7f>(), r, constant<0x1.572a64p-5f>());
  p = madd(p, r, constant<-0x1.5557bp-3f>());
  p = madd(p, r, constant<0x1.fffdfcp-2f>());
  p = madd(p, r, constant<-1.0f>());
  p = madd(p, r, constant<1.0f>());
  const f32x4 power = from_bits(shift_left(bits(biased), 23) + bits(constant<1.0f>()));
  return madd(p, power, constant<1.0f>());
}

}  // namespace detail

SX_INLINE f32x4 sigmoid(f32x4 x) {
  return constant<1.0f>() / detail::one_plus_exp_minus(x);
}

SX_INLINE f32x4 silu(f32x4 x) {
  // Bounded, for -inf / inf would be NaN.
  return pmax(x, constant<detail::kLeastLogistic>()) / detail::one_plus_exp_minus(x);
}

namespace detail {

// x / 2 * (1 + y), and 0 where s < -limit: y is -1 there, but for its rounding.
template <float kLimit>
SX_INLINE f32x4 half_of_one_plus(f32x4 x, f32x4 y, f32x4 s) {
  const f32x4 product = x * constant<0.5f>() * (constant<1.0f>() + y);
  return from_bits(bits(product) & ~(s < constant<-kLimit>()));
}

// x * P(x^2) / Q(x^2), relative error 1.3e-9 up to 9.02, beyond which tanh rounds to 1 and this
// stays as it is.
SX_INLINE f32x4 bounded_tanh(f32x4 x) {
  const f32x4 bounded = pmin(pmax(x, constant<-9.02f>()), constant<9.02f>());
  const f32x4 t = bounded * bounded;
  f32x4 p = madd(constant<-0x1.ad67b4p-37f>(), t, constant<0x1.06bceap-25f>());
  p = madd(p, t, constant<0x1.d5e6cp-16f>());
  p = madd(p, t, constant<0x1.fb0916p-9f>());
  p = madd(p, t, constant<0x1.182a5ap-3f>());
  p = madd(p, t, constant<1.0f>());
  f32x4 q = madd(constant<0x1.5996eap-20f>(), t, constant<0x1.9d00ecp-12f>());
  q = madd(q, t, constant<0x1.be660ep-6f>());
  q = madd(q, t, constant<0x1.e16a82p-2f>());
  q = madd(q, t, constant<1.0f>());
  return bounded * (p / q);
}

// The same for erf: relative error 2e-9 up to 3.95.
SX_INLINE f32x4 bounded_erf(f32x4 x) {
  const f32x4 bounded = pmin(pmax(x, constant<-3.95f>()), constant<3.95f>());
  const f32x4 t = bounded * bounded;
  f32x4 p = madd(constant<-0x1.bd4e56p-27f>(), t, constant<0x1.375172p-18f>());
  p = madd(p, t, constant<0x1.8c3e88p-12f>());
  p = madd(p, t, constant<0x1.f7c4dp-9f>());
  p = madd(p, t, constant<0x1.bc9d86p-5f>());
  p = madd(p, t, constant<0x1.7b3d02p-3f>());
  p = madd(p, t, constant<0x1.20dd76p0f>());
  f32x4 q = madd(constant<0x1.06e4f6p-14f>(), t, constant<0x1.55d6d2p-10f>());
  q = madd(q, t, constant<0x1.fa0f4p-7f>());
  q = madd(q, t, constant<0x1.d295c4p-4f>());
  q = madd(q, t, constant<0x1.fd6108p-2f>());
  q = madd(q, t, constant<1.0f>());
  return bounded * (p / q);
}

}  // namespace detail

SX_INLINE f32x4 tanh(f32x4 x) {
  return detail::saturate_to_one<9.02f>(detail::bounded_tanh(x), x);
}

SX_INLINE f32x4 erf(f32x4 x) {
  return detail::saturate_to_one<3.95f>(detail::bounded_erf(x), x);
}

// x / 2 * (1 + erf(x / sqrt(2))).
SX_INLINE f32x4 gelu(f32x4 x) {
  const f32x4 s = x * constant<0x1.6a09e6p-1f>();
  return detail::half_of_one_plus<3.95f>(x, detail::bounded_erf(s), s);
}

// The form with tanh: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))).
SX_INLINE f32x4 gelu_tanh(f32x4 x) {
  const f32x4 scaled = x * constant<0x1.988454p-1f>();
  const f32x4 inner = madd(scaled * constant<0.044715f>(), x * x, scaled);
  return detail::half_of_one_plus<9.02f>(x, detail::bounded_tanh(inner), inner);
}

// m - m^2 / 2 + m^3 * P(m) + e * ln(2), x being (1 + m) * 2^e with 1 + m in [sqrt(1/2), sqrt(2)).
SX_INLINE f32x4 log(f32x4 x) {
  const i32x4 tiny = x < constant<0x1p-126f>();
  const f32x4 scaled = select(tiny, x * constant<0x1p25f>(), x);
  const i32x4 shifted = bits(scaled) - bits(constant<0x1.6a09e6p-1f>());
  const i32x4 exponent = shift_right(shifted, 23);
  const f32x4 m = from_bits((shifted & constant<0x007fffff>()) + bits(constant<0x1.6a09e6p-1f>())) -
                  constant<1.0f>();
  const f32x4 e = to_float(exponent) - select(tiny, constant<25.0f>(), zero());
  f32x4 p = constant<0x1.1455b4p-4f>();
  p = madd(p, m, constant<-0x1.de3bc8p-4f>());
  p = madd(p, m, constant<0x1.e6f126p-4f>());
  p = madd(p, m, constant<-0x1.fc221ep-4f>());
  p = madd(p, m, constant<0x1.23375cp-3f>());
  p = madd(p, m, constant<-0x1.555c4cp-3f>());
  p = madd(p, m, constant<0x1.99a4b6p-3f>());
  p = madd(p, m, constant<-0x1.000006p-2f>());
  p = madd(p, m, constant<0x1.555548p-2f>());
  const f32x4 square = m * m;
  const f32x4 tail =
      madd(square * m, p, madd(e, constant<0x1.7f7d1cp-20f>(), square * constant<-0.5f>()));
  const f32x4 y = madd(e, constant<0x1.62e4p-1f>(), m + tail);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const f32x4 finite = select(x == constant<kInfinity>(), x, y);
  const f32x4 positive = select(x == zero(), constant<-kInfinity>(), finite);
  // x < 0 and NaN.
  return select(x >= zero(), positive, constant<std::numeric_limits<float>::quiet_NaN()>());
}

namespace detail {

// sin(x + quadrant * pi / 2), |x| <= 8192: pi / 2 in three parts, two polynomials on [-pi/4, pi/4].
SX_INLINE f32x4 sin_quadrant(f32x4 x, int32_t quadrant) {
  const f32x4 biased = madd(x, constant<0x1.45f306p-1f>(), constant<kRoundingBias>());
  const f32x4 n = biased - constant<kRoundingBias>();
  f32x4 r = nmadd(n, constant<0x1.92p0f>(), x);
  r = nmadd(n, constant<0x1.fb4p-12f>(), r);
  r = nmadd(n, constant<0x1.4442d2p-24f>(), r);
  const i32x4 turn = bits(biased) + splat(quadrant);
  const f32x4 t = r * r;
  f32x4 s = madd(constant<0x1.6cd834p-19f>(), t, constant<-0x1.a00f9ep-13f>());
  s = madd(s, t, constant<0x1.111108p-7f>());
  s = madd(s, t, constant<-0x1.555556p-3f>());
  s = r * madd(s, t, constant<1.0f>());
  f32x4 c = madd(constant<0x1.9a01fep-16f>(), t, constant<-0x1.6c0c8ap-10f>());
  c = madd(c, t, constant<0x1.55554ap-5f>());
  c = madd(c * t, t, madd(t, constant<-0.5f>(), constant<1.0f>()));
  const i32x4 odd = (turn & constant<1>()) == constant<1>();
  const i32x4 sign = shift_left(turn & constant<2>(), 30);
  return from_bits(bits(select(odd, c, s)) ^ sign);
}

}  // namespace detail

SX_INLINE f32x4 sin(f32x4 x) {
  return detail::sin_quadrant(x, 0);
}
SX_INLINE f32x4 cos(f32x4 x) {
  return detail::sin_quadrant(x, 1);
}

}  // namespace sardonyx::simd
