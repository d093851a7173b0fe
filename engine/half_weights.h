// Large weights of float16 that operators with kHalfWeights read as float32 stay float16: the value
// is float32, its constant is not. Passes see such values as unknown, and whatever else comes to
// read one gets floats when the graph is lowered.
#pragma once

#include "base/status.h"
#include "engine/graph.h"

namespace sardonyx {

// Float16 weights of so many bytes in all are kept: less fits the cache, from which floats are read
// twice as fast as halves are widened.
inline constexpr uint64_t kManyHalfBytes = uint64_t{4} << 20;

// Whether input `i` of the node may be this float16 constant.
bool takes_half(const Node& node, size_t i, const Constant& constant);

// Makes floats of what some reader does not take, and for a GPU of everything.
Status widen_half_weights(Graph& graph, bool for_gpu);

}  // namespace sardonyx
