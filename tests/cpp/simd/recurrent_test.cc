#include "simd/recurrent.h"

#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/simd/random_floats.h"

namespace sardonyx::simd {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kSpecial[] = {std::numeric_limits<float>::quiet_NaN(),  kInf,  -kInf, -0.0f,
                              std::numeric_limits<float>::denorm_min(), 30.0f, -30.0f};

double gate(double x) {
  return 1 / (1 + std::exp(-x));
}

void check(const std::vector<float>& actual, const std::vector<double>& expected) {
  CHECK(test::max_difference(actual, expected) <= 1e-5);
}

// Random operands, in which special values stand here and there.
std::vector<float> operand(size_t count, uint32_t seed, bool special) {
  std::vector<float> out = test::random_floats(static_cast<int64_t>(count), seed);
  for (size_t i = seed % 3; special && i < count; i += 3) out[i] = kSpecial[(i + seed) % 7];
  return out;
}

}  // namespace

TEST_CASE("lstm_cell", "[recurrent]") {
  for (size_t n : {1, 3, 4, 7, 16, 21}) {
    for (bool special : {false, true}) {
      const std::vector<float> products = operand(4 * n, 1, special),
                               x = operand(4 * n, 2, special);
      std::vector<float> c = operand(n, 3, special), h(n, -1);
      std::vector<double> wanted_c(n), wanted_h(n);
      for (size_t i = 0; i < n; ++i) {
        const auto sum = [&](size_t which) -> double {
          return products[which * n + i] + x[which * n + i];
        };
        wanted_c[i] = gate(sum(2)) * c[i] + gate(sum(0)) * std::tanh(sum(3));
        wanted_h[i] = gate(sum(1)) * std::tanh(wanted_c[i]);
      }
      lstm_cell(products.data(), x.data(), static_cast<int64_t>(n), c.data(), h.data());
      check(c, wanted_c);
      check(h, wanted_h);
    }
  }
}

TEST_CASE("gru_cell", "[recurrent]") {
  for (size_t n : {1, 3, 4, 7, 16, 21}) {
    for (bool special : {false, true}) {
      for (bool biased : {false, true}) {
        const std::vector<float> products = operand(3 * n, 1, special);
        const std::vector<float> x = operand(3 * n, 2, special), bias = operand(n, 3, special);
        std::vector<float> h = operand(n, 4, special);
        std::vector<double> wanted(n);
        for (size_t i = 0; i < n; ++i) {
          const float hidden = products[2 * n + i] + (biased ? bias[i] : 0.0f);
          const double z = gate(products[i] + x[i]), r = gate(products[n + i] + x[n + i]);
          wanted[i] = (1 - z) * std::tanh(hidden * r + x[2 * n + i]) + z * h[i];
        }
        gru_cell(products.data(), x.data(), biased ? bias.data() : nullptr, static_cast<int64_t>(n),
                 h.data());
        check(h, wanted);
      }
    }
  }
}

}  // namespace sardonyx::simd
