#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

// By the first row.
double determinant(const std::vector<double>& a, size_t n) {
  if (n == 0) return 1;
  double out = 0;
  for (size_t skip = 0; skip < n; ++skip) {
    std::vector<double> minor;
    for (size_t i = n; i < n * n; ++i) {
      if (i % n != skip) minor.push_back(a[i]);
    }
    out += (skip % 2 ? -1 : 1) * a[skip] * determinant(minor, n - 1);
  }
  return out;
}

}  // namespace

TEST_CASE("Det of matrices of every size", "[det]") {
  for (const Shape& lead : {Shape{}, Shape{3}, Shape{2, 2}, Shape{0}}) {
    for (int64_t n : {0, 1, 2, 3, 5}) {
      for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
        Shape shape = lead;
        shape.push_back(n);
        shape.push_back(n);
        const TestTensor x = random_tensor(dtype, shape, 1);
        TestTensor y = make_tensor(dtype, lead);
        for (int64_t i = 0; i < y.size(); ++i) {
          std::vector<double> matrix;
          for (int64_t j = 0; j < n * n; ++j) matrix.push_back(element(x, i * n * n + j));
          set_element(y, i, determinant(matrix, static_cast<size_t>(n)));
        }
        OpTest("Det", 11).input(x).expect(y).tolerance(1e-5, 1e-5).run();
      }
    }
  }
}

TEST_CASE("Det of singular matrices, and what is not square", "[det]") {
  OpTest("Det", 11).input(f32({2, 2}, {1, 2, 2, 4})).expect(f32({}, {0})).run();
  OpTest("Det", 11).input(f32({2, 2}, {0, 1, 1, 0})).expect(f32({}, {-1})).run();
  OpTest("Det", 11).input(random_f32({2, 3}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Det", 11).input(random_f32({2}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Det", 11).input(i64({1, 1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
