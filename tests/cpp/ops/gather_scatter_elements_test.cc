#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

// Where element i of the indices points to in the data.
int64_t target(const TestTensor& indices, int64_t i, const Shape& data, int axis) {
  auto at = reference::coordinates(i, indices.shape);
  const auto index = static_cast<int64_t>(element(indices, i));
  at[static_cast<size_t>(axis)] = index < 0 ? index + data[axis] : index;
  return reference::linear_index(at, data);
}

TestTensor gather(const TestTensor& x, const TestTensor& indices, int axis) {
  TestTensor y = make_tensor(x.dtype, indices.shape);
  for (int64_t i = 0; i < y.size(); ++i) {
    reference::copy_element(y, i, x, target(indices, i, x.shape, axis));
  }
  return y;
}

TestTensor scatter(TestTensor x, const TestTensor& indices, const TestTensor& updates, int axis,
                   const std::string& how) {
  for (int64_t i = 0; i < indices.size(); ++i) {
    const int64_t to = target(indices, i, x.shape, axis);
    const double a = element(x, to), b = element(updates, i);
    set_element(x, to,
                how == "add"   ? a + b
                : how == "mul" ? a * b
                : how == "max" ? std::fmax(a, b)
                : how == "min" ? std::fmin(a, b)
                               : b);
  }
  return x;
}

const Shape kShapes[] = {{5}, {3, 4}, {2, 3, 4}, {3, 1, 2, 2}};

Shape smaller(Shape shape, int axis) {
  for (int i = 0; i < shape.rank(); ++i) {
    if (i == axis)
      shape[i] = 3;
    else if (shape[i] > 1)
      shape[i] -= 1;
  }
  return shape;
}

}  // namespace

TEST_CASE("GatherElements along every axis", "[gather_scatter_elements]") {
  for (const Shape& shape : kShapes) {
    for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kBool, DType::kFloat16}) {
      const TestTensor x = random_tensor(dtype, shape, 1, 0, 50);
      for (int axis = 0; axis < shape.rank(); ++axis) {
        const auto limit = static_cast<double>(shape[axis]);
        for (DType type : {DType::kInt64, DType::kInt32}) {
          const TestTensor indices =
              random_tensor(type, smaller(shape, axis), 2, -limit, limit - 1);
          OpTest("GatherElements", 13)
              .set("axis", axis - shape.rank())
              .input(x)
              .weight(indices)
              .expect(gather(x, indices, axis))
              .run();
        }
      }
    }
  }
  OpTest("GatherElements", 13)
      .input(random_f32({2, 0}, 1))
      .weight(i64({2, 0}, {}))
      .expect(f32({2, 0}, {}))
      .run();
}

TEST_CASE("ScatterElements along every axis, with every reduction", "[gather_scatter_elements]") {
  for (const Shape& shape : kShapes) {
    for (DType dtype : {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kUint64}) {
      const TestTensor x = random_tensor(dtype, shape, 3, 0, 9);
      for (int axis = 0; axis < shape.rank(); ++axis) {
        const auto limit = static_cast<double>(shape[axis]);
        const TestTensor indices =
            random_tensor(DType::kInt64, smaller(shape, axis), 4, -limit, limit - 1);
        const TestTensor updates = random_tensor(dtype, indices.shape, 5, 0, 9);
        for (const char* how : {"none", "add", "mul", "max", "min"}) {
          OpTest("ScatterElements", 18)
              .set("axis", axis)
              .set("reduction", how)
              .input(x)
              .weight(indices)
              .input(updates)
              .expect(scatter(x, indices, updates, axis, how))
              .run();
        }
      }
    }
  }
}

TEST_CASE("Scatter is the older name, and nothing may be scattered", "[gather_scatter_elements]") {
  const TestTensor x = bools({3}, {1, 0, 0});
  OpTest("Scatter", 9)
      .input(x)
      .input(i64({2}, {0, -1}))
      .input(bools({2}, {0, 1}))
      .expect(bools({3}, {0, 0, 1}))
      .run();
  OpTest("ScatterElements", 13).input(x).input(i64({0}, {})).input(bools({0}, {})).expect(x).run();
}

TEST_CASE("elements out of range, and shapes that do not fit", "[gather_scatter_elements]") {
  const TestTensor x = random_f32({2, 3}, 1);
  const auto gather_fails = [&](const TestTensor& indices, int axis, ErrorCode code) {
    OpTest("GatherElements", 13).set("axis", axis).input(x).weight(indices).fails(code);
    OpTest("ScatterElements", 13)
        .set("axis", axis)
        .input(x)
        .weight(indices)
        .input(random_f32(indices.shape, 2))
        .fails(code);
  };
  gather_fails(i64({1, 3}, {0, 2, 0}), 0, ErrorCode::INDEX_RANGE);
  gather_fails(i64({1, 3}, {0, -3, 0}), 0, ErrorCode::INDEX_RANGE);
  gather_fails(i64({3}, {0, 0, 0}), 0, ErrorCode::SHAPE_MISMATCH);
  gather_fails(i64({1, 4}, {0, 0, 0, 0}), 0, ErrorCode::SHAPE_MISMATCH);
  gather_fails(i64({1, 3}, {0, 0, 0}), 2, ErrorCode::ATTRIBUTE_INVALID);
  gather_fails(f32({1, 3}, {0, 0, 0}), 0, ErrorCode::DTYPE_UNSUPPORTED);
  const TestTensor indices = i64({1, 3}, {0, 0, 0});
  OpTest("ScatterElements", 13)
      .input(x)
      .input(indices)
      .input(random_f32({3, 1}, 2))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("ScatterElements", 18)
      .set("reduction", "mean")
      .input(x)
      .input(indices)
      .input(random_f32({1, 3}, 2))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("ScatterElements", 13)
      .input(x)
      .input(indices)
      .input(indices)
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
