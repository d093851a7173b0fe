// Conv followed by the Add of another value of its shape: com.microsoft.FusedConv with that value
// as input Z.
#include "engine/graph_edit.h"
#include "engine/passes/dim_origins.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

constexpr size_t kBias = 2;

// The convolution that produces operand `i` of an Add, for nothing else, and can add the other one.
NodeId convolution_of(const Graph& graph, NodeId add, size_t i, const Readers& readers,
                      const DimOrigins& dims) {
  const ValueId sum = graph.nodes[add].inputs[i], other = graph.nodes[add].inputs[1 - i];
  const NodeId id = graph.values[sum].producer;
  if (id == kNoNode || readers.sole(sum) != add) return kNoNode;
  const bool fits = is_op(graph.nodes[id], "Conv") && graph.values[sum].dtype == DType::kFloat32 &&
                    dims.same_shape(sum, other);
  return fits ? id : kNoNode;
}

NodeId convolution_of(const Graph& graph, NodeId add, const Readers& readers,
                      const DimOrigins& dims, ValueId& other) {
  const Node& node = graph.nodes[add];
  if (!is_op(node, "Add") || node.opset < 7 || node.inputs.size() != 2) return kNoNode;
  if (output_of(node, 0) == kNoValue) return kNoNode;
  for (size_t i = 0; i < 2; ++i) {
    const NodeId id = convolution_of(graph, add, i, readers, dims);
    other = node.inputs[1 - i];
    if (id != kNoNode) return id;
  }
  return kNoNode;
}

}  // namespace

Status pass_fuse_residual(Graph& graph, bool& changed) {
  const Readers readers(graph);
  const DimOrigins dims(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId add = 0; add < graph.nodes.size(); ++add) {
    ValueId other = kNoValue;
    const NodeId id = convolution_of(graph, add, readers, dims, other);
    if (id == kNoNode || remove[id] || !find_operator("com.microsoft", "FusedConv", 1)) continue;
    // The convolution moves behind whatever computes the other operand.
    const ValueId output = graph.nodes[add].outputs[0];
    graph.nodes[add] = graph.nodes[id];
    SX_TRY(retarget(graph, add, "com.microsoft", "FusedConv"));
    Node& fused = graph.nodes[add];
    if (fused.inputs.size() == kBias) fused.inputs.push_back(kNoValue);
    fused.inputs.push_back(other);
    fused.outputs[0] = output;
    remove[id] = changed = true;
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
