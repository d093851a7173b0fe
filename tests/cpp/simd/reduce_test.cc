#include "simd/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/simd/random_floats.h"

namespace sardonyx::simd {
namespace {

using test::random_floats;

TEST_CASE("reductions at every tail", "[reduce]") {
  for (int64_t n : {0, 1, 2, 3, 4, 5, 15, 16, 17, 31, 63, 100, 1003}) {
    const auto x = random_floats(n, 5, -3, -1), y = random_floats(n, 6, -1, 2);
    double sum = 0, squares = 0, magnitudes = 0, product = 0, around = 0;
    float most = -std::numeric_limits<float>::infinity(), least = -most;
    for (size_t i = 0; i < x.size(); ++i) {
      sum += x[i];
      squares += static_cast<double>(x[i]) * x[i];
      magnitudes += std::fabs(x[i]);
      product += static_cast<double>(x[i]) * y[i];
      around += (x[i] - 1.5) * (x[i] - 1.5);
      most = std::max(most, x[i]);
      least = std::min(least, x[i]);
    }
    INFO(n << " elements");
    const double bound = 1e-5 * (1 + static_cast<double>(n));
    CHECK(std::fabs(reduce_sum(x.data(), n) - sum) <= bound);
    CHECK(std::fabs(reduce_sum_squares(x.data(), n) - squares) <= bound);
    CHECK(std::fabs(reduce_sum_abs(x.data(), n) - magnitudes) <= bound);
    CHECK(std::fabs(reduce_sum_squared_differences(x.data(), 1.5f, n) - around) <= bound);
    CHECK(std::fabs(dot(x.data(), y.data(), n) - product) <= bound);
    CHECK(reduce_max(x.data(), n) == most);
    CHECK(reduce_min(x.data(), n) == least);
    const Extent below = reduce_extent(x.data(), n), around_0 = reduce_extent(y.data(), n);
    CHECK((below.low == std::min(least, 0.0f) && below.high == 0));
    CHECK((around_0.low == std::min(0.0f, reduce_min(y.data(), n)) &&
           around_0.high == std::max(0.0f, reduce_max(y.data(), n))));
  }
}

TEST_CASE("sums of columns", "[reduce]") {
  for (int64_t count : {0, 1, 2, 63, 64, 65, 200}) {
    for (int64_t n : {1, 3, 4, 5, 8, 19}) {
      const int64_t stride = n + 2;
      const auto x = random_floats(count * stride, 7, -1, 2);
      std::vector<float> y(static_cast<size_t>(n + 1), 42.0f);
      reduce_sum_columns(x.data(), count, stride, y.data(), n);
      INFO(count << " rows of " << n);
      for (int64_t i = 0; i < n; ++i) {
        double sum = 0;
        for (int64_t row = 0; row < count; ++row) sum += x[static_cast<size_t>(row * stride + i)];
        CHECK(std::fabs(y[static_cast<size_t>(i)] - sum) <=
              1e-6 * (1 + static_cast<double>(count)));
      }
      CHECK(y.back() == 42.0f);
    }
  }
}

TEST_CASE("a NaN anywhere reaches every reduction", "[reduce]") {
  for (int64_t n : {1, 3, 6, 18, 37}) {
    for (int64_t at = 0; at < n; ++at) {
      auto x = random_floats(n, 5);
      x[static_cast<size_t>(at)] = NAN;
      CHECK(std::isnan(reduce_sum(x.data(), n)));
      CHECK(std::isnan(reduce_max(x.data(), n)));
      CHECK(std::isnan(reduce_min(x.data(), n)));
      const Extent extent = reduce_extent(x.data(), n);
      CHECK((std::isnan(extent.low) && std::isnan(extent.high)));
      CHECK(std::isnan(dot(x.data(), x.data(), n)));
    }
  }
}

}  // namespace
}  // namespace sardonyx::simd
