// Running graphs in tests, as they are and as the passes make them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/graph.h"

namespace sardonyx::test {

// Outputs of a float32 graph, in order.
using Outputs = std::vector<std::vector<float>>;

// Interprets a graph node by node with the operators' kernels: no passes, no layouts, no memory
// plan, so that what these do can be compared with it. Inputs are random float32. The graph is one
// of GraphBuilder::finish(). Fails the test on any error.
Outputs interpret(const Graph& graph, uint32_t seed = 7, const std::vector<Shape>& shapes = {});

// Compiles a copy of the graph (passes, lowering, binding) and runs it on the same inputs, `runs`
// times on one Run, every other time in slices. Unknown dims of inputs must be given in `shapes`,
// one shape per input.
Outputs run_compiled(const Graph& graph, uint32_t seed = 7, const std::vector<Shape>& shapes = {},
                     int runs = 2);

// Fails the test unless every pair of elements differs by at most 1e-5 + 1e-5·|expected|.
void check_same(const Outputs& actual, const Outputs& expected);

// Interprets the graph before and after the pass, compiles and runs it, and compares all three.
void check_equivalent(const Graph& before, const Graph& after);

}  // namespace sardonyx::test
