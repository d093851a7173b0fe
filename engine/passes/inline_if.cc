// An If whose condition is constant becomes the nodes of the branch that it takes.
#include <algorithm>

#include "engine/bodies.h"
#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"

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

// Values of the body get numbers of the graph around it.
std::vector<ValueId> adopt_values(Graph& graph, const Node& node, const Body& body) {
  std::vector<ValueId> numbers(body.graph->values.size(), kNoValue);
  for (size_t i = 0; i < body.graph->captured; ++i) {
    numbers[body.graph->inputs[i]] = node.inputs[body.first_capture + i];
  }
  for (ValueId id = 0; id < numbers.size(); ++id) {
    if (numbers[id] == kNoValue) numbers[id] = graph.add_value(body.graph->values[id]);
  }
  return numbers;
}

void renumber(std::vector<ValueId>& ids, const std::vector<ValueId>& numbers) {
  for (ValueId& id : ids) {
    if (id != kNoValue) id = numbers[id];
  }
}

// The outputs of the If, as copies that remove_identity takes away again.
Status copy_outputs(const Node& node, const std::vector<ValueId>& results,
                    std::vector<Node>& nodes) {
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    Node copy;
    copy.type = "Identity";
    copy.name = node.name;
    copy.inputs = {results[i]};
    copy.outputs = {node.outputs[i]};
    copy.opset = node.opset;
    copy.op = find_operator("", copy.type, copy.opset);
    if (!copy.op) return error(ErrorCode::INTERNAL, "operator Identity is not in this build");
    nodes.push_back(std::move(copy));
  }
  return {};
}

Status inline_branch(Graph& graph, const Node& node, const Body& body, std::vector<Node>& nodes) {
  const std::vector<ValueId> numbers = adopt_values(graph, node, body);
  for (Node& inner : body.graph->nodes) {
    renumber(inner.inputs, numbers);
    renumber(inner.outputs, numbers);
    nodes.push_back(std::move(inner));
  }
  std::vector<ValueId> results = body.graph->outputs;
  renumber(results, numbers);
  return copy_outputs(node, results, nodes);
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
