#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

TestTensor arg(const TestTensor& x, int axis, bool minimum, bool last, bool keepdims) {
  Shape shape;
  for (int i = 0; i < x.shape.rank(); ++i) {
    if (i != axis) shape.push_back(x.shape[i]);
    if (i == axis && keepdims) shape.push_back(1);
  }
  TestTensor y = make_tensor(DType::kInt64, shape);
  const int64_t dim = x.shape[axis];
  const int64_t inner = x.shape.product(axis + 1, x.shape.rank());
  for (int64_t i = 0; i < y.size(); ++i) {
    const int64_t first = i / inner * dim * inner + i % inner;
    int64_t best = 0;
    for (int64_t k = 1; k < dim; ++k) {
      const double here = element(x, first + k * inner), there = element(x, first + best * inner);
      if (minimum ? here < there : here > there) best = k;
      if (last && here == there) best = k;
    }
    set_element(y, i, static_cast<double>(best));
  }
  return y;
}

}  // namespace

TEST_CASE("ArgMax and ArgMin along every axis, with ties", "[arg_extreme]") {
  for (const Shape& shape :
       {Shape{300}, Shape{3, 4}, Shape{2, 5, 140}, Shape{4, 1, 3}, Shape{0, 3}}) {
    for (DType dtype : {DType::kFloat32, DType::kFloat64, DType::kInt8, DType::kUint64}) {
      const TestTensor x = random_tensor(dtype, shape, 2, 0, 6);
      for (int form = 0; form < 8; ++form) {
        const bool minimum = form & 1, last = form & 2, keepdims = form & 4;
        for (int axis = 0; axis < shape.rank(); ++axis) {
          if (shape[axis] == 0) continue;
          OpTest(minimum ? "ArgMin" : "ArgMax", 13)
              .set("axis", axis - shape.rank())
              .set("select_last_index", last ? 1 : 0)
              .set("keepdims", keepdims ? 1 : 0)
              .input(x)
              .expect(arg(x, axis, minimum, last, keepdims))
              .run();
        }
      }
    }
  }
}

TEST_CASE("ArgMax of negative, infinite and unordered elements", "[arg_extreme]") {
  OpTest("ArgMax", 13).input(f32({3}, {-3, -1, -2})).expect(i64({1}, {1})).run();
  OpTest("ArgMax", 13).input(f32({3}, {1, INFINITY, -INFINITY})).expect(i64({1}, {1})).run();
  OpTest("ArgMin", 13).input(f32({3}, {1, INFINITY, -INFINITY})).expect(i64({1}, {2})).run();
  OpTest("ArgMax", 13).input(f32({3}, {1, NAN, 9})).expect(i64({1}, {1})).run();
  OpTest("ArgMax", 13).input(f32({2}, {-0.0f, 0.0f})).expect(i64({1}, {0})).run();
  OpTest("ArgMax", 13)
      .input(i64({3}, {INT64_MIN, INT64_MAX, INT64_MAX - 1}))
      .expect(i64({1}, {1}))
      .run();
}

TEST_CASE("Hardmax is 1 at the first maximum", "[arg_extreme]") {
  const TestTensor x = f32({2, 2, 2}, {1, 3, 3, 0, 5, 5, 7, 6});
  OpTest("Hardmax", 13).input(x).expect(f32({2, 2, 2}, {0, 1, 1, 0, 1, 0, 1, 0})).run();
  OpTest("Hardmax", 13)
      .set("axis", 0)
      .input(x)
      .expect(f32({2, 2, 2}, {0, 0, 0, 0, 1, 1, 1, 1}))
      .run();
  OpTest("Hardmax", 11).input(x).expect(f32({2, 2, 2}, {0, 1, 0, 0, 0, 0, 1, 0})).run();
  OpTest("Hardmax", 13).input(f32({0, 3}, {})).expect(f32({0, 3}, {})).run();
  const TestTensor half = random_tensor(DType::kFloat16, {3, 1}, 1);
  OpTest("Hardmax", 13).input(half).expect(random_tensor(DType::kFloat16, {3, 1}, 1, 1, 1)).run();
}

TEST_CASE("ArgMax and Hardmax refuse axes, dtypes and empty axes", "[arg_extreme]") {
  const TestTensor x = random_f32({2, 0}, 1);
  OpTest("ArgMax", 13).set("axis", 1).input(x).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("ArgMax", 13).set("axis", 2).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("ArgMin", 13).input(scalar(1.0f)).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Hardmax", 13).set("axis", -3).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Hardmax", 13).input(i64({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
