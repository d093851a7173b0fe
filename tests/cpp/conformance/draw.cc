#include "tests/cpp/conformance/draw.h"

#include <limits>

namespace sardonyx::test {

int64_t Draw::whole() {
  static constexpr int64_t kWide[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX, INT64_MAX - 1,
                                      INT32_MIN, INT32_MAX,     1LL << 31, 1LL << 32,
                                      1LL << 62, 65536,         1000,      -1000};
  if (one_in(3)) return from(kWide);
  return static_cast<int64_t>(below(14)) - 5;
}

int64_t Draw::dim() {
  static constexpr int64_t kOdd[] = {0, 1, -1, 16, 17, 31, 64, 1LL << 31, 1LL << 40, INT64_MAX};
  if (one_in(4)) return from(kOdd);
  return static_cast<int64_t>(below(7));
}

double Draw::real() {
  using Limits = std::numeric_limits<double>;
  static constexpr double kReals[] = {0,
                                      -0.0,
                                      1,
                                      -1,
                                      0.5,
                                      -2.5,
                                      1e-9,
                                      1e9,
                                      -1e9,
                                      3e38,
                                      1e19,
                                      -3e38,
                                      Limits::infinity(),
                                      -Limits::infinity(),
                                      Limits::quiet_NaN()};
  return from(kReals);
}

}  // namespace sardonyx::test
