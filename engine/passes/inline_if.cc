// An If whose condition is constant becomes the nodes of the branch that it takes.
#include <algorithm>

#include "engine/bodies.h"
#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"
#include "engine/splice.h"

namespace sardonyx {
namespace {

// The branch that the node always takes; null unless the condition is constant.
const Body* taken_branch(const Graph& graph, const Node& node, const std::vector<Body>& bodies) {
  if (!is_op(node, "If")) return nullptr;
  const ConstantPtr condition = fixed_constant(graph, node.inputs[0]);
  if (!condition || condition->dtype != DType::kBool || condition->view().elements() != 1) {
    return nullptr;
  }
  const bool taken = *condition->payload.data() != 0;
  const auto branch = std::find_if(bodies.begin(), bodies.end(), [&](const Body& body) {
    return body.attribute == (taken ? "then_branch" : "else_branch");
  });
  return branch == bodies.end() ? nullptr : &*branch;
}

// The outputs of the If, as copies that remove_identity takes away again.
Status copy_outputs(const Graph& graph, const Node& node, const std::vector<ValueId>& results,
                    std::vector<Node>& nodes) {
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    Node copy;
    copy.type = "Identity";
    copy.name = node.name;
    copy.inputs = {results[i]};
    copy.outputs = {node.outputs[i]};
    copy.opset = node.opset;
    SX_TRY(resolve_operator(graph, copy));
    nodes.push_back(std::move(copy));
  }
  return {};
}

Status inline_branch(Graph& graph, const Node& node, const Body& body, std::vector<Node>& nodes) {
  const std::span feeds(node.inputs.data() + body.first_capture, body.graph->captured);
  return copy_outputs(graph, node, splice(graph, *body.graph, feeds, {}, nodes), nodes);
}

}  // namespace

Status pass_inline_if(Graph& graph, bool& changed) {
  std::vector<Node> nodes;
  nodes.reserve(graph.nodes.size());
  for (Node& node : graph.nodes) {
    const std::vector<Body> bodies = bodies_of(node);
    const Body* branch = taken_branch(graph, node, bodies);
    if (!branch) {
      nodes.push_back(std::move(node));
      continue;
    }
    SX_TRY(inline_branch(graph, node, *branch, nodes));
    changed = true;
  }
  graph.nodes = std::move(nodes);
  return changed ? normalize(graph) : Status();
}

}  // namespace sardonyx
