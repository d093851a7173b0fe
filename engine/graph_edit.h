// Editing a graph in ways that keep it consistent.
#pragma once

#include <vector>

#include "engine/graph.h"

namespace sardonyx {

// Sets producers, sorts nodes topologically (stable), and checks the graph: GRAPH_DUPLICATE_NAME
// when two nodes produce one value or a node produces an input or constant, GRAPH_INPUT_MISSING
// when a node or graph output reads what nothing produces, GRAPH_CYCLE. Names node and tensor.
Status normalize(Graph& graph);

// Sets Node::op, and Node::opset unless it is set, from the registry. OPERATOR_UNSUPPORTED names
// operator, domain, opset.
Status resolve_operator(const Graph& graph, Node& node);

// Runs the shape rules over all nodes with what is known so far. A contradiction with a shape that
// the model declares is a warning; the inferred one wins.
Status infer_shapes(Graph& graph);

// Readers of each value (by node index, once per use); graph outputs are not listed.
std::vector<std::vector<NodeId>> consumers(const Graph& graph);
bool is_graph_output(const Graph& graph, ValueId value);

// Every reader of `from`, graph outputs included, reads `to` afterwards.
void replace_uses(Graph& graph, ValueId from, ValueId to);

// Removes the nodes whose flag is set, keeps the order of the others and fixes producers.
void erase_nodes(Graph& graph, const std::vector<bool>& remove);

// Gives node `id` another operator of the registry; OPERATOR_UNSUPPORTED when there is none.
Status retarget(Graph& graph, NodeId id, std::string_view domain, std::string_view type);

}  // namespace sardonyx
