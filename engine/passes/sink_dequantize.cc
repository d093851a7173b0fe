// Operators that only move elements, or choose the largest, work on quantized tensors as they do on
// floats: DequantizeLinear goes behind them, where a QuantizeLinear may be waiting. A Concat of
// tensors with different scales, or of products that may end in integers, takes the QuantizeLinear
// behind it instead, once per operand.
#include <algorithm>
#include <array>

#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"
#include "engine/passes/quantized.h"

namespace sardonyx {
namespace {

constexpr std::array<std::string_view, 13> kMoving{
    "Reshape", "Flatten", "Squeeze", "Unsqueeze",    "Transpose",    "Slice", "Gather",
    "MaxPool", "Concat",  "Resize",  "DepthToSpace", "SpaceToDepth", "Expand"};

// Windows that lie in the padding have no largest element. With ceil_mode the last one begins up to
// stride - 1 places beyond where it would end with the padding.
bool windows_meet_input(const Node& node) {
  const auto kernel = node.attributes.get_ints("kernel_shape"),
             pads = node.attributes.get_ints("pads"), strides = node.attributes.get_ints("strides"),
             dilations = node.attributes.get_ints("dilations");
  const bool ceil = node.attributes.get_int("ceil_mode", 0) != 0;
  const auto at = [](std::span<const int64_t> values, size_t i, int64_t otherwise) {
    return i < values.size() ? values[i] : otherwise;
  };
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t begin = at(pads, i, 0), end = at(pads, i + kernel.size(), 0);
    const int64_t beyond = ceil ? at(strides, i, 1) - 1 : 0;
    if (begin >= kernel[i] || end + beyond >= kernel[i]) return false;
    if ((begin > 0 || end > 0 || ceil) && at(dilations, i, 1) != 1) return false;
  }
  return true;
}

bool only_moves(const Node& node) {
  if (!node.domain.empty() || node.outputs.size() != 1 || node.outputs[0] == kNoValue) {
    return false;
  }
  if (std::find(kMoving.begin(), kMoving.end(), node.type) == kMoving.end()) return false;
  if (node.type == "MaxPool") return windows_meet_input(node);
  if (node.type != "Resize") return true;
  return node.attributes.get_string("mode", "nearest") == "nearest" &&
         node.attributes.get_string("coordinate_transformation_mode", "") != "tf_crop_and_resize";
}

// Operators that may make more elements than they read pay when the result stays quantized.
bool may_enlarge(const Node& node) {
  return node.type == "Resize" || node.type == "Expand" || node.type == "Gather";
}

bool stays_quantized(const Graph& graph, ValueId output, const Readers& readers) {
  const auto nodes = readers.of(output);
  return readers.count(output) == nodes.size() &&
         std::all_of(nodes.begin(), nodes.end(), [&](NodeId id) {
           return is_op(graph.nodes[id], "QuantizeLinear") || only_moves(graph.nodes[id]);
         });
}

size_t data_inputs(const Node& node) {
  return node.type == "Concat" ? node.inputs.size() : 1;
}

// The operands as per-tensor quantized values; empty when one is not.
std::vector<QuantizedValue> operands(const Graph& graph, const Node& node) {
  std::vector<QuantizedValue> out;
  for (size_t i = 0; i < data_inputs(node); ++i) {
    const auto source = dequantized(graph, input_of(node, i));
    if (!source || !is_per_tensor(*source)) return {};
    out.push_back(*source);
  }
  return out;
}

// node(DequantizeLinear(q)…) becomes DequantizeLinear(node(q…)).
void sink(Graph& graph, NodeId id, const std::vector<QuantizedValue>& sources) {
  const QuantizedValue& source = sources[0];
  const ValueId output = graph.nodes[id].outputs[0];
  std::vector<ValueId> inputs{kNoValue, source.scale};
  if (source.zero != kNoValue) inputs.push_back(source.zero);
  const NodeId dequantizer = graph.values[graph.nodes[id].inputs[0]].producer;
  const ValueId moved =
      append_copy(graph, dequantizer, std::move(inputs), graph.values[source.q].dtype);
  // The new node takes over the old value, the old node writes the new one.
  const auto last = static_cast<NodeId>(graph.nodes.size() - 1);
  graph.nodes[last].inputs[0] = moved;
  graph.nodes[last].outputs[0] = output;
  graph.values[output].producer = last;
  graph.nodes[id].outputs[0] = moved;
  graph.values[moved].producer = id;
  for (size_t i = 0; i < sources.size(); ++i) graph.nodes[id].inputs[i] = sources[i].q;
}

// The QuantizeLinear that alone reads a Concat.
NodeId sole_quantizer(const Graph& graph, const Node& node, const Readers& readers) {
  const NodeId reader = readers.sole(node.outputs[0]);
  if (reader == kNoNode) return kNoNode;
  const auto target = quantized(graph, graph.nodes[reader]);
  return target && is_per_tensor(*target) ? reader : kNoNode;
}

// Whether fold_quantized_products may find a product of integers before `value`, which one operator
// reads.
bool ends_product(const Graph& graph, ValueId value, const Readers& readers) {
  for (int steps = 0; steps < 2 && readers.sole(value) != kNoNode; ++steps) {
    const NodeId producer = graph.values[value].producer;
    if (producer == kNoNode) return false;
    const Node& node = graph.nodes[producer];
    value = input_of(node, 0);
    if (is_op(node, "Conv") || is_op(node, "MatMul") || is_op(node, "Gemm")) {
      return dequantized(graph, value).has_value();
    }
    if (!is_op(node, "Relu") && !is_op(node, "Clip") && !is_op(node, "LeakyRelu")) return false;
  }
  return false;
}

// A Concat of which every operand may be one of integers.
bool joins_products(const Graph& graph, const Node& node, const Readers& readers) {
  return is_op(node, "Concat") &&
         std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId input) { return ends_product(graph, input, readers); });
}

// QuantizeLinear(Concat(x…)) becomes Concat(QuantizeLinear(x)…).
void hoist(Graph& graph, NodeId id, NodeId quantizer) {
  const ValueId output = graph.nodes[quantizer].outputs[0];
  for (size_t i = 0; i < graph.nodes[id].inputs.size(); ++i) {
    std::vector<ValueId> inputs = graph.nodes[quantizer].inputs;
    inputs[0] = graph.nodes[id].inputs[i];
    graph.nodes[id].inputs[i] =
        append_copy(graph, quantizer, std::move(inputs), graph.values[output].dtype);
  }
  graph.nodes[id].outputs[0] = output;
}

}  // namespace

Status pass_sink_dequantize(Graph& graph, bool& changed) {
  const Readers readers(graph);
  std::vector<NodeId> hoisted;
  const size_t count = graph.nodes.size();
  for (NodeId id = 0; id < count; ++id) {
    const Node& node = graph.nodes[id];
    if (!only_moves(node)) continue;
    const std::vector<QuantizedValue> sources = operands(graph, node);
    if (sources.empty() && !joins_products(graph, node, readers)) continue;
    const bool alike = !sources.empty() &&
                       std::all_of(sources.begin(), sources.end(), [&](const QuantizedValue& q) {
                         return same_quantization(graph, q, sources[0]);
                       });
    if (alike && may_enlarge(node) && !stays_quantized(graph, node.outputs[0], readers)) continue;
    const NodeId quantizer = alike ? kNoNode : sole_quantizer(graph, node, readers);
    if (!alike && quantizer == kNoNode) continue;
    if (alike) {
      sink(graph, id, sources);
    } else {
      hoist(graph, id, quantizer);
      hoisted.push_back(quantizer);
    }
    changed = true;
  }
  if (!changed) return {};
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id : hoisted) remove[id] = true;
  erase_nodes(graph, remove);
  return normalize(graph);
}

}  // namespace sardonyx
