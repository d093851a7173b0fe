#include "simd/softmax.h"

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

std::vector<double> reference(SoftmaxKind kind, const Floats& x, int64_t outer, int64_t n,
                              int64_t inner) {
  std::vector<double> y(x.size());
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const auto at = [&](int64_t j) { return static_cast<size_t>((o * n + j) * inner + i); };
      double max = -kInf, sum = 0;
      for (int64_t j = 0; j < n; ++j) max = std::fmax(max, x[at(j)]);
      for (int64_t j = 0; j < n; ++j) sum += std::exp(x[at(j)] - max);
      for (int64_t j = 0; j < n; ++j) {
        y[at(j)] = kind == SoftmaxKind::kSoftmax ? std::exp(x[at(j)] - max) / sum
                                                 : x[at(j)] - max - std::log(sum);
      }
    }
  }
  return y;
}

TEST_CASE("softmax and log-softmax over odd shapes", "[softmax]") {
  for (SoftmaxKind kind : {SoftmaxKind::kSoftmax, SoftmaxKind::kLogSoftmax}) {
    for (int64_t outer : {1, 3, 9}) {
      for (int64_t n : {1, 2, 3, 4, 7, 8, 9, 16, 37, 130, 1000}) {
        for (int64_t inner : {1, 2, 4, 5, 9}) {
          Floats x = random_floats(outer * n * inner, 3, -20, 20), y(x.size(), NAN);
          const auto expected = reference(kind, x, outer, n, inner);
          REQUIRE(softmax(kind, x.data(), y.data(), outer, n, inner).ok());
          INFO(outer << " x " << n << " x " << inner);
          CHECK(max_difference(y, expected) < (kind == SoftmaxKind::kSoftmax ? 1e-6 : 1e-5));
          REQUIRE(softmax(kind, x.data(), x.data(), outer, n, inner).ok());
          CHECK(x == y);
        }
      }
    }
  }
}

TEST_CASE("softmax: masks, large values and NaN", "[softmax]") {
  for (int64_t inner : {1, 3}) {
    const auto spread = [&](const Floats& row) {
      Floats x;
      for (float v : row) x.insert(x.end(), static_cast<size_t>(inner), v);
      return x;
    };
    const auto run = [&](const Floats& row) {
      Floats x = spread(row);
      REQUIRE(softmax(SoftmaxKind::kSoftmax, x.data(), x.data(), 1,
                      static_cast<int64_t>(row.size()), inner)
                  .ok());
      return x;
    };
    CHECK(run({-kInf, 5, -kInf, 5, -kInf}) == spread({0, 0.5f, 0, 0.5f, 0}));
    CHECK(run({3e38f, -3e38f, 3e38f, 0, 1, 2}) == spread({0.5f, 0, 0.5f, 0, 0, 0}));
    for (float v : run({1, NAN, 2, 3, 4, 5, 6, 7, 8, 9})) CHECK(std::isnan(v));
    for (float v : run({-kInf, -kInf})) CHECK(std::isnan(v));
  }
}

TEST_CASE("the softmax of a row in pieces", "[softmax]") {
  for (int64_t n : {1, 3, 4, 7, 8, 9, 16, 33}) {
    CAPTURE(n);
    const Floats x = random_floats(n, 3);
    float largest = -kInf;
    for (float v : x) largest = std::fmax(largest, v);
    CHECK(softmax_max(x.data(), n) == largest);
    Floats y(x.size());
    const float sum = softmax_exp(x.data(), y.data(), n, largest + 1);
    double expected = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double e = std::exp(double{x[i]} - (double{largest} + 1));
      expected += e;
      CHECK(std::fabs(y[i] - e) <= 1e-6 * e);
    }
    CHECK(std::fabs(sum - expected) <= 1e-5 * expected);
  }
  CHECK(softmax_max(nullptr, 0) == -kInf);
  const Floats holes = {NAN, -kInf, 2, NAN};
  CHECK(softmax_max(holes.data(), 4) == 2);
  Floats y(4);
  CHECK(std::isnan(softmax_exp(holes.data(), y.data(), 4, 2)));
  CHECK(y[1] == 0);
  CHECK(y[2] == 1);
}

}  // namespace
}  // namespace sardonyx::simd
