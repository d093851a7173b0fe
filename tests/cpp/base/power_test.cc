#include "base/power.h"

#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

namespace sardonyx {
namespace {

TEST_CASE("special values are those of pow()") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const double values[] = {0.0, -0.0,  1,      -1,     0.5,     -0.5,   2,
                           -2,  3,     -3,     2.5,    -2.5,    inf,    -inf,
                           nan, 1e300, -1e300, 1e-300, -1e-300, 0x1p53, 0x1p60};
  for (double base : values) {
    for (double exponent : values) {
      CAPTURE(base, exponent);
      const double found = power(base, exponent), expected = std::pow(base, exponent);
      if (std::isnan(expected)) {
        CHECK(std::isnan(found));
      } else if (expected == 0 || std::isinf(expected)) {
        CHECK(std::bit_cast<uint64_t>(found) == std::bit_cast<uint64_t>(expected));
      } else {
        CHECK(std::fabs(found - expected) <= 1e-12 * std::fabs(expected));
      }
    }
  }
}

TEST_CASE("powers of whole numbers by whole numbers are exact") {
  for (int base = -20; base <= 20; ++base) {
    double expected = 1;
    for (int exponent = 0; exponent < 64 && std::fabs(expected) < 0x1p53; ++exponent) {
      CHECK(power(base, exponent) == expected);
      expected *= base;
    }
  }
  CHECK(power(2, -1074) == 0x1p-1074);
  CHECK(power(2, 1023) == 0x1p1023);
  CHECK(power(9, 0.5) == 3);
}

TEST_CASE("other powers are within 1e-12 of themselves") {
  uint64_t state = 1;
  const auto next = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state >> 11) * 0x1p-53;
  };
  for (int i = 0; i < 20000; ++i) {
    const double base = std::exp(40 * next() - 20), exponent = 30 * next() - 15;
    const double expected = std::pow(base, exponent);
    CAPTURE(base, exponent);
    REQUIRE(std::fabs(power(base, exponent) - expected) <= 1e-12 * expected);
  }
}

}  // namespace
}  // namespace sardonyx
