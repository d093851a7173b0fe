#include "ops/strided_copy.h"

#include <cstring>

namespace sardonyx::ops {
namespace {

// Drops dims of 1 and merges neighbours that both sides walk as one.
StridedCopy merged(const StridedCopy& copy) {
  StridedCopy out = copy;
  out.dims = {};
  for (int axis = 0; axis < copy.dims.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    const int64_t dim = copy.dims[axis];
    if (dim == 1) continue;
    const int last = out.dims.rank() - 1;
    const auto j = static_cast<size_t>(last);
    if (last >= 0 && out.from_strides[j] == dim * copy.from_strides[i] &&
        out.to_strides[j] == dim * copy.to_strides[i]) {
      out.dims[last] *= dim;
    } else {
      out.dims.push_back(dim);
    }
    const auto k = static_cast<size_t>(out.dims.rank() - 1);
    out.from_strides[k] = copy.from_strides[i];
    out.to_strides[k] = copy.to_strides[i];
  }
  return out;
}

template <typename T>
void copy_elements(const uint8_t* from, int64_t from_step, uint8_t* to, int64_t to_step,
                   int64_t count) {
  const T* x = reinterpret_cast<const T*>(from);
  T* y = reinterpret_cast<T*>(to);
  for (int64_t i = 0; i < count; ++i) y[i * to_step] = x[i * from_step];
}

struct Wide {
  uint64_t halves[2];
};

using CopyElements = void (*)(const uint8_t*, int64_t, uint8_t*, int64_t, int64_t);

CopyElements element_copier(size_t bytes) {
  switch (bytes) {
    case 1:
      return copy_elements<uint8_t>;
    case 2:
      return copy_elements<uint16_t>;
    case 4:
      return copy_elements<uint32_t>;
    case 8:
      return copy_elements<uint64_t>;
    default:
      return copy_elements<Wide>;
  }
}

// Copies along `inner` for every index of the other axes, the last of them fastest.
void walk(const StridedCopy& copy, int inner) {
  const auto i = static_cast<size_t>(inner);
  const int64_t count = copy.dims[inner];
  const bool dense = copy.from_strides[i] == 1 && copy.to_strides[i] == 1;
  const CopyElements copy_row = element_copier(copy.bytes);
  const auto bytes = static_cast<int64_t>(copy.bytes);
  std::array<int64_t, kMaxRank> index{};
  int64_t from = 0;
  int64_t to = 0;
  for (;;) {
    const uint8_t* x = copy.from + from * bytes;
    uint8_t* y = copy.to + to * bytes;
    if (dense) {
      std::memcpy(y, x, static_cast<size_t>(count * bytes));
    } else {
      copy_row(x, copy.from_strides[i], y, copy.to_strides[i], count);
    }
    int axis = copy.dims.rank() - 1;
    for (; axis >= 0; --axis) {
      if (axis == inner) continue;
      const auto k = static_cast<size_t>(axis);
      from += copy.from_strides[k];
      to += copy.to_strides[k];
      if (++index[k] < copy.dims[axis]) break;
      from -= index[k] * copy.from_strides[k];
      to -= index[k] * copy.to_strides[k];
      index[k] = 0;
    }
    if (axis < 0) return;
  }
}

}  // namespace

Strides row_major_strides(const Shape& shape) {
  Strides strides{};
  int64_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<size_t>(axis)] = step;
    step *= shape[axis];
  }
  return strides;
}

void strided_copy(const StridedCopy& copy) {
  for (int64_t dim : copy.dims) {
    if (dim == 0) return;
  }
  StridedCopy out = merged(copy);
  if (out.dims.rank() == 0) out.dims.push_back(1);
  walk(out, out.dims.rank() - 1);
}

}  // namespace sardonyx::ops
