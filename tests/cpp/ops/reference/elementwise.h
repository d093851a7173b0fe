// Naive elementwise references, computed in double.
#pragma once

#include <functional>
#include <vector>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test::reference {

inline std::vector<int64_t> coordinates(int64_t linear, const Shape& shape) {
  std::vector<int64_t> out(static_cast<size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    out[static_cast<size_t>(axis)] = linear % shape[axis];
    linear /= shape[axis];
  }
  return out;
}

// Where an operand of this shape is read for an output coordinate.
inline int64_t broadcast_index(const std::vector<int64_t>& at, const Shape& shape) {
  int64_t linear = 0;
  const int missing = static_cast<int>(at.size()) - shape.rank();
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const int64_t i = shape[axis] == 1 ? 0 : at[static_cast<size_t>(axis + missing)];
    linear = linear * shape[axis] + i;
  }
  return linear;
}

inline TestTensor map(const TestTensor& x, const std::function<double(double)>& fn) {
  TestTensor out = make_tensor(x.dtype, x.shape);
  for (int64_t i = 0; i < x.size(); ++i) set_element(out, i, fn(element(x, i)));
  return out;
}

inline TestTensor zip(const TestTensor& a, const TestTensor& b, DType dtype,
                      const std::function<double(double, double)>& fn) {
  TestTensor out = make_tensor(dtype, *broadcast(a.shape, b.shape));
  for (int64_t i = 0; i < out.size(); ++i) {
    const auto at = coordinates(i, out.shape);
    set_element(
        out, i,
        fn(element(a, broadcast_index(at, a.shape)), element(b, broadcast_index(at, b.shape))));
  }
  return out;
}

inline TestTensor select(const TestTensor& condition, const TestTensor& a, const TestTensor& b) {
  const Shape shape = *broadcast(condition.shape, *broadcast(a.shape, b.shape));
  TestTensor out = make_tensor(a.dtype, shape);
  for (int64_t i = 0; i < out.size(); ++i) {
    const auto at = coordinates(i, shape);
    const bool first = element(condition, broadcast_index(at, condition.shape)) != 0;
    const TestTensor& from = first ? a : b;
    set_element(out, i, element(from, broadcast_index(at, from.shape)));
  }
  return out;
}

}  // namespace sardonyx::test::reference
