// The subgraphs of If, Loop and Scan nodes.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/graph.h"

namespace sardonyx {

// Bodies within bodies; what compiling recurses into and runs keep a stack of.
inline constexpr int kMaxBodyDepth = 16;

// One subgraph of a node, and which of the node's inputs feed its captures (Graph::captured).
struct Body {
  std::string_view attribute;  // "body", "then_branch"…
  Graph* graph = nullptr;
  size_t first_capture = 0;  // index into Node::inputs

  // The inputs of the graph that are not captured.
  size_t own_inputs() const { return graph->inputs.size() - graph->captured; }
};

// In the order of the attributes.
std::vector<Body> bodies_of(const Node& node);
// The body in that attribute; ATTRIBUTE_INVALID when there is none.
Result<Body> require_body(const Node& node, std::string_view attribute);
// Inputs of the node that are no captures.
size_t operand_count(const Node& node);

// "the body of Loop 'y'", for Status::in_body().
std::string describe_body(const Node& node, std::string_view attribute);

// LIMIT_EXCEEDED when bodies are nested deeper than kMaxBodyDepth.
Status check_body_depth(const Graph& graph);
// Calls `visit` for the graph and all bodies within it.
void visit_graphs(const Graph& graph, const std::function<void(const Graph&)>& visit);

}  // namespace sardonyx
