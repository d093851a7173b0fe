#include "engine/graph_edit.h"

#include <algorithm>
#include <functional>
#include <queue>

#include "ops/built_operators.h"

namespace sardonyx {
namespace {

Status duplicate(const Value& value, const Node& node) {
  return error(ErrorCode::GRAPH_DUPLICATE_NAME, "value '%s' is defined more than once",
               value.name.c_str())
      .at_tensor(value.name)
      .at_node(node.name, node.type);
}

// Sets producers and finds values that are defined twice or not at all.
Status link_producers(Graph& graph) {
  std::vector<bool> fed(graph.values.size(), false);
  for (ValueId id : graph.inputs) fed[id] = true;
  for (Value& value : graph.values) value.producer = kNoNode;
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    for (ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      Value& value = graph.values[output];
      if (value.producer != kNoNode || value.constant || fed[output]) return duplicate(value, node);
      value.producer = id;
    }
  }
  const auto defined = [&](ValueId id) {
    const Value& value = graph.values[id];
    return value.producer != kNoNode || value.constant || fed[id];
  };
  for (const Node& node : graph.nodes) {
    for (ValueId input : node.inputs) {
      if (input == kNoValue || defined(input)) continue;
      const std::string& name = graph.values[input].name;
      return error(ErrorCode::GRAPH_INPUT_MISSING, "%s reads '%s', which nothing produces",
                   node.label().c_str(), name.c_str())
          .at_tensor(name)
          .at_node(node.name, node.type);
    }
  }
  for (ValueId output : graph.outputs) {
    if (defined(output)) continue;
    const std::string& name = graph.values[output].name;
    return error(ErrorCode::GRAPH_INPUT_MISSING, "graph output '%s' is produced by nothing",
                 name.c_str())
        .at_tensor(name);
  }
  return {};
}

// Kahn's algorithm; among ready nodes the one listed first goes first.
Result<std::vector<NodeId>> topological_order(const Graph& graph) {
  const auto readers = consumers(graph);
  std::vector<uint32_t> missing(graph.nodes.size(), 0);
  std::priority_queue<NodeId, std::vector<NodeId>, std::greater<>> ready;
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    for (ValueId input : graph.nodes[id].inputs) {
      if (input != kNoValue && graph.values[input].producer != kNoNode) ++missing[id];
    }
    if (missing[id] == 0) ready.push(id);
  }
  std::vector<NodeId> order;
  order.reserve(graph.nodes.size());
  while (!ready.empty()) {
    const NodeId id = ready.top();
    ready.pop();
    order.push_back(id);
    for (ValueId output : graph.nodes[id].outputs) {
      if (output == kNoValue) continue;
      for (NodeId reader : readers[output]) {
        if (--missing[reader] == 0) ready.push(reader);
      }
    }
  }
  if (order.size() == graph.nodes.size()) return order;
  const auto stuck = std::find_if(missing.begin(), missing.end(), [](uint32_t n) { return n > 0; });
  const Node& node = graph.nodes[static_cast<size_t>(stuck - missing.begin())];
  return error(ErrorCode::GRAPH_CYCLE, "%s depends on its own output", node.label().c_str())
      .at_node(node.name, node.type);
}

void set_producers(Graph& graph) {
  for (Value& value : graph.values) value.producer = kNoNode;
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    for (ValueId output : graph.nodes[id].outputs) {
      if (output != kNoValue) graph.values[output].producer = id;
    }
  }
}

Status unsupported(const Node& node) {
  constexpr const char* kMessage =
      SX_BUILT_ALL ? "operator %s of %s opset %d is not supported"
                   : "operator %s of %s opset %d is not in this module, which was made for other "
                     "models: build it for this one too (npm run build -- --ops-from)";
  return error(ErrorCode::OPERATOR_UNSUPPORTED, kMessage, node.type.c_str(),
               node.domain.empty() ? "ai.onnx" : node.domain.c_str(), node.opset)
      .at_node(node.name, node.type);
}

}  // namespace

Status normalize(Graph& graph) {
  SX_TRY(link_producers(graph));
  SX_ASSIGN(const std::vector<NodeId> order, topological_order(graph));
  if (std::is_sorted(order.begin(), order.end())) return {};
  std::vector<Node> sorted;
  sorted.reserve(order.size());
  for (NodeId id : order) sorted.push_back(std::move(graph.nodes[id]));
  graph.nodes = std::move(sorted);
  set_producers(graph);
  return {};
}

Status resolve_operator(const Graph& graph, Node& node) {
  if (node.op) return {};
  if (node.opset == 0) {
    const auto opset = graph.opsets.find(node.domain);
    node.opset = opset == graph.opsets.end() ? 1 : opset->second;
  }
  node.op = find_operator(node.domain, node.type, node.opset);
  return node.op ? Status() : unsupported(node);
}

std::vector<std::vector<NodeId>> consumers(const Graph& graph) {
  std::vector<std::vector<NodeId>> readers(graph.values.size());
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    for (ValueId input : graph.nodes[id].inputs) {
      if (input != kNoValue) readers[input].push_back(id);
    }
  }
  return readers;
}

bool is_graph_output(const Graph& graph, ValueId value) {
  return std::find(graph.outputs.begin(), graph.outputs.end(), value) != graph.outputs.end();
}

void replace_uses(Graph& graph, ValueId from, ValueId to) {
  for (Node& node : graph.nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  std::replace(graph.outputs.begin(), graph.outputs.end(), from, to);
}

void erase_nodes(Graph& graph, const std::vector<bool>& remove) {
  NodeId kept = 0;
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    if (remove[id]) continue;
    if (kept != id) graph.nodes[kept] = std::move(graph.nodes[id]);
    ++kept;
  }
  graph.nodes.resize(kept);
  set_producers(graph);
}

Status retarget(Graph& graph, NodeId id, std::string_view domain, std::string_view type) {
  Node& node = graph.nodes[id];
  node.domain = domain;
  node.type = type;
  if (domain != "") node.opset = 1;
  node.op = find_operator(domain, type, node.opset);
  return node.op ? Status() : unsupported(node);
}

}  // namespace sardonyx
