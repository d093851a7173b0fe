#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

TestTensor gather(const TestTensor& x, const TestTensor& indices, int axis) {
  Shape shape;
  for (int i = 0; i < axis; ++i) shape.push_back(x.shape[i]);
  for (int64_t dim : indices.shape) shape.push_back(dim);
  for (int i = axis + 1; i < x.shape.rank(); ++i) shape.push_back(x.shape[i]);
  TestTensor y = make_tensor(x.dtype, shape);
  const int64_t dim = x.shape[axis];
  const int64_t inner = x.shape.product(axis + 1, x.shape.rank());
  const int64_t count = indices.size();
  for (int64_t i = 0; i < y.size(); ++i) {
    auto index = static_cast<int64_t>(element(indices, i / inner % count));
    if (index < 0) index += dim;
    set_element(y, i, element(x, (i / inner / count * dim + index) * inner + i % inner));
  }
  return y;
}

}  // namespace

TEST_CASE("Gather along every axis, for all index shapes", "[gather]") {
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kUint8, DType::kFloat16}) {
    const TestTensor x = random_tensor(dtype, {3, 5, 4}, 1, 0, 100);
    for (int axis = 0; axis < 3; ++axis) {
      for (const TestTensor& indices :
           {i64({}, {1}), i64({3}, {0, -1, 2}), i32({2, 2}, {1, 1, -3, 0}), i64({2, 0}, {}),
            i64({2, 3}, {0, 1, -1, 1, 2, 0})}) {
        OpTest("Gather", 13)
            .set("axis", axis - 3)
            .weight(x)
            .weight(indices)
            .expect(gather(x, indices, axis))
            .run();
      }
    }
  }
}

TEST_CASE("Gather refuses indices and axes out of range", "[gather]") {
  const TestTensor x = random_f32({3, 5}, 1);
  OpTest("Gather", 13).input(x).weight(i64({1}, {3})).fails(ErrorCode::INDEX_RANGE);
  OpTest("Gather", 13).input(x).weight(i64({1}, {-4})).fails(ErrorCode::INDEX_RANGE);
  OpTest("Gather", 13)
      .input(random_f32({0, 2}, 1))
      .weight(i64({1}, {0}))
      .fails(ErrorCode::INDEX_RANGE);
  OpTest("Gather", 13)
      .set("axis", 2)
      .input(x)
      .weight(i64({1}, {0}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Gather", 13).input(x).weight(f32({1}, {0})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Gather", 13)
      .input(make_tensor(DType::kFloat32, {1, 1, 1, 1, 1, 1, 1}))
      .weight(i64({1, 1, 1}, {0}))
      .fails(ErrorCode::LIMIT_EXCEEDED);
}

}  // namespace sardonyx::test
