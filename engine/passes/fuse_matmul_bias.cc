// MatMul followed by Add of a constant row: one Gemm of two matrices, or one sardonyx.FusedMatMul
// of a stack of matrices and a constant one.
#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

int float_rank(const Graph& graph, ValueId id) {
  const Value& value = graph.values[id];
  return value.dtype == DType::kFloat32 && value.has_shape ? value.shape.rank() : 0;
}

// Constant of shape [columns] or, for a matrix, [1, columns].
bool is_row(const Graph& graph, ValueId id, int64_t columns, int max_rank) {
  const ConstantPtr constant = fixed_floats(graph, id);
  if (!constant || constant->shape.rank() < 1 || constant->shape.rank() > max_rank) return false;
  const Shape& shape = constant->shape;
  return shape[shape.rank() - 1] == columns && (shape.rank() == 1 || shape[0] == 1);
}

// The Add that follows node `id`, and its other operand, when both can become one node.
NodeId bias_reader(const Graph& graph, NodeId id, const Readers& readers, ValueId& bias) {
  const Node& node = graph.nodes[id];
  if (!is_op(node, "MatMul") || node.inputs.size() != 2 || node.opset < 7) return kNoNode;
  if (output_of(node, 0) == kNoValue) return kNoNode;
  const int rank = float_rank(graph, node.inputs[0]);
  if (rank < 2 || float_rank(graph, node.inputs[1]) != 2) return kNoNode;
  if (rank > 2 && !has_fixed_value(graph, node.inputs[1])) return kNoNode;
  const int64_t columns = graph.values[node.inputs[1]].shape[1];
  const NodeId reader = readers.sole(node.outputs[0]);
  if (columns < 1 || reader == kNoNode) return kNoNode;
  const Node& add = graph.nodes[reader];
  if (!is_op(add, "Add") || add.inputs.size() != 2) return kNoNode;
  if (output_of(add, 0) == kNoValue) return kNoNode;
  bias = add.inputs[add.inputs[0] == node.outputs[0] ? 1 : 0];
  return is_row(graph, bias, columns, rank == 2 ? 2 : 1) ? reader : kNoNode;
}

}  // namespace

Status pass_fuse_matmul_bias(Graph& graph, bool& changed) {
  const Readers readers(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    ValueId bias = kNoValue;
    const NodeId add = bias_reader(graph, id, readers, bias);
    if (add == kNoNode) continue;
    const bool matrices = float_rank(graph, graph.nodes[id].inputs[0]) == 2;
    SX_TRY(matrices ? retarget(graph, id, "", "Gemm")
                    : retarget(graph, id, "sardonyx", "FusedMatMul"));
    graph.nodes[id].inputs.push_back(bias);
    produce(graph, id, graph.nodes[add].outputs[0]);
    remove[add] = changed = true;
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
