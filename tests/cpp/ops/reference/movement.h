// Naive data movement: every output element names the input element that it is.
#pragma once

#include <functional>
#include <vector>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/elementwise.h"

namespace sardonyx::test::reference {

inline int64_t linear_index(const std::vector<int64_t>& at, const Shape& shape) {
  int64_t linear = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    linear = linear * shape[axis] + at[static_cast<size_t>(axis)];
  }
  return linear;
}

inline void copy_element(TestTensor& to, int64_t i, const TestTensor& from, int64_t j) {
  const size_t width = static_cast<size_t>(dtype_bits(to.dtype)) / 8;
  std::memcpy(to.bytes.data() + static_cast<size_t>(i) * width,
              from.bytes.data() + static_cast<size_t>(j) * width, width);
}

// out[at] = x[source(at)]
using Source = std::function<std::vector<int64_t>(const std::vector<int64_t>& at)>;
inline TestTensor gather_from(const TestTensor& x, const Shape& shape, const Source& source) {
  TestTensor out = make_tensor(x.dtype, shape);
  for (int64_t i = 0; i < out.size(); ++i) {
    copy_element(out, i, x, linear_index(source(coordinates(i, shape)), x.shape));
  }
  return out;
}

inline TestTensor reshape(TestTensor x, const Shape& shape) {
  x.shape = shape;
  return x;
}

inline TestTensor transpose(const TestTensor& x, const std::vector<int64_t>& perm) {
  Shape shape;
  for (int64_t axis : perm) shape.push_back(x.shape[static_cast<int>(axis)]);
  return gather_from(x, shape, [&](const std::vector<int64_t>& at) {
    std::vector<int64_t> from(at.size());
    for (size_t i = 0; i < perm.size(); ++i) from[static_cast<size_t>(perm[i])] = at[i];
    return from;
  });
}

inline TestTensor concat(const std::vector<TestTensor>& parts, int axis) {
  Shape shape = parts[0].shape;
  shape[axis] = 0;
  for (const TestTensor& part : parts) shape[axis] += part.shape[axis];
  TestTensor out = make_tensor(parts[0].dtype, shape);
  for (int64_t i = 0; i < out.size(); ++i) {
    auto at = coordinates(i, shape);
    size_t part = 0;
    int64_t& position = at[static_cast<size_t>(axis)];
    while (position >= parts[part].shape[axis]) position -= parts[part++].shape[axis];
    copy_element(out, i, parts[part], linear_index(at, parts[part].shape));
  }
  return out;
}

inline TestTensor take(const TestTensor& x, int axis, int64_t first, int64_t count) {
  Shape shape = x.shape;
  shape[axis] = count;
  return gather_from(x, shape, [=](std::vector<int64_t> at) {
    at[static_cast<size_t>(axis)] += first;
    return at;
  });
}

}  // namespace sardonyx::test::reference
