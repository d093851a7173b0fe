// Running shape rules on nodes of a graph.
#pragma once

#include <vector>

#include "base/status.h"
#include "engine/graph.h"

namespace sardonyx {

// Facts about the inputs and outputs of one node. `views` backs ValueFacts::value.
struct NodeFacts {
  std::vector<ValueFacts> inputs;
  std::vector<ValueFacts> outputs;
  std::vector<TensorView> views;
};

// Fills the inputs of `facts` from the graph (constants with their contents).
void gather_facts(const Graph& graph, const Node& node, NodeFacts& facts);

// Fills `facts` and runs the shape rule of the node; its bodies are resolved (resolve_graph()) and
// inferred as well. An error names the node.
Status infer_node(const Graph& graph, const Node& node, NodeFacts& facts);

// Takes over into the graph's values what infer_node() found for the outputs of the node.
void record_outputs(Graph& graph, const Node& node, const NodeFacts& facts);

// Runs the shape rule on facts that the caller has set; checks what the rule returned.
Status run_shape_rule(const Node& node, std::span<const ValueFacts> inputs,
                      std::span<ValueFacts> outputs);

}  // namespace sardonyx
