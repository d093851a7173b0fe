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

}  // namespace

Status resolve_graph(Graph& graph) {
  std::vector<Pending> stack;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    stack.push_back({std::move(*node), 0});
  }
  graph.nodes.clear();
  NodeFacts facts;
  bool expanded = false;
  while (!stack.empty()) {
    auto [node, depth] = std::move(stack.back());
    stack.pop_back();
    const Status found = resolve_operator(graph, node);
    if (found.ok()) {
      SX_TRY(infer_node(graph, node, facts));
      record_outputs(graph, node, facts);
      graph.nodes.push_back(std::move(node));
      continue;
    }
    const Function* function = find_function(node.domain, node.type, node.opset);
    if (!function || depth == kMaxDepth) return found.clone();
    auto body = expand(graph, node, *function);
    if (!body.ok()) return body.take_status().at_node(node.name, node.type);
    for (auto inner = body->rbegin(); inner != body->rend(); ++inner) {
      stack.push_back({std::move(*inner), depth + 1});
    }
    expanded = true;
  }
  return expanded ? normalize(graph) : Status();
}

}  // namespace sardonyx
