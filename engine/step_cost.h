// What a step has to do at least, from its shapes: to judge the time that it took.
#pragma once

#include <cstdint>
#include <span>

#include "engine/graph.h"

namespace sardonyx {

struct StepCost {
  // A multiplication and an addition of a product count two, any other operator one per element of
  // its first input or output, whichever is larger; what only moves elements counts none.
  // Winograd is counted as the convolution that it replaces.
  double flops = 0;
  // Inputs and outputs once each, as they lie in memory. What selects elements reads those only.
  int64_t bytes = 0;
};

// Of bound views.
StepCost cost_of(const Node& node, std::span<const TensorView> inputs,
                 std::span<const TensorView> outputs);

}  // namespace sardonyx
