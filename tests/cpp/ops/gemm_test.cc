#include <cmath>
#include <limits>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

struct Case {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
  double alpha = 1, beta = 1;
  DType dtype = DType::kFloat32;

  TestTensor a() const {
    return random_tensor(dtype, transpose_a ? Shape{k, m} : Shape{m, k}, 1, 0, 3);
  }
  TestTensor b() const {
    return random_tensor(dtype, transpose_b ? Shape{n, k} : Shape{k, n}, 2, 0, 3);
  }

  // `c` absent: no addend.
  TestTensor expected(const TestTensor& c) const {
    const TestTensor left = a(), right = b();
    TestTensor y = make_tensor(dtype, {m, n});
    const int rank = c.shape.rank();
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t p = 0; p < k; ++p) {
          sum += element(left, transpose_a ? p * m + i : i * k + p) *
                 element(right, transpose_b ? j * k + p : p * n + j);
        }
        sum *= alpha;
        if (c.dtype != DType::kUndefined) {
          const int64_t rows = rank > 1 ? c.shape[0] : 1,
                        columns = rank > 0 ? c.shape[rank - 1] : 1;
          sum += beta * element(c, (rows == 1 ? 0 : i) * columns + (columns == 1 ? 0 : j));
        }
        set_element(y, i * n + j, sum);
      }
    }
    return y;
  }

  OpTest test(const char* type = "Gemm", const char* domain = "") const {
    OpTest op(type, 13, domain);
    op.tolerance(1e-5, 1e-4);
    if (alpha != 1) op.set("alpha", alpha);
    if (beta != 1) op.set("beta", beta);
    if (transpose_a) op.set("transA", 1);
    if (transpose_b) op.set("transB", 1);
    return op;
  }
  void check(const TestTensor& c) const {
    OpTest op = test();
    op.input(a()).weight(b());
    if (c.dtype != DType::kUndefined) op.weight(c);
    op.expect(expected(c)).run();
  }
};

TEST_CASE("Gemm: odd sizes, transposed operands, factors", "[gemm]") {
  for (int64_t m : {1, 5, 27}) {
    for (int64_t n : {1, 7, 8, 19}) {
      for (int64_t k : {1, 6, 33}) {
        for (int which = 0; which < 8; ++which) {
          const Case one{m,
                         n,
                         k,
                         (which & 1) != 0,
                         (which & 2) != 0,
                         which & 4 ? 0.5 : 1,
                         which & 4 ? -2.0 : 1};
          one.check({});
          one.check(random_f32({n}, 3));
        }
      }
    }
  }
}

TEST_CASE("Gemm: every broadcast of C", "[gemm]") {
  for (double beta : {1.0, 0.25, 0.0}) {
    for (const auto& [m, n] :
         {std::pair<int64_t, int64_t>{4, 10}, {1, 9}, {6, 1}, {1, 1}, {9, 9}}) {
      const Case one{m, n, 5, false, true, 2, beta};
      for (const Shape& shape :
           {Shape{}, Shape{1}, Shape{n}, Shape{1, n}, Shape{m, 1}, Shape{1, 1}, Shape{m, n}}) {
        INFO(shape.to_string());
        one.check(random_f32(shape, 4));
      }
    }
  }
}

TEST_CASE("Gemm: empty operands", "[gemm]") {
  Case{0, 3, 4}.check(random_f32({3}, 3));
  Case{3, 0, 4}.check(random_f32({3, 1}, 3));
  Case{3, 5, 0}.check(random_f32({5}, 3));
  Case{3, 9, 0, true, true}.check(random_f32({3, 9}, 3));
}

TEST_CASE("Gemm: other dtypes", "[gemm]") {
  for (DType dtype :
       {DType::kFloat64, DType::kInt32, DType::kInt64, DType::kUint32, DType::kUint64}) {
    for (int which = 0; which < 4; ++which) {
      const Case one{3, 4, 5, (which & 1) != 0, (which & 2) != 0, 2, 3, dtype};
      one.check({});
      one.check(random_tensor(dtype, {4}, 3, 0, 5));
      one.check(random_tensor(dtype, {3, 1}, 3, 0, 5));
      one.check(random_tensor(dtype, {3, 4}, 3, 0, 5));
      one.check(random_tensor(dtype, {}, 3, 0, 5));
    }
  }
}

TestTensor mapped(TestTensor x, double (*f)(double)) {
  for (int64_t i = 0; i < x.size(); ++i) set_element(x, i, f(element(x, i)));
  return x;
}

TEST_CASE("FusedGemm applies its activation", "[gemm]") {
  const std::vector<std::pair<const char*, double (*)(double)>> activations{
      {"Relu", [](double x) { return x < 0 ? 0 : x; }},
      {"Sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"Tanh", [](double x) { return std::tanh(x); }},
      {"HardSwish", [](double x) { return x * std::fmax(0, std::fmin(1, x / 6 + 0.5)); }},
      {"Silu", [](double x) { return x / (1 + std::exp(-x)); }},
      {"LeakyRelu", [](double x) { return x < 0 ? 0.01 * x : x; }},
      {"HardSigmoid", [](double x) { return std::fmax(0, std::fmin(1, 0.2 * x + 0.5)); }}};
  const TestTensor c = random_f32({11}, 3, -9, 1);
  const Case one{5, 11, 3};
  for (const auto& [name, f] : activations) {
    one.test("FusedGemm", "com.microsoft")
        .set("activation", name)
        .input(one.a())
        .weight(one.b())
        .weight(c)
        .expect(mapped(one.expected(c), f))
        .run();
  }
  one.test("FusedGemm", "com.microsoft")
      .set("activation", "Clip")
      .floats("activation_params", {-1, 2})
      .input(one.a())
      .weight(one.b())
      .weight(c)
      .expect(mapped(one.expected(c), [](double x) { return std::fmin(std::fmax(x, -1), 2); }))
      .run();
  one.test("FusedGemm", "com.microsoft")
      .set("activation", "LeakyRelu")
      .set("activation_alpha", 0.5)
      .input(one.a())
      .weight(one.b())
      .weight(c)
      .expect(mapped(one.expected(c), [](double x) { return x < 0 ? 0.5 * x : x; }))
      .run();
  one.test("FusedGemm", "com.microsoft")
      .set("activation", "Frob")
      .input(one.a())
      .weight(one.b())
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

TEST_CASE("Gemm and FusedGemm of 16-bit floats", "[gemm]") {
  for (DType dtype : {DType::kFloat16, DType::kBfloat16}) {
    const Case one{.m = 3, .n = 10, .k = 5, .transpose_b = true, .alpha = 0.5, .dtype = dtype};
    const TestTensor c = random_tensor(dtype, {10}, 3);
    const auto test = [&](const char* type, const char* domain) {
      OpTest op = one.test(type, domain);
      op.tolerance(1e-2, 1e-2).input(one.a()).weight(one.b()).weight(c);
      return op;
    };
    test("Gemm", "").expect(one.expected(c)).run();
    // Not an attribute of Gemm.
    test("Gemm", "").set("activation", "Sigmoid").expect(one.expected(c)).run();
    test("FusedGemm", "com.microsoft")
        .set("activation", "Relu")
        .expect(mapped(one.expected(c), [](double x) { return x < 0 ? 0 : x; }))
        .run();
  }
}

TEST_CASE("Gemm refuses shapes that do not fit", "[gemm]") {
  const auto fails = [](const Shape& a, const Shape& b, const Shape& c) {
    OpTest("Gemm", 13)
        .input(random_f32(a, 1))
        .weight(random_f32(b, 2))
        .weight(random_f32(c, 3))
        .fails(ErrorCode::SHAPE_MISMATCH);
  };
  fails({2, 3}, {4, 5}, {5});
  fails({2, 3, 1}, {3, 5}, {5});
  fails({2, 3}, {3}, {5});
  fails({2, 3}, {3, 5}, {4});
  fails({2, 3}, {3, 5}, {3, 5});
  fails({2, 3}, {3, 5}, {1, 2, 5});
  OpTest("Gemm", 13).input(random_f32({2, 2}, 1)).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace
}  // namespace sardonyx::test
