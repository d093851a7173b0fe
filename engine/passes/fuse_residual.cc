// Conv followed by Add of a tensor of the same shape: FusedConv with the tensor as its input Z.
#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

constexpr size_t kInputZ = 3;

// A convolution whose output only the given Add reads.
bool is_open_conv(const Graph& graph, NodeId id, const Readers& readers) {
  if (id == kNoNode) return false;
  const Node& node = graph.nodes[id];
  return is_op(node, "Conv") && input_of(node, kInputZ) == kNoValue &&
         readers.sole(node.outputs[0]) != kNoNode;
}

// The operand of `add` to fuse into; the later one of two convolutions, whose output is still warm.
// 2 when there is none.
size_t conv_operand(const Graph& graph, const Node& add, const Readers& readers) {
  NodeId best = kNoNode;
  size_t operand = 2;
  for (size_t i = 0; i < 2; ++i) {
    const NodeId producer = graph.values[add.inputs[i]].producer;
    if (!is_open_conv(graph, producer, readers)) continue;
    if (best != kNoNode && producer < best) continue;
    best = producer;
    operand = i;
  }
  return operand;
}

bool is_plain_add(const Graph& graph, const Node& node) {
  if (!is_op(node, "Add") || node.inputs.size() != 2 || node.opset < 7) return false;
  const Value& a = graph.values[node.inputs[0]];
  const Value& b = graph.values[node.inputs[1]];
  return a.dtype == DType::kFloat32 && b.dtype == DType::kFloat32 && same_static_shape(a, b);
}

}  // namespace

Status pass_fuse_residual(Graph& graph, bool& changed) {
  if (!find_operator("com.microsoft", "FusedConv", 1)) return {};
  const Readers readers(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    if (!is_plain_add(graph, graph.nodes[id])) continue;
    const size_t operand = conv_operand(graph, graph.nodes[id], readers);
    if (operand == 2) continue;
    const ValueId z = graph.nodes[id].inputs[1 - operand];
    const ValueId output = graph.nodes[id].outputs[0];
    const NodeId conv = graph.values[graph.nodes[id].inputs[operand]].producer;
    // The fused node takes the place of the Add: Z may be computed after the convolution's inputs.
    Node fused = graph.nodes[conv];
    fused.inputs.resize(kInputZ + 1, kNoValue);
    fused.inputs[kInputZ] = z;
    fused.outputs[0] = output;
    graph.nodes[id] = std::move(fused);
    SX_TRY(retarget(graph, id, "com.microsoft", "FusedConv"));
    remove[conv] = changed = true;
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
