#include "engine/passes/constant_folding.h"

#include <algorithm>

#include "engine/graph_edit.h"
#include "engine/infer.h"
#include "engine/passes/evaluate_node.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

// Outputs above this size are only made when the inputs are not smaller: a model must not grow.
constexpr size_t kMaxGrownBytes = size_t{4} << 20;

bool inputs_are_fixed(const Graph& graph, const Node& node, const NodeFacts& facts) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue || fixed_constant(graph, node.inputs[i])) continue;
    if (!(node.op->flags & kShapeOnly) || !facts.inputs[i].is_static()) return false;
  }
  return true;
}

bool outputs_are_foldable(const Graph& graph, const Node& node, const NodeFacts& facts) {
  size_t read = 0;
  size_t written = 0;
  for (ValueId input : node.inputs) {
    if (const ConstantPtr constant = fixed_constant(graph, input)) read += constant->payload.bytes;
  }
  for (const ValueFacts& output : facts.outputs) {
    if (!output.is_static()) return false;
    const auto bytes = storage_bytes(output.dtype, output.shape, Layout::kRowMajor);
    if (!bytes || dtype_bits(output.dtype) < 8 || needs_heap(output.kind, output.dtype)) {
      return false;
    }
    written += *bytes;
  }
  return !facts.outputs.empty() && (written <= kMaxGrownBytes || written <= read);
}

bool is_foldable(const Graph& graph, const Node& node, const NodeFacts& facts) {
  if (node.op->flags & (kNonDeterministic | kControlFlow)) return false;
  if ((node.op->flags & kAlias) && !fixed_constant(graph, input_of(node, 0))) return false;
  return inputs_are_fixed(graph, node, facts) && outputs_are_foldable(graph, node, facts);
}

void set_constant(Value& value, ConstantPtr constant) {
  value.dtype = constant->dtype;
  value.shape = constant->shape;
  value.has_shape = true;
  value.constant = std::move(constant);
  value.producer = kNoNode;
}

// Payloads that only removed nodes have read are freed at once: a chain of big weights must not
// pile up its intermediate results.
void release_inputs(Graph& graph, const Node& node, std::vector<uint32_t>& reads) {
  for (ValueId input : node.inputs) {
    if (input == kNoValue || --reads[input] > 0) continue;
    if (!graph.values[input].optional_input) graph.values[input].constant = nullptr;
  }
}

}  // namespace

Status fold_constant_nodes(Graph& graph, bool (*wanted)(const Node&), bool& changed) {
  std::vector<uint32_t> reads(graph.values.size(), 0);
  for (const Node& node : graph.nodes) {
    for (ValueId input : node.inputs) {
      if (input != kNoValue) ++reads[input];
    }
  }
  for (ValueId output : graph.outputs) ++reads[output];

  std::vector<bool> remove(graph.nodes.size(), false);
  NodeFacts facts;
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    // Shapes follow from the constants that were folded just before.
    SX_TRY(infer_node(graph, node, facts));
    record_outputs(graph, node, facts);
    if (!wanted(node) || !is_foldable(graph, node, facts)) continue;
    // A node that fails keeps its place: the failure belongs to the run, if that ever gets there.
    auto results = evaluate_node(graph, node, facts);
    if (!results.ok()) continue;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      set_constant(graph.values[node.outputs[i]], std::move((*results)[i]));
    }
    release_inputs(graph, node, reads);
    remove[id] = changed = true;
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
