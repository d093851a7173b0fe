// Copying boxes of elements between tensors with any strides: what Slice, Split, Concat, Pad,
// Transpose and Expand come down to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/shape.h"

namespace sardonyx::ops {

using Strides = std::array<int64_t, kMaxRank>;

// Strides of a dense row-major tensor, in elements.
Strides row_major_strides(const Shape& shape);

// A box of `dims` elements of `bytes` each (1, 2, 4, 8 or 16). Strides are in elements and may be
// zero or negative; `from` and `to` point at the first element and must not overlap.
struct StridedCopy {
  size_t bytes = 0;
  Shape dims;
  const uint8_t* from = nullptr;
  Strides from_strides{};
  uint8_t* to = nullptr;
  Strides to_strides{};
};

// Runs on the calling thread. Nothing happens for an empty box.
void strided_copy(const StridedCopy& copy);

}  // namespace sardonyx::ops
