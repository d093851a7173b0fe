#include "engine/passes/quantized.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

bool is_byte(DType dtype) {
  return dtype == DType::kInt8 || dtype == DType::kUint8;
}

bool usable_scale(const ConstantPtr& scale) {
  if (!scale || scale->shape.rank() > 1) return false;
  const TensorView view = scale->view();
  const float* data = view.as<float>();
  return view.elements() > 0 && std::all_of(data, data + view.elements(), [](float value) {
           return std::isfinite(value) && value > 0;
         });
}

// The parameters of `node`; `q` is the quantized side.
std::optional<QuantizedValue> parameters(const Graph& graph, const Node& node, ValueId q) {
  if (q == kNoValue || !is_byte(graph.values[q].dtype)) return std::nullopt;
  if (node.attributes.get_int("block_size", 0) != 0) return std::nullopt;
  const ConstantPtr scale = fixed_floats(graph, input_of(node, 1));
  if (!usable_scale(scale)) return std::nullopt;
  QuantizedValue out{q, node.inputs[1], input_of(node, 2), scale->view().elements(),
                     node.attributes.get_int("axis", 1)};
  if (out.zero == kNoValue) return out;
  const ConstantPtr zero = fixed_constant(graph, out.zero);
  if (!zero || zero->dtype != graph.values[q].dtype || zero->view().elements() != out.channels) {
    return std::nullopt;
  }
  return out;
}

int32_t zero_of(const Graph& graph, const QuantizedValue& value) {
  if (value.zero == kNoValue) return 0;
  const ConstantPtr zero = fixed_constant(graph, value.zero);
  return zero->dtype == DType::kInt8 ? *zero->view().as<int8_t>() : *zero->view().as<uint8_t>();
}

}  // namespace

std::optional<QuantizedValue> dequantized(const Graph& graph, ValueId value) {
  if (value == kNoValue || graph.values[value].dtype != DType::kFloat32) return std::nullopt;
  const NodeId producer = graph.values[value].producer;
  if (producer == kNoNode || !is_op(graph.nodes[producer], "DequantizeLinear")) return std::nullopt;
  return parameters(graph, graph.nodes[producer], input_of(graph.nodes[producer], 0));
}

std::optional<QuantizedValue> quantized(const Graph& graph, const Node& node) {
  const ValueId x = input_of(node, 0);
  if (!is_op(node, "QuantizeLinear") || x == kNoValue) return std::nullopt;
  if (graph.values[x].dtype != DType::kFloat32) return std::nullopt;
  return parameters(graph, node, output_of(node, 0));
}

bool same_quantization(const Graph& graph, const QuantizedValue& a, const QuantizedValue& b) {
  if (!is_per_tensor(a) || !is_per_tensor(b)) return false;
  if (graph.values[a.q].dtype != graph.values[b.q].dtype) return false;
  return fixed_scalar(graph, a.scale) == fixed_scalar(graph, b.scale) &&
         zero_of(graph, a) == zero_of(graph, b);
}

}  // namespace sardonyx
