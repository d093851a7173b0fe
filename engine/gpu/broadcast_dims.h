// The box that operands of one broadcast shape are walked through with.
#pragma once

#include "engine/gpu/emitter.h"
#include "engine/gpu/strided_dims.h"
#include "ops/strided.h"

namespace sardonyx::gpu {

// Operands of the given shapes under output 0; a stride of 0 repeats.
template <size_t kOperands>
StridedDims<kOperands> broadcast_dims(const Shape& y,
                                      const std::array<const Shape*, kOperands>& shapes) {
  StridedDims<kOperands> dims;
  std::array<std::array<int64_t, kMaxRank>, kOperands> strides;
  for (size_t i = 0; i < kOperands; ++i) strides[i] = ops::dense_strides(*shapes[i]);
  for (int axis = 0; axis < y.rank(); ++axis) {
    std::array<int64_t, kOperands> step{};
    for (size_t i = 0; i < kOperands; ++i) {
      const Shape& shape = *shapes[i];
      const int at = axis - (y.rank() - shape.rank());
      step[i] = at < 0 || shape[at] == 1 ? 0 : strides[i][static_cast<size_t>(at)];
    }
    dims.add(y[axis], step);
  }
  return dims;
}

}  // namespace sardonyx::gpu
