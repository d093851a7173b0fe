#include "base/power.h"

#include <cmath>
#include <cstdint>
#include <limits>

namespace sardonyx {
namespace {

// Above, squaring is less exact than exp and log.
constexpr double kMostSquared = 1024;

double by_squaring(double base, int64_t exponent) {
  double out = 1;
  for (; exponent > 0; exponent >>= 1, base *= base) {
    if (exponent & 1) out *= base;
  }
  return out;
}

// Of a finite number above zero.
double positive_power(double base, double exponent, bool whole) {
  if (exponent == 0.5) return std::sqrt(base);
  const double size = std::fabs(exponent);
  if (whole && size <= kMostSquared) {
    const double out = by_squaring(base, static_cast<int64_t>(size));
    if (exponent > 0) return out;
    if (std::isnormal(out)) return 1 / out;
  }
  return std::exp(exponent * std::log(base));
}

}  // namespace

double power(double base, double exponent) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (exponent == 0 || base == 1) return 1;
  if (std::isnan(base) || std::isnan(exponent)) return base + exponent;
  const double size = std::fabs(base);
  if (std::isinf(exponent)) return size == 1 ? 1 : (size > 1) == (exponent > 0) ? kInfinity : 0;
  const bool whole = exponent == std::trunc(exponent);
  const bool odd =
      whole && std::fabs(exponent) < 0x1p53 && (static_cast<int64_t>(exponent) & 1) != 0;
  double out = 0;
  if (size == 0 || std::isinf(size)) {
    out = (size == 0) == (exponent > 0) ? 0 : kInfinity;
  } else if (base < 0 && !whole) {
    return std::numeric_limits<double>::quiet_NaN();
  } else {
    out = positive_power(size, exponent, whole);
  }
  return std::signbit(base) && odd ? -out : out;
}

}  // namespace sardonyx
