#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/quantized.h"

namespace sardonyx::test {
namespace {

// The norm of the line through element i.
double norm_at(const TestTensor& x, int axis, int p, int64_t i) {
  const int64_t inner = x.shape.product(axis + 1, x.shape.rank());
  const int64_t first = i - reference::channel_of(x.shape, axis, i) * inner;
  double sum = 0;
  for (int64_t k = 0; k < x.shape[axis]; ++k) {
    sum += std::pow(std::fabs(element(x, first + k * inner)), p);
  }
  return std::pow(sum, 1.0 / p);
}

TEST_CASE("LpNormalization along every axis", "[lp_normalization]") {
  for (const Shape& shape : {Shape{7}, Shape{3, 5}, Shape{2, 4, 3}, Shape{2, 0, 3}}) {
    const TestTensor x = random_f32(shape, 1);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      for (int p : {1, 2}) {
        TestTensor y = x;
        for (int64_t i = 0; i < x.size(); ++i) {
          set_element(y, i, element(x, i) / norm_at(x, axis, p, i));
        }
        OpTest("LpNormalization", 22).set("axis", axis).set("p", p).input(x).expect(y).run();
      }
    }
  }
}

TEST_CASE("LpNormalization leaves zeros", "[lp_normalization]") {
  const TestTensor x = f32({2, 2}, {0, 0, 3, 4});
  OpTest("LpNormalization", 22).input(x).expect(f32({2, 2}, {0, 0, 0.6f, 0.8f})).run();
}

TEST_CASE("LpNormalization refuses other norms and axes", "[lp_normalization]") {
  const TestTensor x = random_f32({2, 3}, 1);
  OpTest("LpNormalization").set("p", 3).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("LpNormalization").set("axis", 2).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("LpNormalization").input(i64({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
