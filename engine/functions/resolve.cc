#include "engine/functions/resolve.h"

#include <algorithm>
#include <utility>

#include "engine/functions/registry.h"
#include "engine/graph_edit.h"
#include "engine/infer.h"

namespace sardonyx {
namespace {

// Bodies are written with functions only where those are closer to the kernels.
constexpr int kMaxDepth = 8;

struct Pending {
  Node node;
  int depth;
};

Result<std::vector<Node>> expand(Graph& graph, const Node& node, const Function& function) {
  NodeFacts facts;
  gather_facts(graph, node, facts);
  FunctionBody body(graph, node, facts.inputs);
  SX_TRY(function.expand(body));
  return body.finish();
}

// Moves the nodes of `stack`, the next one last, to the graph as far as that goes.
Status resolve_nodes(Graph& graph, std::vector<Pending>& stack, bool& expanded) {
  NodeFacts facts;
  while (!stack.empty()) {
    Node& node = stack.back().node;
    const int depth = stack.back().depth;
    const Status found = resolve_operator(graph, node);
    if (found.ok()) {
      SX_TRY(infer_node(graph, node, facts));
      record_outputs(graph, node, facts);
      graph.nodes.push_back(std::move(node));
      stack.pop_back();
      continue;
    }
    const Function* function = find_function(node.domain, node.type, node.opset);
    if (!function || depth == kMaxDepth) return found.clone();
    auto body = expand(graph, node, *function);
    if (!body.ok()) return body.take_status().at_node(node.name, node.type);
    stack.pop_back();
    for (auto inner = body->rbegin(); inner != body->rend(); ++inner) {
      stack.push_back({std::move(*inner), depth + 1});
    }
    expanded = true;
  }
  return {};
}

}  // namespace

Status resolve_graph(Graph& graph) {
  std::vector<Pending> stack;
  stack.reserve(graph.nodes.size());
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    stack.push_back({std::move(*node), 0});
  }
  graph.nodes.clear();
  bool expanded = false;
  Status status = resolve_nodes(graph, stack, expanded);
  while (!stack.empty()) {
    graph.nodes.push_back(std::move(stack.back().node));
    stack.pop_back();
  }
  SX_TRY(std::move(status));
  return expanded ? normalize(graph) : Status();
}

}  // namespace sardonyx
