// A tensor seen from one axis: [outer][dim][inner].
#pragma once

#include <cstdint>

#include "base/shape.h"

namespace sardonyx::ops {

struct AxisSplit {
  int64_t outer = 1, dim = 1, inner = 1;
};

inline AxisSplit split_at(const Shape& shape, int axis) {
  return {shape.product(0, axis), shape[axis], shape.product(axis + 1, shape.rank())};
}

}  // namespace sardonyx::ops
