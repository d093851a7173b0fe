#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

// Element by element, index arithmetic on one axis at a time.
TestTensor slice_axis(const TestTensor& x, int axis, const std::vector<int64_t>& picks) {
  Shape shape = x.shape;
  shape[axis] = static_cast<int64_t>(picks.size());
  TestTensor y = make_tensor(x.dtype, shape);
  const int64_t inner = x.shape.product(axis + 1, x.shape.rank());
  for (int64_t i = 0; i < y.size(); ++i) {
    const int64_t in = i % inner;
    const int64_t at = i / inner % shape[axis];
    const int64_t out = i / inner / shape[axis];
    set_element(y, i,
                element(x, (out * x.shape[axis] + picks[static_cast<size_t>(at)]) * inner + in));
  }
  return y;
}

std::vector<int64_t> python_range(int64_t dim, int64_t start, int64_t end, int64_t step) {
  if (start < 0) start += dim;
  if (end < 0) end += dim;
  std::vector<int64_t> picks;
  for (int64_t i = 0; i < dim; ++i) {
    const int64_t index = step > 0 ? i : dim - 1 - i;
    const int64_t first = step > 0 ? std::max<int64_t>(start, 0) : std::min(start, dim - 1);
    const bool inside = step > 0 ? index >= first && index < end : index <= first && index > end;
    if (inside && (index - first) % step == 0) picks.push_back(index);
  }
  return picks;
}

}  // namespace

TEST_CASE("Slice takes what Python's slices take", "[slice]") {
  const TestTensor x = random_f32({3, 7, 5}, 1);
  for (int64_t start : {-9, -7, -3, 0, 2, 6, 7, 20}) {
    for (int64_t end : {-20, -2, 0, 4, 7, 100}) {
      for (int64_t step : {1, 2, 7, 50, -1, -3}) {
        // Below -dim, an end of a negative step means "past the first".
        const auto picks = python_range(7, start, end < -7 && step < 0 ? -8 : end, step);
        OpTest("Slice", 13)
            .input(x)
            .weight(i64({1}, {start}))
            .weight(i64({1}, {end}))
            .constant(i32({1}, {1}))
            .weight(i64({1}, {step}))
            .expect(slice_axis(x, 1, picks))
            .run();
      }
    }
  }
}

TEST_CASE("Slice works on several axes, defaults and all element sizes", "[slice]") {
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kUint8, DType::kFloat16}) {
    const TestTensor x = random_tensor(dtype, {4, 6, 3}, 2, 0, 50);
    OpTest("Slice", 13)
        .input(x)
        .constant(i64({2}, {1, -4}))
        .constant(i64({2}, {INT64_MAX, -1}))
        .expect(slice_axis(slice_axis(x, 0, {1, 2, 3}), 1, {2, 3, 4}))
        .run();
  }
  const TestTensor x = random_f32({4, 6}, 3);
  OpTest("Slice", 9)
      .ints("starts", {0, -2})
      .ints("ends", {-1, 1000})
      .ints("axes", {0, 1})
      .input(x)
      .expect(slice_axis(slice_axis(x, 0, {0, 1, 2}), 1, {4, 5}))
      .run();
  OpTest("Slice", 13)
      .input(x)
      .constant(i64({2}, {-1, -1}))
      .constant(i64({2}, {INT64_MIN, INT64_MIN}))
      .constant(i64({2}, {-2, -1}))
      .constant(i64({2}, {INT64_MIN, -2}))
      .expect(slice_axis(slice_axis(x, 0, {3}), 1, {5, 3, 1}))
      .run();
}

TEST_CASE("Slice refuses what does not fit", "[slice]") {
  const TestTensor x = random_f32({4, 6}, 4);
  OpTest("Slice", 13)
      .input(x)
      .constant(i64({1}, {0}))
      .constant(i64({2}, {1, 1}))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Slice", 13)
      .input(x)
      .weight(i64({1}, {0}))
      .weight(i64({1}, {1}))
      .weight(i64({1}, {2}))
      .fails(ErrorCode::VALUE_RANGE);
  OpTest("Slice", 13)
      .input(x)
      .weight(i64({2}, {0, 0}))
      .weight(i64({2}, {1, 1}))
      .weight(i64({2}, {1, -1}))
      .fails(ErrorCode::VALUE_RANGE);
  OpTest("Slice", 13)
      .input(x)
      .weight(i64({1}, {0}))
      .weight(i64({1}, {1}))
      .absent()
      .weight(i64({1}, {0}))
      .fails(ErrorCode::VALUE_RANGE);
}

}  // namespace sardonyx::test
