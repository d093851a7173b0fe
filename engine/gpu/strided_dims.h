// A box of elements that several arrays are walked through with, each with its own strides.
#pragma once

#include <array>
#include <cstdint>

#include "base/shape.h"
#include "engine/gpu/plan.h"

namespace sardonyx::gpu {

inline constexpr int kMaxStridedDims = 6;

template <size_t kArrays>
class StridedDims {
 public:
  // Outermost first. Dims that are walked as one are made one; those of 1 are left out.
  void add(int64_t size, const std::array<int64_t, kArrays>& strides) {
    if (size == 1) return;
    if (rank_ > 0) {
      Dim& last = dims_[static_cast<size_t>(rank_ - 1)];
      bool joins = true;
      for (size_t i = 0; i < kArrays; ++i) joins &= last.strides[i] == strides[i] * size;
      if (joins) {
        last.size *= size;
        last.strides = strides;
        return;
      }
    }
    dims_[static_cast<size_t>(rank_++)] = {size, strides};
  }
  int rank() const { return rank_; }

  // From params[first] on: sizes, then the strides of each array; innermost first.
  void write(GpuStep& step, size_t first = 6) const {
    const auto rank = static_cast<size_t>(rank_);
    for (size_t i = 0; i < rank; ++i) {
      const Dim& dim = dims_[rank - 1 - i];
      step.params[first + i] = static_cast<uint32_t>(dim.size);
      for (size_t array = 0; array < kArrays; ++array) {
        step.params[first + rank * (array + 1) + i] = static_cast<uint32_t>(dim.strides[array]);
      }
    }
  }

 private:
  struct Dim {
    int64_t size = 1;
    std::array<int64_t, kArrays> strides{};
  };
  std::array<Dim, kMaxRank + 1> dims_{};
  int rank_ = 0;
};

}  // namespace sardonyx::gpu
