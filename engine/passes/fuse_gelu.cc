// Gelu written out: x / 2 · (1 + erf(x / √2)) and x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³))).
#include <cmath>
#include <numbers>

#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"
#include "engine/passes/scalar_operand.h"

namespace sardonyx {
namespace {

constexpr float kCubic = 0.044715f;

class Fuser {
 public:
  Fuser(Graph& graph, const Readers& readers, NodeId function)
      : graph_(graph), readers_(readers), function_(function) {}

  // Whether the function and what is around it is Gelu of one value; the nodes are then replaced.
  Result<bool> fuse(std::vector<bool>& removed) {
    const bool exact = is_op(graph_.nodes[function_], "Erf");
    const ValueId x = exact ? erf_argument() : tanh_argument();
    const NodeId last = x == kNoValue ? kNoNode : match_rest(x);
    if (last == kNoNode) return false;
    graph_.nodes[last].attributes = {};
    if (!exact) graph_.nodes[last].attributes.set("approximate", std::string("tanh"));
    SX_TRY(become_unary(graph_, last, "Gelu", 20, x));
    for (NodeId id : remove_) removed[id] = true;
    return true;
  }

 private:
  // The producer of a value that nothing else reads, which goes when the pattern is complete.
  NodeId inner(ValueId value) {
    const NodeId id = graph_.values[value].producer;
    if (id == kNoNode || readers_.count(value) != 1) return kNoNode;
    remove_.push_back(id);
    return id;
  }

  ValueId erf_argument() {
    const auto scaled = match_scale(graph_, inner(graph_.nodes[function_].inputs[0]));
    return scaled && is_near(scaled->number, 1 / std::numbers::sqrt2_v<float>) ? scaled->x
                                                                               : kNoValue;
  }

  ValueId tanh_argument() {
    const auto scaled = match_scale(graph_, inner(graph_.nodes[function_].inputs[0]));
    const float factor = std::sqrt(2 * std::numbers::inv_pi_v<float>);
    if (!scaled || !is_near(scaled->number, factor)) return kNoValue;
    const NodeId sum = inner(scaled->x);
    if (sum == kNoNode || !is_op(graph_.nodes[sum], "Add")) return kNoValue;
    for (size_t i = 0; i < 2; ++i) {
      const ValueId x = graph_.nodes[sum].inputs[i], cubic = graph_.nodes[sum].inputs[1 - i];
      if (is_nested_cube(cubic, x)) return x;
      const auto cube = match_scale(graph_, graph_.values[cubic].producer);
      if (!cube || !is_near(cube->number, kCubic) || !is_cube(cube->x, x)) continue;
      inner(cubic);
      inner(cube->x);
      return x;
    }
    return kNoValue;
  }

  bool is_cube(ValueId cube, ValueId x) const {
    if (readers_.count(cube) != 1 || graph_.values[cube].producer == kNoNode) return false;
    const Node& node = graph_.nodes[graph_.values[cube].producer];
    const auto power = is_op(node, "Pow") ? with_number(graph_, node, 1) : std::nullopt;
    return power && power->x == x && power->number == 3.0f;
  }

  // x · (x · (0.044715 · x)), whose nodes go when the pattern is complete.
  bool is_nested_cube(ValueId cubic, ValueId x) {
    for (int level = 0; level < 2; ++level) {
      const NodeId id = graph_.values[cubic].producer;
      if (id == kNoNode || graph_.nodes[id].inputs.size() != 2) return false;
      const ValueId other = graph_.nodes[id].inputs[graph_.nodes[id].inputs[0] == x ? 1 : 0];
      if (!is_product(graph_, id, x, other) || inner(cubic) == kNoNode) return false;
      cubic = other;
    }
    const auto scaled = match_scale(graph_, inner(cubic));
    return scaled && scaled->x == x && is_near(scaled->number, kCubic);
  }

  // The one reader of what node `id` makes; `id` goes when the pattern is complete.
  NodeId next(NodeId id) {
    remove_.push_back(id);
    return readers_.sole(graph_.nodes[id].outputs[0]);
  }

  // From the function on: + 1, and the factors x and ½ in any order. kNoNode when that is not all.
  NodeId match_rest(ValueId x) {
    const NodeId plus_one = next(function_);
    const auto sum = match_sum(graph_, plus_one);
    if (!sum || sum->number != 1.0f) return kNoNode;
    const ValueId gate = graph_.nodes[plus_one].outputs[0];
    const NodeId first = next(plus_one);
    if (first == kNoNode) return kNoNode;
    const ValueId product = output_of(graph_.nodes[first], 0);
    if (is_product(graph_, first, x, gate)) {
      const NodeId last = next(first);
      const auto half = match_scale(graph_, last);
      return half && half->x == product && half->number == 0.5f ? last : kNoNode;
    }
    if (const auto half = match_scale(graph_, first); half && half->x == gate) {
      const NodeId last = next(first);
      return half->number == 0.5f && is_product(graph_, last, x, product) ? last : kNoNode;
    }
    return match_half_x(first, gate, x) ? first : kNoNode;
  }

  // gate · (x · ½).
  bool match_half_x(NodeId id, ValueId gate, ValueId x) {
    for (ValueId input : graph_.nodes[id].inputs) {
      if (input == kNoValue || input == gate || !is_product(graph_, id, gate, input)) continue;
      const auto half = match_scale(graph_, inner(input));
      return half && half->x == x && half->number == 0.5f;
    }
    return false;
  }

  Graph& graph_;
  const Readers& readers_;
  const NodeId function_;
  std::vector<NodeId> remove_;
};

}  // namespace

Status pass_fuse_gelu(Graph& graph, bool& changed) {
  const Readers readers(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    if (remove[id] || !(is_op(node, "Erf") || is_op(node, "Tanh"))) continue;
    if (output_of(node, 0) == kNoValue) continue;
    SX_ASSIGN(const bool fused, Fuser(graph, readers, id).fuse(remove));
    changed = changed || fused;
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
