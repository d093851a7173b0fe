#include "simd/elementwise.h"

#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/simd/random_floats.h"

namespace sardonyx::simd {
namespace {

using test::max_difference;
using test::random_floats;
using Floats = std::vector<float>;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct UnaryCase {
  UnaryKind kind;
  double (*reference)(double);
  float a = 0, b = 0, low = -4, high = 4;
};
double clamp01(double x) {
  return std::fmax(0, std::fmin(1, x));
}

const UnaryCase kUnary[] = {
    {UnaryKind::kRelu, [](double x) { return x < 0 ? 0 : x; }},
    {UnaryKind::kClip, [](double x) { return x < -1  ? -1
                                             : x > 2 ? 2
                                                     : x; }, -1, 2},
    {UnaryKind::kClip, [](double) { return -3.0; }, 2, -3},
    {UnaryKind::kLeakyRelu, [](double x) { return x < 0 ? 0.25 * x : x; }, 0.25f},
    {UnaryKind::kSigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, 0, 0, -90, 90},
    {UnaryKind::kTanh, [](double x) { return std::tanh(x); }, 0, 0, -12, 12},
    {UnaryKind::kHardSigmoid, [](double x) { return clamp01(0.25 * x + 0.5); }, 0.25f, 0.5f},
    {UnaryKind::kHardSwish, [](double x) { return x * clamp01(x / 6 + 0.5); }},
    {UnaryKind::kSilu, [](double x) { return x / (1 + std::exp(-x)); }},
    {UnaryKind::kAbs, [](double x) { return std::fabs(x); }},
    {UnaryKind::kNeg, [](double x) { return -x; }},
    {UnaryKind::kReciprocal, [](double x) { return 1 / x; }, 0, 0, 0.1f, 9},
    {UnaryKind::kSqrt, [](double x) { return std::sqrt(x); }, 0, 0, 0, 9},
    {UnaryKind::kFloor, [](double x) { return std::floor(x); }},
    {UnaryKind::kCeil, [](double x) { return std::ceil(x); }},
    {UnaryKind::kRound, [](double x) { return std::nearbyint(x); }},
    {UnaryKind::kExp, [](double x) { return std::exp(x); }},
    {UnaryKind::kLog, [](double x) { return std::log(x); }, 0, 0, 0.01f, 9},
    {UnaryKind::kSin, [](double x) { return std::sin(x); }, 0, 0, -20000, 20000},
    {UnaryKind::kCos, [](double x) { return std::cos(x); }, 0, 0, -20000, 20000},
    {UnaryKind::kErf, [](double x) { return std::erf(x); }},
    {UnaryKind::kGelu, [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }},
    {UnaryKind::kGeluTanh,
     [](double x) {
       return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
     }},
    {UnaryKind::kElu, [](double x) { return x < 0 ? 1.5 * std::expm1(x) : x; }, 1.5f, 0, -30, 5},
    {UnaryKind::kSoftplus,
     [](double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }, 0, 0, -30, 30},
};

TEST_CASE("unary kernels at every tail, apart and in place", "[elementwise]") {
  for (const UnaryCase& c : kUnary) {
    for (int64_t n : {0, 1, 2, 3, 4, 5, 7, 8, 13, 64, 1001}) {
      Floats x = random_floats(n, 7, c.low, c.high), y(x.size(), kNan);
      std::vector<double> expected;
      for (float v : x) expected.push_back(c.reference(v));
      unary(c.kind, c.a, c.b, x.data(), y.data(), n);
      INFO("kind " << static_cast<int>(c.kind) << ", " << n << " elements");
      CHECK(max_difference(y, expected) < 2e-5);
      unary(c.kind, c.a, c.b, x.data(), x.data(), n);
      CHECK(x == y);
    }
  }
}

TEST_CASE("unary kernels keep NaN", "[elementwise]") {
  for (const UnaryCase& c : kUnary) {
    if (c.a == 2) continue;  // the impossible clip
    const Floats x{kNan, 1, kNan, 1, kNan};
    Floats y(5);
    unary(c.kind, c.a, c.b, x.data(), y.data(), 5);
    INFO("kind " << static_cast<int>(c.kind));
    CHECK((std::isnan(y[0]) && std::isnan(y[2]) && std::isnan(y[4])));
    CHECK(!std::isnan(y[1]));
  }
}

float at(UnaryKind kind, float x, float a = 0) {
  float y = kNan;
  unary(kind, a, 0, &x, &y, 1);
  return y;
}

TEST_CASE("unary kernels at the limits", "[elementwise]") {
  CHECK(at(UnaryKind::kElu, -kInf, 2) == -2);
  CHECK(at(UnaryKind::kElu, 1e-30f, 2) == 1e-30f);
  CHECK(std::fabs(at(UnaryKind::kElu, -1e-6f, 1) + 1e-6f) < 1e-12f);
  CHECK(at(UnaryKind::kSoftplus, kInf) == kInf);
  CHECK(at(UnaryKind::kSoftplus, -kInf) == 0);
  CHECK(std::fabs(at(UnaryKind::kSoftplus, -20) - 2.0611537e-9f) < 1e-14f);
  CHECK(at(UnaryKind::kHardSwish, kInf) == kInf);
  CHECK(std::isnan(at(UnaryKind::kSin, kInf)));
  CHECK(at(UnaryKind::kRelu, std::numeric_limits<float>::denorm_min()) > 0);
}

TEST_CASE("activate equals the unary kernel", "[elementwise]") {
  const std::pair<ActivationKind, UnaryKind> same[] = {
      {ActivationKind::kRelu, UnaryKind::kRelu},
      {ActivationKind::kClip, UnaryKind::kClip},
      {ActivationKind::kLeakyRelu, UnaryKind::kLeakyRelu},
      {ActivationKind::kSigmoid, UnaryKind::kSigmoid},
      {ActivationKind::kTanh, UnaryKind::kTanh},
      {ActivationKind::kHardSigmoid, UnaryKind::kHardSigmoid},
      {ActivationKind::kHardSwish, UnaryKind::kHardSwish},
      {ActivationKind::kSilu, UnaryKind::kSilu}};
  for (const auto& [activation, kind] : same) {
    Floats x = random_floats(11, 3, -5, 5), y(x.size());
    unary(kind, -0.5f, 0.75f, x.data(), y.data(), 11);
    activate({activation, -0.5f, 0.75f}, x.data(), 11);
    CHECK(x == y);
  }
  Floats x = random_floats(11, 3), before = x;
  activate({}, x.data(), 11);
  CHECK(x == before);
}

constexpr uint8_t kPeriods[] = {0, 1, 4};

struct BinaryCase {
  BinaryKind kind;
  double (*reference)(double, double);
};
const BinaryCase kBinary[] = {
    {BinaryKind::kAdd, [](double a, double b) { return a + b; }},
    {BinaryKind::kSub, [](double a, double b) { return a - b; }},
    {BinaryKind::kMul, [](double a, double b) { return a * b; }},
    {BinaryKind::kDiv, [](double a, double b) { return a / b; }},
    {BinaryKind::kMin, [](double a, double b) { return a < b ? a : b; }},
    {BinaryKind::kMax, [](double a, double b) { return a > b ? a : b; }},
    {BinaryKind::kPow, [](double a, double b) { return std::pow(a, b); }},
    {BinaryKind::kPRelu, [](double a, double b) { return a < 0 ? a * b : a; }},
};

TEST_CASE("binary kernels: operands with and without a period, at every tail", "[elementwise]") {
  for (const BinaryCase& c : kBinary) {
    for (int64_t n : {0, 1, 3, 4, 6, 9, 32, 101}) {
      for (int periods = 0; periods < 9; ++periods) {
        const uint8_t of_a = kPeriods[periods / 3], of_b = kPeriods[periods % 3];
        const float low = c.kind == BinaryKind::kPRelu ? -3.0f : 0.5f;
        const Floats a = random_floats(of_a ? of_a : n, 1, low, 3);
        const Floats b = random_floats(of_b ? of_b : n, 2, 0.5f, 3);
        Floats y(static_cast<size_t>(n), kNan);
        std::vector<double> expected;
        for (size_t i = 0; i < y.size(); ++i) {
          expected.push_back(c.reference(a[of_a ? i % of_a : i], b[of_b ? i % of_b : i]));
        }
        binary(c.kind, {a.data(), of_a}, {b.data(), of_b}, y.data(), n);
        INFO("kind " << static_cast<int>(c.kind) << ", " << n << " elements, periods " << periods);
        CHECK(max_difference(y, expected) < 1e-5);
      }
    }
  }
}

TEST_CASE("PRelu keeps -0, infinities and NaN", "[elementwise]") {
  const Floats x{-0.0f, 0.0f, -kInf, kInf, kNan, -2}, slope{2, 2, 0.5f, -1, 3, kNan};
  Floats y(x.size());
  binary(BinaryKind::kPRelu, {x.data()}, {slope.data()}, y.data(), 6);
  CHECK((y[0] == 0 && std::signbit(y[0]) && y[1] == 0 && !std::signbit(y[1])));
  CHECK((y[2] == -kInf && y[3] == kInf && std::isnan(y[4]) && std::isnan(y[5])));
}

TEST_CASE("Min and Max give NaN when either operand is NaN", "[elementwise]") {
  const Floats a{kNan, 1, 2, kNan, 4}, b{1, kNan, 3, kNan, kNan};
  for (BinaryKind kind : {BinaryKind::kMin, BinaryKind::kMax}) {
    Floats y(5);
    binary(kind, {a.data()}, {b.data()}, y.data(), 5);
    CHECK((std::isnan(y[0]) && std::isnan(y[1]) && std::isnan(y[3]) && std::isnan(y[4])));
    CHECK(y[2] == (kind == BinaryKind::kMin ? 2.0f : 3.0f));
  }
}

TEST_CASE("Pow with common exponents equals pow", "[elementwise]") {
  const Floats x{-kInf, -3, -0.0f, 0, 0.25f, 7, kInf, kNan};
  for (float exponent : {2.0f, 3.0f, 1.0f, -1.0f, 0.5f, 0.0f, 1.5f, -2.0f}) {
    Floats y(x.size());
    binary(BinaryKind::kPow, {x.data()}, {&exponent, true}, y.data(), 8);
    std::vector<double> expected;
    for (float v : x)
      expected.push_back(std::pow(static_cast<double>(v), static_cast<double>(exponent)));
    INFO("exponent " << exponent);
    CHECK(max_difference(y, expected) < 1e-4);
  }
}

TEST_CASE("scale_offset and sum_of_products", "[elementwise]") {
  for (int64_t n : {0, 1, 4, 11}) {
    const Floats x = random_floats(n, 1), s = random_floats(n, 2), o = random_floats(n, 3);
    Floats y(x.size()), z(x.size());
    scale_offset(x.data(), 2.0f, 1.0f, y.data(), n);
    scale_offset(x.data(), s.data(), o.data(), z.data(), n);
    Floats w(x.size());
    sum_of_products(x.data(), s.data(), s.data(), o.data(), w.data(), n);
    for (size_t i = 0; i < x.size(); ++i) {
      CHECK(std::fabs(y[i] - (x[i] * 2 + 1)) < 1e-6f);
      CHECK(std::fabs(z[i] - (x[i] * s[i] + o[i])) < 1e-6f);
      CHECK(std::fabs(w[i] - (x[i] * s[i] + s[i] * o[i])) < 1e-6f);
    }
  }
}

}  // namespace
}  // namespace sardonyx::simd
