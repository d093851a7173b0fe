// Constant nodes become constants of the graph. Runs before operators are resolved.
#pragma once

#include "base/status.h"
#include "engine/graph.h"

namespace sardonyx {

// In bodies too. MODEL_UNSUPPORTED for sparse and string constants, ATTRIBUTE_INVALID for a
// Constant without a value.
Status inline_constants(Graph& graph);

}  // namespace sardonyx
