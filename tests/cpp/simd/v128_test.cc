#include "simd/v128.h"

#include <array>
#include <cmath>
#include <limits>

#include <catch2/catch_test_macros.hpp>

namespace sardonyx::simd {
namespace {

using Lanes = std::array<float, 4>;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

Lanes lanes(f32x4 a) {
  Lanes out;
  store(out.data(), a);
  return out;
}
f32x4 make(float a, float b, float c, float d) {
  const float v[4] = {a, b, c, d};
  return load(v);
}

TEST_CASE("partial loads and stores touch n lanes", "[v128]") {
  const float source[3] = {1, 2, 3};
  CHECK(lanes(load_partial(source, 3)) == Lanes{1, 2, 3, 0});
  CHECK(lanes(load_partial(source, 0)) == Lanes{0, 0, 0, 0});
  float target[5] = {9, 9, 9, 9, 9};
  store_partial(target, make(1, 2, 3, 4), 2);
  CHECK((target[1] == 2 && target[2] == 9));
  store_partial(target, make(1, 2, 3, 4), 4);
  CHECK((target[3] == 4 && target[4] == 9));
}

TEST_CASE("pmin and pmax keep a NaN of the first operand only", "[v128]") {
  const f32x4 x = make(kNan, 1, kNan, 5), c = make(2, kNan, kNan, 3);
  const Lanes low = lanes(pmin(x, c)), high = lanes(pmax(x, c));
  CHECK((std::isnan(low[0]) && low[1] == 1 && std::isnan(low[2]) && low[3] == 3));
  CHECK((std::isnan(high[0]) && high[1] == 1 && std::isnan(high[2]) && high[3] == 5));
  CHECK(std::isnan(lanes(min_nan(x, c))[1]));
  CHECK(std::isnan(lanes(max_nan(x, c))[1]));
}

TEST_CASE("madd and nmadd", "[v128]") {
  CHECK(lanes(madd(splat(2.0f), make(1, 2, 3, 4), splat(1.0f))) == Lanes{3, 5, 7, 9});
  CHECK(lanes(nmadd(splat(2.0f), make(1, 2, 3, 4), splat(1.0f))) == Lanes{-1, -3, -5, -7});
}

TEST_CASE("selection, comparison and conversion", "[v128]") {
  const f32x4 a = make(1, -2, kNan, 0), b = make(2, -3, 1, 0);
  CHECK(lanes(select(a < b, a, b)) == Lanes{1, -3, 1, 0});
  CHECK(lanes(to_float(to_int_sat(make(1.9f, -1.9f, kNan, -kInf)))) ==
        Lanes{1, -1, 0, -2147483648.0f});
  CHECK(lanes(nearest(make(0.5f, 1.5f, -0.5f, 2.4f))) == Lanes{0, 2, 0, 2});
  CHECK(any(a != a));
  CHECK_FALSE(any(b != b));
}

TEST_CASE("horizontal reductions and transposition", "[v128]") {
  CHECK(reduce_add(make(1, 2, 3, 4)) == 10);
  CHECK(reduce_max_nan(make(1, 7, 3, 4)) == 7);
  CHECK(std::isnan(reduce_max_nan(make(1, 7, kNan, 4))));
  CHECK(reduce_min_nan(make(1, -7, 3, 4)) == -7);
  f32x4 a = make(0, 1, 2, 3), b = make(4, 5, 6, 7), c = make(8, 9, 10, 11),
        d = make(12, 13, 14, 15);
  transpose(a, b, c, d);
  CHECK(lanes(a) == Lanes{0, 4, 8, 12});
  CHECK(lanes(d) == Lanes{3, 7, 11, 15});
}

TEST_CASE("dot products of bytes agree for a second operand in [0, 127]", "[v128]") {
  int8_t x[16], y[16];
  for (int i = 0; i < 16; ++i) {
    x[i] = static_cast<int8_t>(i % 2 ? -128 : 127 - i);
    y[i] = static_cast<int8_t>(i * 8 + 7);
  }
  const auto check = [&] {
    int16_t pairs[8];
    store(pairs, dot_i8x16_i7x16(wasm_v128_load(x), wasm_v128_load(y)));
    for (int i = 0; i < 8; ++i)
      CHECK(pairs[i] == x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1]);
  };
#if defined(__wasm__)
  check();
#else
  for (auto semantics :
       {DotSemantics::kSaturatingPairs, DotSemantics::kUnsigned, DotSemantics::kSigned}) {
    native_dot_semantics = semantics;
    check();
  }
#endif
}

}  // namespace
}  // namespace sardonyx::simd
