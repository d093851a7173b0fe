// Makes one Transpose of two that follow each other; remove_identity drops it when nothing moves.
#include <numeric>

#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

// The permutation of a Transpose; empty when it is not known or not valid.
std::vector<int64_t> permutation(const Graph& graph, const Node& node) {
  const Value& input = graph.values[node.inputs[0]];
  const auto attribute = node.attributes.get_ints("perm");
  std::vector<int64_t> perm(attribute.begin(), attribute.end());
  if (perm.empty() && input.has_shape) {
    perm.resize(static_cast<size_t>(input.shape.rank()));
    std::iota(perm.rbegin(), perm.rend(), 0);
  }
  const auto rank = static_cast<int64_t>(perm.size());
  for (int64_t axis : perm) {
    if (axis < 0 || axis >= rank) return {};
  }
  return perm;
}

bool is_transpose(const Node& node) {
  return is_op(node, "Transpose") && input_of(node, 0) != kNoValue;
}

}  // namespace

Status pass_cancel_transpose(Graph& graph, bool& changed) {
  for (Node& node : graph.nodes) {
    if (!is_transpose(node)) continue;
    const NodeId before_id = graph.values[node.inputs[0]].producer;
    if (before_id == kNoNode || !is_transpose(graph.nodes[before_id])) continue;
    const Node& before = graph.nodes[before_id];
    const std::vector<int64_t> first = permutation(graph, before);
    const std::vector<int64_t> second = permutation(graph, node);
    if (first.empty() || first.size() != second.size()) continue;
    std::vector<int64_t> composed(first.size());
    for (size_t i = 0; i < composed.size(); ++i) {
      composed[i] = first[static_cast<size_t>(second[i])];
    }
    node.inputs[0] = before.inputs[0];
    node.attributes.set("perm", std::move(composed));
    changed = true;
  }
  return {};
}

}  // namespace sardonyx
