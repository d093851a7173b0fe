#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

TestTensor one_hot(const TestTensor& indices, int64_t depth, const TestTensor& values, int axis) {
  Shape shape;
  for (int i = 0; i <= indices.shape.rank(); ++i) {
    if (i == axis) shape.push_back(depth);
    if (i < indices.shape.rank()) shape.push_back(indices.shape[i]);
  }
  TestTensor out = make_tensor(values.dtype, shape);
  for (int64_t i = 0; i < out.size(); ++i) {
    auto at = reference::coordinates(i, shape);
    const int64_t place = at[static_cast<size_t>(axis)];
    at.erase(at.begin() + axis);
    auto index = static_cast<int64_t>(element(indices, reference::linear_index(at, indices.shape)));
    if (index < 0) index += depth;
    reference::copy_element(out, i, values, index == place ? 1 : 0);
  }
  return out;
}

}  // namespace

TEST_CASE("OneHot at every axis, with indices on both sides of the range", "[one_hot]") {
  const TestTensor values[] = {f32({2}, {2, 7}), bools({2}, {0, 1}), i64({2}, {-1, 5})};
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{2, 3}, Shape{0}}) {
    for (DType dtype : {DType::kInt64, DType::kFloat32, DType::kUint8}) {
      const TestTensor indices = random_tensor(dtype, shape, 1, dtype == DType::kUint8 ? 0 : -7, 7);
      TestTensor whole = indices;
      for (int64_t i = 0; i < whole.size(); ++i) {
        set_element(whole, i, static_cast<double>(static_cast<int64_t>(element(whole, i))));
      }
      for (int axis = 0; axis <= shape.rank(); ++axis) {
        for (const TestTensor& pair : values) {
          OpTest("OneHot", 11)
              .set("axis", axis)
              .input(whole)
              .weight(scalar<int64_t>(5))
              .weight(pair)
              .expect(one_hot(whole, 5, pair, axis))
              .run();
        }
      }
      OpTest("OneHot", 9)
          .input(whole)
          .weight(f32({1}, {3}))
          .weight(values[0])
          .expect(one_hot(whole, 3, values[0], shape.rank()))
          .run();
    }
  }
}

TEST_CASE("OneHot refuses depths, axes and shapes", "[one_hot]") {
  const TestTensor x = i64({2}, {0, 1}), values = f32({2}, {0, 1});
  const auto fails = [&](const TestTensor& depth, const TestTensor& pair, int axis,
                         ErrorCode code) {
    OpTest("OneHot", 11).set("axis", axis).input(x).weight(depth).weight(pair).fails(code);
  };
  fails(scalar<int64_t>(-1), values, -1, ErrorCode::VALUE_RANGE);
  fails(scalar(INT64_MAX), values, 2, ErrorCode::ATTRIBUTE_INVALID);
  fails(i64({2}, {1, 1}), values, -1, ErrorCode::SHAPE_MISMATCH);
  fails(scalar<int64_t>(2), f32({3}, {0, 1, 2}), -1, ErrorCode::SHAPE_MISMATCH);
}

}  // namespace sardonyx::test
