// Naive stacked matrix product in double precision.
#pragma once

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test::reference {

// a [.., m, k] by b [.., k, n], of rank 2 or more; the stacks are equal or one of them is one
// matrix.
inline TestTensor product(const TestTensor& a, const TestTensor& b) {
  const int left = a.shape.rank(), right = b.shape.rank();
  const int64_t m = a.shape[left - 2], k = a.shape[left - 1], n = b.shape[right - 1];
  Shape shape = left >= right ? a.shape : b.shape;
  shape[shape.rank() - 2] = m;
  shape[shape.rank() - 1] = n;
  TestTensor y = make_tensor(DType::kFloat32, shape);
  const bool a_repeats = a.size() == m * k, b_repeats = b.size() == k * n;
  for (int64_t i = 0; i < y.size(); ++i) {
    const int64_t stack = i / (m * n), row = i / n % m, column = i % n;
    double sum = 0;
    for (int64_t p = 0; p < k; ++p) {
      sum += element(a, ((a_repeats ? 0 : stack) * m + row) * k + p) *
             element(b, ((b_repeats ? 0 : stack) * k + p) * n + column);
    }
    set_element(y, i, sum);
  }
  return y;
}

}  // namespace sardonyx::test::reference
