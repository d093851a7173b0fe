#include "simd/math.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/simd/random_floats.h"

namespace sardonyx::simd {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kTiny = std::numeric_limits<float>::denorm_min();

struct Errors {
  double ulps = 0, absolute = 0, scaled = 0;  // scaled: absolute / max(|x|, 1)
  float worst_at = 0;
};

// Spacing of floats at y.
double ulp(double y) {
  const double magnitude = std::fmax(std::fabs(y), 0x1p-126);
  return std::ldexp(1.0, std::ilogb(magnitude) - 23);
}

// Every `step`-th float between low and high in the order of their bits, and both ends.
template <typename F, typename Reference>
Errors sweep(float low, float high, uint32_t step, F f, Reference reference) {
  const auto ordinal = [](float x) {
    const auto b = std::bit_cast<int32_t>(x);
    return b < 0 ? static_cast<int64_t>(INT32_MIN) - b : static_cast<int64_t>(b);
  };
  Errors errors;
  const int64_t last = ordinal(high);
  for (int64_t i = ordinal(low); i <= last; i += 4 * static_cast<int64_t>(step)) {
    float x[4], y[4];
    for (int64_t j = 0; j < 4; ++j) {
      const int64_t o = std::min(i + j * step, last);
      x[j] = std::bit_cast<float>(
          static_cast<int32_t>(o < 0 ? static_cast<int64_t>(INT32_MIN) - o : o));
    }
    store(y, f(load(x)));
    for (int j = 0; j < 4; ++j) {
      const double expected = reference(static_cast<double>(x[j]));
      const double error = std::fabs(y[j] - expected);
      // An overflow in float is right where the double rounds to it.
      if (static_cast<float>(expected) == y[j]) continue;
      if (!(error / ulp(expected) <= errors.ulps)) {
        errors.ulps = error / ulp(expected);
        errors.worst_at = x[j];
      }
      if (!(error <= errors.absolute)) errors.absolute = error;
      const double scaled = error / std::fmax(std::fabs(x[j]), 1.0);
      if (!(scaled <= errors.scaled)) errors.scaled = scaled;
    }
  }
  return errors;
}

template <typename F>
float at(F f, float x) {
  float y[4];
  store(y, f(splat(x)));
  return y[0];
}

constexpr auto kExp = [](f32x4 x) { return exp(x); };
constexpr auto kExpNonpositive = [](f32x4 x) { return NonpositiveExp()(x); };
constexpr auto kTanh = [](f32x4 x) { return tanh(x); };
constexpr auto kSigmoid = [](f32x4 x) { return sigmoid(x); };
constexpr auto kErf = [](f32x4 x) { return erf(x); };
constexpr auto kLog = [](f32x4 x) { return log(x); };
constexpr auto kSilu = [](f32x4 x) { return silu(x); };
constexpr auto kGelu = [](f32x4 x) { return gelu(x); };
constexpr auto kGeluTanh = [](f32x4 x) { return gelu_tanh(x); };
constexpr auto kSin = [](f32x4 x) { return sin(x); };
constexpr auto kCos = [](f32x4 x) { return cos(x); };

#define REQUIRE_ERROR(errors, field, limit)                                     \
  do {                                                                          \
    const Errors sx_errors = (errors);                                          \
    INFO(#errors << ": " << sx_errors.field << " near " << sx_errors.worst_at); \
    CHECK(sx_errors.field <= (limit));                                          \
  } while (0)

constexpr uint32_t kStep = 997;

TEST_CASE("exp", "[math]") {
  const auto reference = [](double x) { return std::exp(x); };
  REQUIRE_ERROR(sweep(-120, 95, kStep, kExp, reference), ulps, 2);
  REQUIRE_ERROR(sweep(-87.3f, 0, kStep, kExpNonpositive, reference), ulps, 3);
  CHECK(at(kExp, 0) == 1);
  CHECK(at(kExp, kInf) == kInf);
  CHECK(at(kExp, -kInf) == 0);
  CHECK(std::isnan(at(kExp, kNan)));
  CHECK(at(kExpNonpositive, 0) == 1);
  CHECK(at(kExpNonpositive, -kInf) == 0);
  CHECK(at(kExpNonpositive, -88) == 0);
  CHECK(std::isnan(at(kExpNonpositive, kNan)));
}

TEST_CASE("tanh", "[math]") {
  REQUIRE_ERROR(sweep(-30, 30, kStep, kTanh, [](double x) { return std::tanh(x); }), ulps, 5);
  CHECK(at(kTanh, kInf) == 1);
  CHECK(at(kTanh, -kInf) == -1);
  CHECK(std::signbit(at(kTanh, -0.0f)));
  CHECK(at(kTanh, kTiny) == kTiny);
  CHECK(std::isnan(at(kTanh, kNan)));
}

TEST_CASE("sigmoid and silu", "[math]") {
  const auto reference = [](double x) { return 1 / (1 + std::exp(-x)); };
  REQUIRE_ERROR(sweep(-85, 100, kStep, kSigmoid, reference), ulps, 4);
  REQUIRE_ERROR(sweep(-200, -85, kStep, kSigmoid, reference), absolute, 1e-37);
  REQUIRE_ERROR(sweep(-200, 200, kStep, kSilu, [&](double x) { return x * reference(x); }), scaled,
                3e-7);
  CHECK(at(kSigmoid, -kInf) == 0);
  CHECK(at(kSigmoid, kInf) == 1);
  CHECK(std::isnan(at(kSigmoid, kNan)));
  CHECK(at(kSilu, kInf) == kInf);
  CHECK(std::fabs(at(kSilu, -kInf)) < 1e-30f);
  CHECK(std::signbit(at(kSilu, -0.0f)));
  CHECK(std::isnan(at(kSilu, kNan)));
}

TEST_CASE("erf and gelu", "[math]") {
  REQUIRE_ERROR(sweep(-10, 10, kStep, kErf, [](double x) { return std::erf(x); }), ulps, 6);
  const auto gelu_reference = [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); };
  REQUIRE_ERROR(sweep(-50, 50, kStep, kGelu, gelu_reference), scaled, 3e-7);
  const auto tanh_reference = [](double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  };
  REQUIRE_ERROR(sweep(-50, 50, kStep, kGeluTanh, tanh_reference), scaled, 3e-7);
  CHECK(at(kErf, kInf) == 1);
  CHECK(at(kErf, -kInf) == -1);
  CHECK(std::signbit(at(kErf, -0.0f)));
  CHECK(std::isnan(at(kErf, kNan)));
  for (const auto& f :
       {+[](float x) { return at(kGelu, x); }, +[](float x) { return at(kGeluTanh, x); }}) {
    CHECK(f(kInf) == kInf);
    CHECK(f(-kInf) == 0);
    CHECK(f(-1000) == 0);
    CHECK(std::fabs(f(1e30f) - 1e30f) < 3e23f);
    CHECK(std::signbit(f(-0.0f)));
    CHECK(std::isnan(f(kNan)));
  }
}

TEST_CASE("log", "[math]") {
  const auto reference = [](double x) { return std::log(x); };
  REQUIRE_ERROR(sweep(kTiny, 3e38f, kStep, kLog, reference), ulps, 3);
  REQUIRE_ERROR(sweep(0.99f, 1.01f, 7, kLog, reference), ulps, 3);
  CHECK(at(kLog, 0) == -kInf);
  CHECK(at(kLog, -0.0f) == -kInf);
  CHECK(at(kLog, kInf) == kInf);
  CHECK(at(kLog, 1) == 0);
  CHECK(std::isnan(at(kLog, -1)));
  CHECK(std::isnan(at(kLog, -kInf)));
  CHECK(std::isnan(at(kLog, kNan)));
}

TEST_CASE("sin and cos", "[math]") {
  REQUIRE_ERROR(sweep(-8192, 8192, kStep, kSin, [](double x) { return std::sin(x); }), absolute,
                1.2e-7);
  REQUIRE_ERROR(sweep(-8192, 8192, kStep, kCos, [](double x) { return std::cos(x); }), absolute,
                1.2e-7);
  CHECK(std::signbit(at(kSin, -0.0f)));
  CHECK(at(kCos, 0) == 1);
}

}  // namespace
}  // namespace sardonyx::simd
