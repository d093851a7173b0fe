#include "base/angle.h"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

namespace sardonyx {
namespace {

void check(double angle) {
  CAPTURE(angle);
  const double s = std::sin(angle), c = std::cos(angle), t = std::tan(angle);
  REQUIRE(std::fabs(sine(angle) - s) <= 2.3e-16 * std::fabs(s));
  REQUIRE(std::fabs(cosine(angle) - c) <= 2.3e-16 * std::fabs(c));
  REQUIRE(std::fabs(tangent(angle) - t) <= 6e-16 * std::fabs(t));
  REQUIRE(std::signbit(sine(angle)) == std::signbit(s));
}

TEST_CASE("sine, cosine and tangent of angles of every size") {
  uint64_t state = 7;
  for (int exponent = -1074; exponent < 1024; ++exponent) {
    for (int i = 0; i < 40; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const double fraction = 1 + static_cast<double>(state >> 12) * 0x1p-52;
      const double angle = std::ldexp(fraction, exponent);
      check(i % 2 ? angle : -angle);
    }
  }
  check(0.0);
  check(-0.0);
}

TEST_CASE("angles near quarters of turns, and the one that is nearest to one") {
  for (int i = 1; i < 3000; ++i) {
    const double angle = i * 1.57079632679489661923;
    for (double x : {angle, std::nextafter(angle, 0.0), std::nextafter(angle, 1e9)}) check(x);
    check(i * 0.5 * 1.57079632679489661923);
  }
  CHECK(cosine(std::ldexp(6381956970095103.0, 797)) == -4.68716592425462761112e-19);
  check(std::numeric_limits<double>::max());
}

TEST_CASE("no angle") {
  const double inf = std::numeric_limits<double>::infinity();
  for (double x : {inf, -inf, std::nan("")}) {
    CHECK(std::isnan(sine(x)));
    CHECK(std::isnan(cosine(x)));
    CHECK(std::isnan(tangent(x)));
  }
}

}  // namespace
}  // namespace sardonyx
