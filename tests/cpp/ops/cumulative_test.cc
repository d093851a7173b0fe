#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

TestTensor cumulate(const TestTensor& x, int axis, bool product, bool exclusive, bool reverse) {
  TestTensor y = make_tensor(x.dtype, x.shape);
  const int64_t dim = x.shape[axis];
  const int64_t inner = x.shape.product(axis + 1, x.shape.rank());
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t at = i / inner % dim;
    double total = product ? 1 : 0;
    for (int64_t k = 0; k < dim; ++k) {
      const int64_t before = reverse ? k - at : at - k;
      if (before < 0 || (before == 0 && exclusive)) continue;
      const double value = element(x, i + (k - at) * inner);
      total = product ? total * value : total + value;
    }
    set_element(y, i, total);
  }
  return y;
}

}  // namespace

TEST_CASE("CumSum and CumProd along every axis, in every form", "[cumulative]") {
  for (const Shape& shape : {Shape{5}, Shape{3, 4}, Shape{2, 3, 150}, Shape{0, 3}, Shape{3, 0}}) {
    for (DType dtype : {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kUint64}) {
      const TestTensor x = random_tensor(dtype, shape, 1, 0, 3);
      for (int form = 0; form < 8; ++form) {
        const bool product = form & 1, exclusive = form & 2, reverse = form & 4;
        for (int axis = 0; axis < shape.rank(); ++axis) {
          OpTest(product ? "CumProd" : "CumSum", 26)
              .set("exclusive", exclusive ? 1 : 0)
              .set("reverse", reverse ? 1 : 0)
              .input(x)
              .weight(scalar<int32_t>(axis - shape.rank()))
              .expect(cumulate(x, axis, product, exclusive, reverse))
              .run();
        }
      }
    }
  }
}

TEST_CASE("CumSum of integers wraps", "[cumulative]") {
  OpTest("CumSum", 14)
      .input(i64({2}, {INT64_MAX, 1}))
      .weight(scalar<int64_t>(0))
      .expect(i64({2}, {INT64_MAX, INT64_MIN}))
      .run();
}

TEST_CASE("CumSum refuses axes and dtypes", "[cumulative]") {
  const TestTensor x = random_f32({2, 3}, 1);
  OpTest("CumSum", 14).input(x).weight(scalar<int64_t>(2)).fails(ErrorCode::VALUE_RANGE);
  OpTest("CumSum", 14).input(x).weight(scalar<int64_t>(-3)).fails(ErrorCode::VALUE_RANGE);
  OpTest("CumSum", 14).input(x).weight(i64({2}, {0, 1})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("CumSum", 14).input(x).weight(scalar(0.0f)).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("CumSum", 14)
      .input(bools({1}, {1}))
      .weight(scalar<int64_t>(0))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
