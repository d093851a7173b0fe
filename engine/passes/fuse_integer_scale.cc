// MatMulInteger and ConvInteger whose sums are cast to float32 and multiplied by scales, with or
// without a bias behind: FusedMatMulInteger and FusedConvInteger.
#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

// The output of a product: its columns are one axis of it.
struct Columns {
  int64_t count = 0;
  int behind = 0;  // axes behind that of the columns
  int rank = 0;    // of the output
};

// Nodes that become one, and what they multiply and add.
struct Chain {
  Columns columns;
  NodeId last = kNoNode;
  std::vector<NodeId> between;  // the product, and what is before the last
  ValueId x_scale = kNoValue, w_scale = kNoValue, bias = kNoValue;
};

std::optional<Columns> columns_of(const Graph& graph, const Node& node) {
  if (output_of(node, 0) == kNoValue) return std::nullopt;
  const Value &w = graph.values[node.inputs[1]], &y = graph.values[node.outputs[0]];
  if (!w.has_shape || w.shape.rank() < 2 || !y.has_shape) return std::nullopt;
  const bool conv = is_op(node, "ConvInteger");
  const int behind = conv ? y.shape.rank() - 2 : 0;
  const int64_t count = w.shape[conv ? 0 : w.shape.rank() - 1];
  if (count == kUnknownDim || behind < 0 || y.shape.rank() <= behind) return std::nullopt;
  return Columns{count, behind, y.shape.rank()};
}

bool is_known_float(const Value& value) {
  return value.dtype == DType::kFloat32 && value.has_shape && value.shape.is_known();
}
bool is_scalar(const Graph& graph, ValueId id, const Columns& columns) {
  const Value& value = graph.values[id];
  return is_known_float(value) && value.shape.rank() <= columns.rank && value.shape.elements() == 1;
}

// True when `id` has one number for each column, as one that all rows share.
bool is_row(const Graph& graph, ValueId id, const Columns& columns) {
  const Value& value = graph.values[id];
  const int axis = value.shape.rank() - 1 - columns.behind;
  if (!is_known_float(value) || value.shape.rank() > columns.rank || axis < 0) return false;
  if (value.shape[axis] != columns.count || value.shape.elements() != columns.count) return false;
  return value.shape.rank() == 1 || fixed_floats(graph, id);
}

// A row as a value of rank 1.
Result<ValueId> flat_row(Graph& graph, ValueId id) {
  const ConstantPtr constant = fixed_floats(graph, id);
  if (graph.values[id].shape.rank() == 1 || !constant) return id;
  const TensorView view = constant->view();
  const auto count = static_cast<size_t>(view.elements());
  return add_constant(graph, graph.values[id].name + "/row", Shape{view.elements()},
                      {view.as<const float>(), count});
}

// The sole reader of `value`, when it is that operator and has one other operand.
NodeId next(const Graph& graph, ValueId value, std::string_view type, const Readers& readers,
            ValueId& other) {
  const NodeId id = readers.sole(value);
  if (id == kNoNode) return kNoNode;
  const Node& node = graph.nodes[id];
  if (!is_op(node, type) || node.opset < 7 || node.inputs.size() != 2) return kNoNode;
  if (output_of(node, 0) == kNoValue) return kNoNode;
  other = node.inputs[node.inputs[0] == value ? 1 : 0];
  return id;
}

// Factors of the sums: a scalar times a row or a scalar, or one of these alone.
Result<bool> match_scales(Graph& graph, ValueId factor, Chain& chain) {
  const Columns& columns = chain.columns;
  const NodeId producer = graph.values[factor].producer;
  if (producer != kNoNode && is_op(graph.nodes[producer], "Mul") &&
      graph.nodes[producer].opset >= 7) {
    const std::vector<ValueId> inputs = graph.nodes[producer].inputs;
    for (size_t i = 0; i < 2; ++i) {
      const ValueId x = inputs[i], w = inputs[1 - i];
      if (!is_scalar(graph, x, columns)) continue;
      if (!is_scalar(graph, w, columns) && !is_row(graph, w, columns)) continue;
      chain.x_scale = x;
      SX_ASSIGN(chain.w_scale, flat_row(graph, w));
      return true;
    }
  }
  if (!is_scalar(graph, factor, columns) && !is_row(graph, factor, columns)) return false;
  const float one = 1;
  SX_ASSIGN(chain.x_scale,
            add_constant(graph, graph.values[factor].name + "/one", Shape{}, {&one, 1}));
  SX_ASSIGN(chain.w_scale, flat_row(graph, factor));
  return true;
}

Result<bool> match(Graph& graph, NodeId id, const Readers& readers, Chain& chain) {
  const Node& node = graph.nodes[id];
  if (!is_op(node, "MatMulInteger") && !is_op(node, "ConvInteger")) return false;
  const auto columns = columns_of(graph, node);
  if (!columns) return false;
  chain.columns = *columns;
  const NodeId cast = readers.sole(node.outputs[0]);
  if (cast == kNoNode || !is_op(graph.nodes[cast], "Cast")) return false;
  const ValueId floats = output_of(graph.nodes[cast], 0);
  if (floats == kNoValue || graph.values[floats].dtype != DType::kFloat32) return false;
  ValueId factor = kNoValue, bias = kNoValue;
  chain.last = next(graph, floats, "Mul", readers, factor);
  if (chain.last == kNoNode) return false;
  chain.between = {id, cast};
  SX_ASSIGN(const bool scales, match_scales(graph, factor, chain));
  if (!scales) return false;
  const NodeId add = next(graph, graph.nodes[chain.last].outputs[0], "Add", readers, bias);
  if (add == kNoNode || !is_row(graph, bias, chain.columns)) return true;
  SX_ASSIGN(chain.bias, flat_row(graph, bias));
  chain.between.push_back(chain.last);
  chain.last = add;
  return true;
}

// The product moves behind whatever computes its scales and its bias.
Status rewrite(Graph& graph, NodeId id, const Chain& chain) {
  const ValueId output = graph.nodes[chain.last].outputs[0];
  const bool conv = is_op(graph.nodes[id], "ConvInteger");
  graph.nodes[chain.last] = graph.nodes[id];
  SX_TRY(retarget(graph, chain.last, "sardonyx", conv ? "FusedConvInteger" : "FusedMatMulInteger"));
  Node& fused = graph.nodes[chain.last];
  const ValueId x_zero = input_of(fused, 2), w_zero = input_of(fused, 3);
  fused.inputs = {fused.inputs[0], chain.x_scale, x_zero,    fused.inputs[1],
                  chain.w_scale,   w_zero,        chain.bias};
  fused.outputs[0] = output;
  return {};
}

}  // namespace

Status pass_fuse_integer_scale(Graph& graph, bool& changed) {
  const Readers readers(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    Chain chain;
    SX_ASSIGN(const bool matches, match(graph, id, readers, chain));
    if (!matches) continue;
    SX_TRY(rewrite(graph, id, chain));
    for (NodeId node : chain.between) remove[node] = true;
    changed = true;
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
