#include "engine/passes/scalar_operand.h"

#include <algorithm>
#include <cmath>

#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

bool is_map(const Node& node, std::string_view type) {
  return is_op(node, type) && node.opset >= 7 && node.inputs.size() == 2 &&
         output_of(node, 0) != kNoValue;
}

std::optional<WithNumber> either(const Graph& graph, const Node& node) {
  const auto out = with_number(graph, node, 1);
  return out ? out : with_number(graph, node, 0);
}

}  // namespace

std::optional<WithNumber> with_number(const Graph& graph, const Node& node, size_t i) {
  const Value& x = graph.values[node.inputs[1 - i]];
  const auto number = fixed_scalar(graph, node.inputs[i]);
  if (!number || x.dtype != DType::kFloat32) return std::nullopt;
  const int rank = graph.values[node.inputs[i]].shape.rank();
  if (rank > (x.has_shape ? x.shape.rank() : 0)) return std::nullopt;
  return WithNumber{node.inputs[1 - i], *number};
}

std::optional<WithNumber> match_sum(const Graph& graph, NodeId id) {
  if (id == kNoNode || !is_map(graph.nodes[id], "Add")) return std::nullopt;
  return either(graph, graph.nodes[id]);
}

std::optional<WithNumber> match_scale(const Graph& graph, NodeId id) {
  if (id == kNoNode) return std::nullopt;
  const Node& node = graph.nodes[id];
  if (is_map(node, "Mul")) return either(graph, node);
  if (!is_map(node, "Div")) return std::nullopt;
  auto out = with_number(graph, node, 1);
  if (out) out->number = 1 / out->number;
  return out;
}

bool is_product(const Graph& graph, NodeId id, ValueId a, ValueId b) {
  if (id == kNoNode || !is_map(graph.nodes[id], "Mul")) return false;
  const auto& inputs = graph.nodes[id].inputs;
  return (inputs[0] == a && inputs[1] == b) || (inputs[0] == b && inputs[1] == a);
}

bool is_near(float a, float b) {
  return std::fabs(a - b) <= 1e-6f * std::fabs(b);
}

Status become_unary(Graph& graph, NodeId id, std::string_view type, int since, ValueId x) {
  graph.nodes[id].inputs = {x};
  graph.nodes[id].opset = std::max(graph.nodes[id].opset, since);
  return retarget(graph, id, "", type);
}

}  // namespace sardonyx
