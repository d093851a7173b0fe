// Copying boxes of elements between strided arrays: what transpose, slice, pad, expand… come down
// to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/shape.h"
#include "base/status.h"

namespace sardonyx::ops {

// dims[i] elements along dim i, that lie `from[i]` and `to[i]` elements apart. A from-stride may be
// 0 or negative; no two elements may share a place in the destination.
class StridedCopy {
 public:
  static constexpr int kMaxDims = 2 * kMaxRank;

  // Outermost first. At most kMaxDims.
  void add(int64_t dim, int64_t from_stride, int64_t to_stride);
  // In parallel. `from` and `to` point to the first elements; null when a dim is 0.
  Status run(size_t element_bytes, const void* from, void* to) const;

 private:
  struct Dim {
    int64_t size, from, to;
  };
  friend class StridedLoop;

  std::array<Dim, kMaxDims> dims_{};
  int rank_ = 0;
  bool empty_ = false;
};

// Strides of a dense row-major array.
std::array<int64_t, kMaxRank> dense_strides(const Shape& shape);

}  // namespace sardonyx::ops
