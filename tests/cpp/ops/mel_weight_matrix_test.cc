#include <cmath>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

OpTest mel(int64_t bins, int64_t length, int64_t rate, float low, float high) {
  OpTest test("MelWeightMatrix", 17);
  test.weight(scalar(bins)).weight(scalar(length)).weight(scalar(rate));
  return test.weight(scalar(low)).weight(scalar(high));
}

TEST_CASE("MelWeightMatrix makes triangles", "[mel_weight_matrix]") {
  const int64_t filters = 5, length = 64, rate = 8000, bins = 33;
  std::vector<int64_t> edges;
  const double low = 2595 * std::log10(1 + 100 / 700.0);
  const double step = (2595 * std::log10(1 + 3000 / 700.0) - low) / (filters + 2);
  for (int64_t i = 0; i < filters + 2; ++i) {
    const double hertz = 700 * (std::pow(10, (low + static_cast<double>(i) * step) / 2595) - 1);
    edges.push_back(static_cast<int64_t>(std::floor((length + 1) * hertz / rate)));
  }
  TestTensor y = make_tensor(DType::kFloat32, {bins, filters});
  for (int64_t j = 0; j < bins; ++j) {
    for (int64_t i = 0; i < filters; ++i) {
      const auto k = static_cast<size_t>(i);
      const int64_t a = edges[k], b = edges[k + 1], c = edges[k + 2];
      double value = 0;
      if (j >= a && j <= b && b > a)
        value = static_cast<double>(j - a) / static_cast<double>(b - a);
      if (j >= b && j < c) value = static_cast<double>(c - j) / static_cast<double>(c - b);
      if (j == b && a == b && b == c) value = 1;
      set_element(y, j * filters + i, value);
    }
  }
  mel(filters, length, rate, 100, 3000).expect(y).run();
}

TEST_CASE("MelWeightMatrix refuses what does not fit", "[mel_weight_matrix]") {
  mel(0, 64, 8000, 0, 3000).fails(ErrorCode::VALUE_RANGE);
  mel(5, -1, 8000, 0, 3000).fails(ErrorCode::VALUE_RANGE);
  mel(5, 64, 8000, 0, 300000).fails(ErrorCode::VALUE_RANGE);
  mel(5, 64, 0, 0, 3000).fails(ErrorCode::VALUE_RANGE);
  mel(5, 64, 8000, 0, 3000).set("output_datatype", 8).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
