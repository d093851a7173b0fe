#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

// Both operands with at least two dims.
TestTensor stacked(const TestTensor& a, const TestTensor& b) {
  const int ra = a.shape.rank(), rb = b.shape.rank();
  const Shape batch_a(a.shape.dims().first(static_cast<size_t>(ra - 2)));
  const Shape batch_b(b.shape.dims().first(static_cast<size_t>(rb - 2)));
  Shape out = *broadcast(batch_a, batch_b);
  const Shape batch = out;
  const int64_t m = a.shape[ra - 2], k = a.shape[ra - 1], n = b.shape[rb - 1];
  out.push_back(m);
  out.push_back(n);
  TestTensor y = make_tensor(a.dtype, out);
  const int64_t count = batch.product(0, batch.rank());
  for (int64_t i = 0; i < count; ++i) {
    // The matrix of a stack that belongs to output matrix i.
    const auto matrix = [&](const Shape& own) {
      int64_t index = 0, rest = i, weight = 1;
      for (int back = 1; back <= batch.rank(); ++back) {
        const int64_t dim = batch[batch.rank() - back], at = rest % dim;
        rest /= dim;
        if (back > own.rank()) continue;
        const int64_t own_dim = own[own.rank() - back];
        index += (own_dim == 1 ? 0 : at) * weight;
        weight *= own_dim;
      }
      return index;
    };
    const int64_t pa = matrix(batch_a) * m * k, pb = matrix(batch_b) * k * n;
    for (int64_t r = 0; r < m; ++r) {
      for (int64_t c = 0; c < n; ++c) {
        double sum = 0;
        for (int64_t p = 0; p < k; ++p) {
          sum += element(a, pa + r * k + p) * element(b, pb + p * n + c);
        }
        set_element(y, (i * m + r) * n + c, sum);
      }
    }
  }
  return y;
}

TestTensor reference(TestTensor a, TestTensor b) {
  const bool row = a.shape.rank() == 1, column = b.shape.rank() == 1;
  if (row) a.shape = Shape{1, a.shape[0]};
  if (column) b.shape = Shape{b.shape[0], 1};
  TestTensor y = stacked(a, b);
  Shape shape;
  for (int i = 0; i < y.shape.rank(); ++i) {
    const int back = y.shape.rank() - i;
    if ((back == 2 && row) || (back == 1 && column)) continue;
    shape.push_back(y.shape[i]);
  }
  y.shape = shape;
  return y;
}

void check(DType dtype, const Shape& a_shape, const Shape& b_shape) {
  INFO(a_shape.to_string() << " x " << b_shape.to_string());
  const TestTensor a = random_tensor(dtype, a_shape, 1, -3, 3),
                   b = random_tensor(dtype, b_shape, 2, -3, 3);
  OpTest("MatMul", 13).input(a).weight(b).expect(reference(a, b)).tolerance(1e-5, 1e-4).run();
  OpTest("MatMul", 9).weight(a).input(b).expect(reference(a, b)).tolerance(1e-5, 1e-4).run();
}

TEST_CASE("MatMul: matrices of odd sizes", "[matmul]") {
  for (int64_t m : {1, 2, 5, 9, 13, 26}) {
    for (int64_t k : {1, 3, 8, 40}) {
      for (int64_t n : {1, 2, 7, 8, 9, 17, 33}) check(DType::kFloat32, {m, k}, {k, n});
    }
  }
  check(DType::kFloat32, {70, 300}, {300, 90});
  check(DType::kFloat32, {1, 600}, {600, 130});
}

TEST_CASE("MatMul: vectors", "[matmul]") {
  check(DType::kFloat32, {7}, {7});
  check(DType::kFloat32, {7}, {7, 10});
  check(DType::kFloat32, {5, 7}, {7});
  check(DType::kFloat32, {7}, {3, 7, 10});
  check(DType::kFloat32, {2, 3, 5, 7}, {7});
  check(DType::kFloat32, {7}, {2, 7, 1});
}

TEST_CASE("MatMul: stacks that broadcast", "[matmul]") {
  check(DType::kFloat32, {3, 5, 4}, {4, 9});
  check(DType::kFloat32, {5, 4}, {3, 4, 9});
  check(DType::kFloat32, {3, 5, 4}, {3, 4, 9});
  check(DType::kFloat32, {3, 5, 4}, {1, 4, 9});
  check(DType::kFloat32, {1, 5, 4}, {3, 4, 9});
  check(DType::kFloat32, {2, 1, 12, 4}, {3, 4, 11});
  check(DType::kFloat32, {2, 3, 1, 6}, {2, 3, 6, 5});
  check(DType::kFloat32, {2, 1, 3, 2, 6}, {4, 1, 6, 8});
  check(DType::kFloat32, {2, 3, 20, 6}, {1, 3, 6, 1});
}

TEST_CASE("MatMul: empty operands", "[matmul]") {
  check(DType::kFloat32, {0, 4}, {4, 3});
  check(DType::kFloat32, {2, 4}, {4, 0});
  check(DType::kFloat32, {2, 0}, {0, 3});
  check(DType::kFloat32, {2, 0}, {0, 20});
  check(DType::kFloat32, {0, 2, 4}, {4, 3});
  check(DType::kFloat32, {3, 2, 0}, {3, 0, 9});
  check(DType::kFloat32, {1, 2, 4}, {0, 4, 3});
  check(DType::kFloat32, {3, 4, 0}, {3, 0, 1});
}

TEST_CASE("MatMul: other dtypes", "[matmul]") {
  for (DType dtype :
       {DType::kFloat64, DType::kInt32, DType::kInt64, DType::kUint32, DType::kUint64}) {
    const bool is_signed = dtype != DType::kUint32 && dtype != DType::kUint64;
    const double low = is_signed ? -9 : 0;
    for (const auto& [sa, sb] : {std::pair<Shape, Shape>{{3, 4}, {4, 5}},
                                 {{2, 3, 4}, {4, 1}},
                                 {{2, 1, 3, 4}, {3, 4, 2}},
                                 {{4}, {4}},
                                 {{2, 0}, {0, 2}}}) {
      const TestTensor a = random_tensor(dtype, sa, 1, low, 9),
                       b = random_tensor(dtype, sb, 2, low, 9);
      OpTest("MatMul", 13).input(a).weight(b).expect(reference(a, b)).run();
    }
  }
}

TEST_CASE("MatMul of 16-bit floats", "[matmul]") {
  for (DType dtype : {DType::kFloat16, DType::kBfloat16}) {
    for (const auto& [sa, sb] : {std::pair<Shape, Shape>{{3, 4}, {4, 9}},
                                 {{2, 30, 4}, {4, 1}},
                                 {{2, 1, 3, 4}, {3, 4, 2}}}) {
      const TestTensor a = random_tensor(dtype, sa, 1), b = random_tensor(dtype, sb, 2);
      OpTest("MatMul", 13).input(a).weight(b).tolerance(1e-2, 1e-2).expect(reference(a, b)).run();
    }
  }
}

TEST_CASE("MatMul refuses shapes that do not multiply", "[matmul]") {
  const auto fails = [](const Shape& a, const Shape& b) {
    OpTest("MatMul", 13)
        .input(random_f32(a, 1))
        .weight(random_f32(b, 2))
        .fails(ErrorCode::SHAPE_MISMATCH);
  };
  fails({2, 3}, {4, 5});
  fails({2, 3, 4}, {3, 4, 5});
  fails({}, {4, 5});
  fails({3}, {4});
  OpTest("MatMul", 13)
      .input(random_f32({2, 2}, 1))
      .input(i64({2, 2}, {1, 2, 3, 4}))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("MatMul", 13).input(random_f32({2, 2}, 1)).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

TEST_CASE("FusedMatMul adds a row and applies an activation", "[matmul]") {
  for (const Shape& shape :
       {Shape{2, 3, 5}, Shape{1, 5}, Shape{7, 5}, Shape{2, 0, 5}, Shape{2, 0}}) {
    const int64_t k = shape[shape.rank() - 1];
    for (int64_t n : {1, 4, 11}) {
      const TestTensor a = random_f32(shape, 1), b = random_f32({k, n}, 2);
      const TestTensor bias = random_f32({n}, 3);
      TestTensor with_bias = stacked(a, b), plain = with_bias;
      for (int64_t i = 0; i < plain.size(); ++i) {
        set_element(with_bias, i, std::tanh(element(plain, i) + element(bias, i % n)));
        set_element(plain, i, std::max(element(plain, i), 0.0));
      }
      OpTest("FusedMatMul", 1, "sardonyx")
          .set("activation", "Tanh")
          .input(a)
          .weight(b)
          .weight(bias)
          .expect(with_bias)
          .run();
      OpTest("FusedMatMul", 1, "sardonyx")
          .set("activation", "Relu")
          .input(a)
          .weight(b)
          .expect(plain)
          .run();
    }
  }
}

TEST_CASE("FusedMatMul refuses what does not fit", "[matmul]") {
  const auto test = [](const Shape& b, const Shape& bias) {
    return OpTest("FusedMatMul", 1, "sardonyx")
        .input(random_f32({2, 3, 5}, 1))
        .input(random_f32(b, 2))
        .input(random_f32(bias, 3));
  };
  test({2, 5, 4}, {4}).fails(ErrorCode::SHAPE_MISMATCH);
  test({5, 4}, {5}).fails(ErrorCode::SHAPE_MISMATCH);
  test({5, 4}, {1, 4}).fails(ErrorCode::SHAPE_MISMATCH);
  test({5, 4}, {4}).set("activation", "Nonsense").fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
