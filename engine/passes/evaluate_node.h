// Computing a node while the model is compiled.
#pragma once

#include <vector>

#include "base/status.h"
#include "engine/graph.h"
#include "engine/infer.h"

namespace sardonyx {

// Runs the CPU kernel of a node whose inputs are constants (shape-only operators: whose inputs have
// known shapes). `facts` are those of infer_node(), every output of a known shape. One constant per
// output.
Result<std::vector<ConstantPtr>> evaluate_node(const Graph& graph, const Node& node,
                                               const NodeFacts& facts);

}  // namespace sardonyx
