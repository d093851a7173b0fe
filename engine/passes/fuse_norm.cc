// LayerNormalization and RMSNormalization of the last axis, written out:
//
//   d / sqrt(mean(d²) + ε) · scale + bias, where d is x - mean(x), or x and no bias.
//
// The quotient may be a product with the reciprocal.
#include <algorithm>

#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"
#include "engine/passes/scalar_operand.h"

namespace sardonyx {
namespace {

struct Norm {
  ValueId x = kNoValue;
  bool centered = false;
  float epsilon = 0;
};

class Matcher {
 public:
  explicit Matcher(const Graph& graph) : graph_(graph) {}

  // `value` is what is scaled.
  std::optional<Norm> match(ValueId value) const {
    if (const Node* quotient = producer(value, "Div")) {
      return match(quotient->inputs[0], quotient->inputs[1]);
    }
    const Node* product = producer(value, "Mul");
    if (!product) return std::nullopt;
    for (size_t i = 0; i < 2; ++i) {
      const ValueId root = reciprocal_of(product->inputs[i]);
      const auto norm = root == kNoValue ? std::nullopt : match(product->inputs[1 - i], root);
      if (norm) return norm;
    }
    return std::nullopt;
  }

  // Whether it is one number for all, or for each element of the last axis of x.
  bool is_row(ValueId id, ValueId x) const {
    const ConstantPtr constant = fixed_floats(graph_, id);
    const Shape& shape = graph_.values[x].shape;
    if (!constant || constant->shape.rank() > shape.rank()) return false;
    const int64_t elements = constant->view().elements();
    if (elements == 1) return true;
    const int last = constant->shape.rank() - 1;
    return elements == shape[shape.rank() - 1] && elements == constant->shape[last];
  }

 private:
  const Node* producer(ValueId value, std::string_view type) const {
    const NodeId id = value == kNoValue ? kNoNode : graph_.values[value].producer;
    return id != kNoNode && is_op(graph_.nodes[id], type) ? &graph_.nodes[id] : nullptr;
  }

  ValueId reciprocal_of(ValueId value) const {
    if (const Node* node = producer(value, "Reciprocal")) return node->inputs[0];
    const Node* node = producer(value, "Div");
    return node && fixed_scalar(graph_, node->inputs[0]) == 1.0f ? node->inputs[1] : kNoValue;
  }

  // What the value is the mean of, along the last axis, which stays.
  ValueId mean_of(ValueId value) const {
    const Node* node = producer(value, "ReduceMean");
    if (!node || node->attributes.get_int("keepdims", 1) != 1) return kNoValue;
    std::vector<int64_t> axes;
    if (node->inputs.size() > 1) {
      axes = fixed_ints(graph_, node->inputs[1]).value_or(axes);
    } else {
      const auto given = node->attributes.get_ints("axes");
      axes.assign(given.begin(), given.end());
    }
    const Value& x = graph_.values[node->inputs[0]];
    if (axes.size() != 1 || !x.has_shape || x.dtype != DType::kFloat32) return kNoValue;
    return axes[0] == -1 || axes[0] == x.shape.rank() - 1 ? node->inputs[0] : kNoValue;
  }

  ValueId square_root_of(ValueId value) const {
    const Node* node = producer(value, "Sqrt");
    return node ? node->inputs[0] : kNoValue;
  }

  bool is_square(ValueId value, ValueId x) const {
    if (is_product(graph_, graph_.values[value].producer, x, x)) return true;
    const Node* node = producer(value, "Pow");
    const auto power = node ? with_number(graph_, *node, 1) : std::nullopt;
    return power && power->x == x && power->number == 2.0f;
  }

  std::optional<Norm> match(ValueId x, ValueId root) const {
    const ValueId radicand = square_root_of(root);
    if (radicand == kNoValue) return std::nullopt;
    const auto sum = match_sum(graph_, graph_.values[radicand].producer);
    const ValueId square = sum ? mean_of(sum->x) : kNoValue;
    if (square == kNoValue || !is_square(square, x)) return std::nullopt;
    const Node* difference = producer(x, "Sub");
    const bool centered = difference && mean_of(difference->inputs[1]) == difference->inputs[0];
    return Norm{centered ? difference->inputs[0] : x, centered, sum->number};
  }

  const Graph& graph_;
};

// The one reader of node `id`, if it adds a row to it.
NodeId bias_reader(const Graph& graph, const Readers& readers, NodeId id, const Norm& norm,
                   ValueId& bias) {
  const ValueId scaled = graph.nodes[id].outputs[0];
  const NodeId reader = readers.sole(scaled);
  if (!norm.centered || reader == kNoNode) return kNoNode;
  const Node& add = graph.nodes[reader];
  if (!is_op(add, "Add") || add.opset < 7 || output_of(add, 0) == kNoValue) return kNoNode;
  bias = add.inputs[add.inputs[0] == scaled ? 1 : 0];
  return Matcher(graph).is_row(bias, norm.x) ? reader : kNoNode;
}

// False where the operator is not built.
Result<bool> rewrite(Graph& graph, NodeId id, const Norm& norm, ValueId scale) {
  const char* type = norm.centered ? "LayerNormalization" : "RMSNormalization";
  const int since = norm.centered ? 17 : 23;
  if (!find_operator("", type, since)) return false;
  Node& node = graph.nodes[id];
  node.inputs = {norm.x, scale};
  node.attributes = {};
  node.attributes.set("axis", int64_t{-1});
  node.attributes.set("epsilon", norm.epsilon);
  node.opset = std::max(node.opset, since);
  SX_TRY(retarget(graph, id, "", type));
  return true;
}

}  // namespace

Status pass_fuse_norm(Graph& graph, bool& changed) {
  const Readers readers(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    if (!is_op(node, "Mul") || node.opset < 7 || output_of(node, 0) == kNoValue) continue;
    for (size_t i = 0; i < 2; ++i) {
      const ValueId scale = node.inputs[i];
      const auto norm = Matcher(graph).match(node.inputs[1 - i]);
      if (!norm || !Matcher(graph).is_row(scale, norm->x)) continue;
      SX_ASSIGN(const bool rewritten, rewrite(graph, id, *norm, scale));
      if (!rewritten) continue;
      ValueId bias = kNoValue;
      const NodeId add = bias_reader(graph, readers, id, *norm, bias);
      if (add != kNoNode) {
        graph.nodes[id].inputs.push_back(bias);
        produce(graph, id, graph.nodes[add].outputs[0]);
        remove[add] = true;
      }
      changed = true;
      break;
    }
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
