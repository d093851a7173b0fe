// Test data and comparison for kernels over plain float spans.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace sardonyx::test {

// Uniform in [low, high]; exactly `count` elements, so that sanitizers see reads beyond them.
inline std::vector<float> random_floats(int64_t count, uint32_t seed, float low = -1,
                                        float high = 1) {
  std::mt19937 generator(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    const double unit = static_cast<double>(generator()) / 4294967295.0;
    value = static_cast<float>(low + unit * (static_cast<double>(high) - low));
  }
  return values;
}

// Largest |actual - expected|; infinite when one is NaN and the other is not or infinities differ.
inline double max_difference(const std::vector<float>& actual,
                             const std::vector<double>& expected) {
  if (actual.size() != expected.size()) return INFINITY;
  double worst = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(actual[i]) && std::isnan(expected[i])) continue;
    if (static_cast<double>(actual[i]) == expected[i]) continue;
    const double difference = std::fabs(actual[i] - expected[i]);
    if (!(difference <= worst)) worst = std::isnan(difference) ? INFINITY : difference;
  }
  return worst;
}

}  // namespace sardonyx::test
