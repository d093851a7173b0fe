#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

struct Best {
  TestTensor values, indices;
};

// NaN is above everything.
bool above(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && !std::isnan(b);
  return a > b;
}

Best top(const TestTensor& x, int axis, int64_t k, bool largest) {
  Shape shape = x.shape;
  shape[axis] = k;
  Best out{make_tensor(x.dtype, shape), make_tensor(DType::kInt64, shape)};
  const int64_t dim = x.shape[axis];
  const int64_t inner = x.shape.product(axis + 1, x.shape.rank());
  for (int64_t row = 0; dim > 0 && row < x.size() / dim; ++row) {
    const int64_t outer = row / inner, column = row % inner;
    const auto from = [&](int64_t i) { return (outer * dim + i) * inner + column; };
    std::vector<int64_t> order;
    for (int64_t i = 0; i < dim; ++i) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      const double p = element(x, from(a)), q = element(x, from(b));
      return largest ? above(p, q) : above(q, p);
    });
    for (int64_t i = 0; i < k; ++i) {
      const int64_t to = (outer * k + i) * inner + column;
      reference::copy_element(out.values, to, x, from(order[static_cast<size_t>(i)]));
      set_element(out.indices, to, static_cast<double>(order[static_cast<size_t>(i)]));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("TopK along every axis, of every dtype, with ties", "[topk]") {
  for (const Shape& shape : {Shape{300}, Shape{4, 5}, Shape{2, 6, 3}, Shape{0, 4}}) {
    for (DType dtype : {DType::kFloat32, DType::kFloat16, DType::kInt32, DType::kUint64}) {
      const TestTensor x = random_tensor(dtype, shape, 1, 0, 9);
      for (int axis = 0; axis < shape.rank(); ++axis) {
        for (int64_t k : {int64_t{0}, int64_t{1}, shape[axis] / 2, shape[axis]}) {
          if (k > shape[axis]) continue;
          for (int largest : {0, 1}) {
            const Best best = top(x, axis, k, largest != 0);
            OpTest("TopK", 11)
                .set("axis", axis - shape.rank())
                .set("largest", largest)
                .input(x)
                .weight(i64({1}, {k}))
                .expect(best.values)
                .expect(best.indices)
                .run();
          }
        }
      }
    }
  }
}

TEST_CASE("TopK with k as an attribute, and one output alone", "[topk]") {
  const TestTensor x = f32({5}, {1, NAN, -INFINITY, 3, -0.0f});
  const Best best = top(x, 0, 3, true);
  OpTest("TopK", 1).set("k", 3).input(x).expect(best.values).expect(best.indices).run();
  OpTest("TopK", 10).input(x).weight(i64({1}, {3})).expect(best.values).expect_absent().run();
  OpTest("TopK", 10).input(x).weight(i64({1}, {3})).expect_absent().expect(best.indices).run();
}

TEST_CASE("TopK of numbers that float64 does not tell apart", "[topk]") {
  OpTest("TopK", 24)
      .input(tensor<uint64_t>({3}, {UINT64_MAX - 1, UINT64_MAX, 1}))
      .weight(i64({1}, {2}))
      .expect(tensor<uint64_t>({2}, {UINT64_MAX, UINT64_MAX - 1}))
      .expect(i64({2}, {1, 0}))
      .run();
}

TEST_CASE("TopK refuses k and axes out of range", "[topk]") {
  const TestTensor x = random_f32({2, 3}, 1);
  OpTest("TopK", 11).input(x).weight(i64({1}, {4})).fails(ErrorCode::VALUE_RANGE);
  OpTest("TopK", 11).input(x).weight(i64({1}, {-1})).fails(ErrorCode::VALUE_RANGE);
  OpTest("TopK", 11).input(x).weight(i64({2}, {1, 1})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("TopK", 11)
      .set("axis", 2)
      .input(x)
      .weight(i64({1}, {1}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("TopK", 1).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("TopK", 11).input(x).weight(f32({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
