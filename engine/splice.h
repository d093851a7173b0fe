// Putting the nodes of one graph into another.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/graph.h"

namespace sardonyx {

// Copies the nodes of `from` to the end of `nodes`, and its values into `into`, all with `prefix`
// before their names. `feeds`: what stands for the inputs of `from`, values of `into`. Returns what
// stands for its outputs.
std::vector<ValueId> splice(Graph& into, const Graph& from, std::span<const ValueId> feeds,
                            const std::string& prefix, std::vector<Node>& nodes);

}  // namespace sardonyx
