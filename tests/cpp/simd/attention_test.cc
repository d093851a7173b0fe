#include "simd/attention.h"

#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/simd/random_floats.h"

namespace sardonyx::simd {
namespace {

using test::random_floats;
using Floats = std::vector<float>;
constexpr float kInf = std::numeric_limits<float>::infinity();

PanelSoftmax no_keys() {
  PanelSoftmax softmax{};
  for (float& max : softmax.max) max = -kInf;
  return softmax;
}

// Whether y is within 1e-5 of the softmax over keys of scores[key][j], times values.
void check_query(const Floats& scores, const Floats& values, int64_t size, int64_t j,
                 const Floats& sums, float total) {
  const auto keys = static_cast<int64_t>(scores.size()) / kPanel;
  double max = -kInf, sum = 0;
  const auto score = [&](int64_t key) { return scores[static_cast<size_t>(key * kPanel + j)]; };
  for (int64_t key = 0; key < keys; ++key) max = std::fmax(max, score(key));
  for (int64_t key = 0; key < keys; ++key) sum += std::exp(score(key) - max);
  for (int64_t i = 0; i < size; ++i) {
    double expected = 0;
    for (int64_t key = 0; key < keys; ++key) {
      expected += std::exp(score(key) - max) / sum * values[static_cast<size_t>(key * size + i)];
    }
    CHECK(std::abs(sums[static_cast<size_t>(i * kPanel + j)] / total - expected) < 1e-5);
  }
}

TEST_CASE("attention of a panel, keys in parts of any size", "[attention]") {
  for (const int64_t part : {1, 2, 3, 7, 16}) {
    for (const int64_t size : {1, 3, 4, 9}) {
      const int64_t keys = 17;
      const Floats scores = random_floats(keys * kPanel, 1, -20.0f, 20.0f);
      const Floats values = random_floats(keys * size, 2);
      PanelSoftmax softmax = no_keys();
      Floats weights = scores, sums(static_cast<size_t>(size * kPanel), 0.0f);
      for (int64_t key = 0; key < keys; key += part) {
        const int64_t count = std::min(part, keys - key);
        float* own = weights.data() + key * kPanel;
        panel_soften(own, count, softmax);
        panel_add_values(values.data() + key * size, size, size, own, count, softmax.fade,
                         sums.data());
      }
      for (int64_t j = 0; j < kPanel; ++j) {
        check_query(scores, values, size, j, sums, softmax.total[j]);
      }
    }
  }
}

TEST_CASE("softmax of a panel keeps queries apart", "[attention]") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  Floats scores(3 * kPanel, 1.0f);
  const auto set = [&](size_t j, float a, float b, float c) {
    scores[j] = a;
    scores[kPanel + j] = b;
    scores[2 * kPanel + j] = c;
  };
  set(0, -kInf, -kInf, -kInf);
  set(1, -kInf, 0.0f, -kInf);
  set(2, kNan, 0.0f, 1.0f);
  set(3, kInf, 0.0f, 1.0f);
  set(4, -3e38f, 3e38f, -0.0f);
  set(5, 1e-45f, -1e-45f, 0.0f);
  PanelSoftmax softmax = no_keys();
  panel_soften(scores.data(), 3, softmax);
  CHECK(softmax.total[0] == 0);
  CHECK(softmax.max[0] == -kInf);
  CHECK(softmax.total[1] == 1);
  CHECK(std::isnan(softmax.total[2]));
  CHECK(std::isnan(softmax.total[3]));
  CHECK(softmax.total[4] == 1);
  CHECK(std::abs(softmax.total[5] - 3) < 1e-6);
  CHECK(std::abs(softmax.total[7] - 3) < 1e-6);
  // A query that has seen nothing counts from here on only.
  Floats more(kPanel, 2.0f);
  panel_soften(more.data(), 1, softmax);
  CHECK(softmax.fade[0] == 0);
  CHECK(softmax.total[0] == 1);
  CHECK(softmax.fade[4] == 1);
}

TEST_CASE("a mask is added to each query of a panel", "[attention]") {
  for (const int64_t keys : {1, 4, 7}) {
    for (const int64_t step : {int64_t{0}, keys, keys + 3}) {
      const Floats mask = random_floats(keys + 7 * step, 3);
      const Floats before = random_floats(keys * kPanel, 4);
      Floats scores = before;
      panel_add_mask(mask.data(), step, keys, scores.data());
      for (int64_t key = 0; key < keys; ++key) {
        for (int64_t j = 0; j < kPanel; ++j) {
          const auto at = static_cast<size_t>(key * kPanel + j);
          CHECK(scores[at] == before[at] + mask[static_cast<size_t>(j * step + key)]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace sardonyx::simd
