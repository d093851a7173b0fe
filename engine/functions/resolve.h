// From names of operators to kernels and shapes.
#pragma once

#include "base/status.h"
#include "engine/graph.h"

namespace sardonyx {

// For a sorted graph: gives each node its operator, replaces the nodes of functions by their
// bodies, and infers shapes on the way. Errors: OPERATOR_UNSUPPORTED, those of the shape rules and
// of the functions; they name the node. The graph has all its nodes after an error too.
Status resolve_graph(Graph& graph);

}  // namespace sardonyx
