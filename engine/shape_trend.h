// What input shapes will be next, when they change as they did before: a decoder's past grows by
// one at each step.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/tensor.h"

namespace sardonyx {

class ShapeTrend {
 public:
  // Of each execution. Allocates nothing once it has seen three.
  void saw(std::span<const TensorView> inputs);
  // Views without contents, valid until the next call of saw(). Empty unless the last two changes
  // were the same.
  std::span<const TensorView> next();

 private:
  std::array<std::vector<TensorView>, 3> seen_;  // oldest first
  std::vector<TensorView> next_;
};

}  // namespace sardonyx
