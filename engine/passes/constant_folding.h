// Replacing nodes that compute the same values in every run by constants.
#pragma once

#include "base/status.h"
#include "engine/graph.h"

namespace sardonyx {

// Computes the nodes for which `wanted` holds, as far as their inputs are constant.
Status fold_constant_nodes(Graph& graph, bool (*wanted)(const Node&), bool& changed);

}  // namespace sardonyx
