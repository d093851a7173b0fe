// What bodies read of the graph around them.
#pragma once

#include "engine/bodies.h"
#include "engine/graph.h"

namespace sardonyx {

// Captures that are constant in `graph`, which holds the node, become constants of the bodies.
void capture_constants(const Graph& graph, Node& node);
// Captures that nothing in the body reads are no inputs of the node any more. Whether there were
// any.
bool drop_unused_captures(Node& node);

}  // namespace sardonyx
