#include <algorithm>
#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

TestTensor reference_lrn(const TestTensor& x, int64_t size, double alpha, double beta,
                         double bias) {
  TestTensor y = x;
  const int64_t channels = x.shape[1], plane = x.shape.product(2, x.shape.rank());
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t c = i / plane % channels;
    double sum = 0;
    for (int64_t k = std::max<int64_t>(0, c - (size - 1) / 2);
         k <= std::min(channels - 1, c + size / 2); ++k) {
      sum += std::pow(element(x, i + (k - c) * plane), 2);
    }
    const double divisor = std::pow(bias + alpha / static_cast<double>(size) * sum, beta);
    set_element(y, i, element(x, i) / divisor);
  }
  return y;
}

TEST_CASE("LRN over odd shapes and windows", "[local_response_norm]") {
  for (const Shape& shape : {Shape{2, 5, 3, 3}, Shape{1, 1, 2, 2}, Shape{3, 7}, Shape{1, 4, 9}}) {
    const TestTensor x = random_f32(shape, 1, -5, 5);
    for (int64_t size : {1, 2, 3, 5}) {
      OpTest("LRN", 13)
          .set("size", size)
          .set("alpha", 0.5)
          .set("beta", 0.5)
          .set("bias", 2.0)
          .input(x)
          .tolerance(1e-5, 1e-5)
          .expect(reference_lrn(x, size, 0.5, 0.5, 2))
          .run();
    }
    OpTest("LRN", 13)
        .set("size", 3)
        .input(x)
        .tolerance(1e-5, 1e-5)
        .expect(reference_lrn(x, 3, 1e-4, 0.75, 1))
        .run();
  }
}

TEST_CASE("LRN refuses wrong windows", "[local_response_norm]") {
  const TestTensor x = random_f32({2, 5, 3, 3}, 1);
  OpTest("LRN").input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("LRN").set("size", 0).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("LRN").set("size", 3).input(random_f32({5}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
