// Conv, MatMul and Gemm of dequantized operands, quantized again: FusedQLinearConv and
// FusedQLinearMatMul. A Relu or Clip in between becomes the bounds of the integers, a LeakyRelu a
// factor of what is below zero.
#include <algorithm>
#include <cstring>

#include "engine/graph_edit.h"
#include "engine/passes/evaluate_node.h"
#include "engine/passes/pattern.h"
#include "engine/passes/quantized.h"
#include "simd/integer_gemm.h"

namespace sardonyx {
namespace {

// What follows a product: a bias added by a node of its own, an activation, a QuantizeLinear.
struct Ending {
  ValueId bias = kNoValue;
  std::string activation;
  std::vector<float> parameters;  // of the activation
  QuantizedValue output;
  std::vector<NodeId> nodes;  // to remove
};

// A product that can be computed in integers.
struct Product {
  std::string_view type;
  QuantizedValue x, w;
  ValueId bias = kNoValue;  // float32 [columns], constant
  Ending ending;
};

// `value` as a float32 constant of `columns` elements in one row, or kNoValue. Axes beyond those of
// the product's output would add some to it.
Result<ValueId> bias_row(Graph& graph, ValueId value, int64_t columns, const Value& output) {
  ConstantPtr constant = fixed_floats(graph, value);
  if (!constant) {
    const NodeId producer = graph.values[value].producer;
    if (producer == kNoNode || !is_op(graph.nodes[producer], "DequantizeLinear")) return kNoValue;
    const Node& node = graph.nodes[producer];
    for (ValueId input : node.inputs) {
      if (input != kNoValue && !fixed_constant(graph, input)) return kNoValue;
    }
    NodeFacts facts;
    SX_TRY(infer_node(graph, node, facts));
    if (facts.outputs[0].dtype != DType::kFloat32) return kNoValue;
    auto results = evaluate_node(graph, node, facts);
    if (!results.ok()) return kNoValue;
    constant = (*results)[0];
  }
  const TensorView view = constant->view();
  const int rank = view.shape.rank();
  if (view.elements() != columns || rank < 1 || view.shape[rank - 1] != columns) return kNoValue;
  if (!output.has_shape || rank > output.shape.rank()) return kNoValue;
  return add_constant(graph, graph.values[value].name + "/row", Shape{columns},
                      {view.as<const float>(), static_cast<size_t>(columns)});
}

// Follows `value` while each step has one reader.
std::optional<Ending> find_ending(const Graph& graph, ValueId value, bool may_add,
                                  const Readers& readers) {
  Ending ending;
  for (NodeId id = readers.sole(value); id != kNoNode; id = readers.sole(value)) {
    const Node& node = graph.nodes[id];
    if (output_of(node, 0) == kNoValue) return std::nullopt;
    ending.nodes.push_back(id);
    if (const auto output = quantized(graph, node)) {
      if (!is_per_tensor(*output) || input_of(node, 0) != value) return std::nullopt;
      // A missing zero point stands for uint8.
      if (output->zero == kNoValue && graph.values[output->q].dtype != DType::kUint8) {
        return std::nullopt;
      }
      ending.output = *output;
      return ending;
    }
    const bool first = ending.activation.empty();
    if (is_op(node, "Add") && node.inputs.size() == 2 && may_add && first &&
        ending.bias == kNoValue) {
      ending.bias = node.inputs[node.inputs[0] == value ? 1 : 0];
    } else if (is_op(node, "Relu") && first) {
      ending.activation = "Relu";
    } else if (is_op(node, "Clip") && first && input_of(node, 0) == value) {
      const auto bounds = clip_bounds(graph, node);
      if (!bounds) return std::nullopt;
      ending.activation = "Clip";
      ending.parameters = *bounds;
    } else if (is_op(node, "LeakyRelu") && first) {
      const float slope = node.attributes.get_float("alpha", 0.01f);
      if (!(slope >= 0 && slope <= 1)) return std::nullopt;
      ending.activation = "LeakyRelu";
      ending.parameters = {slope};
    } else {
      return std::nullopt;
    }
    value = node.outputs[0];
  }
  return std::nullopt;
}

bool has_axis(const QuantizedValue& value, int64_t axis, int64_t rank) {
  return is_per_tensor(value) || value.axis == axis || value.axis == axis - rank;
}

// The shape of the weights; of rank 0 when it is not known.
Shape weight_shape(const Graph& graph, const Product& product) {
  const Value& w = graph.values[product.w.q];
  return w.has_shape && w.shape.is_known() ? w.shape : Shape();
}

// True without a bias, and with one that is a row of constants.
Result<bool> match_bias(Graph& graph, const Node& node, ValueId bias, int64_t columns,
                        Product& product) {
  if (bias == kNoValue) return true;
  SX_ASSIGN(product.bias, bias_row(graph, bias, columns, graph.values[node.outputs[0]]));
  return product.bias != kNoValue;
}

Result<bool> match_conv(Graph& graph, const Node& node, Product& product) {
  const Shape w = weight_shape(graph, product);
  if (w.rank() < 3 || w.rank() > 4) return false;
  if (w.product(1, w.rank()) > simd::kIntegerDepthLimit) return false;
  if (!has_axis(product.w, 0, w.rank())) return false;
  product.type = "FusedQLinearConv";
  return match_bias(graph, node, input_of(node, 2), w[0], product);
}

// B [columns, k] as [k, columns].
Result<ValueId> transposed(Graph& graph, const QuantizedValue& b) {
  const ConstantPtr from = fixed_constant(graph, b.q);
  const int64_t columns = from->shape[0], k = from->shape[1];
  SX_ASSIGN(const std::shared_ptr<Constant> to, make_constant(from->dtype, Shape{k, columns}));
  const auto* in = from->view().as<const uint8_t>();
  auto* out = to->view().as<uint8_t>();
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = 0; j < columns; ++j) out[i * columns + j] = in[j * k + i];
  }
  Value value;
  value.name = graph.values[b.q].name + "/transposed";
  value.dtype = to->dtype;
  value.has_shape = true;
  value.shape = to->shape;
  value.constant = to;
  return graph.add_value(std::move(value));
}

// Gemm with A as it is and no factors; MatMul by a matrix.
Result<bool> match_matmul(Graph& graph, const Node& node, Product& product) {
  const Shape w = weight_shape(graph, product);
  if (w.rank() != 2) return false;
  const bool gemm = node.type == "Gemm";
  const bool transpose = gemm && node.attributes.get_int("transB", 0) != 0;
  if (gemm && (node.attributes.get_int("transA", 0) != 0 || node.opset < 7 ||
               node.attributes.get_float("alpha", 1.0f) != 1.0f ||
               node.attributes.get_float("beta", 1.0f) != 1.0f)) {
    return false;
  }
  const int64_t columns = w[transpose ? 0 : 1], k = w[transpose ? 1 : 0];
  if (k > simd::kIntegerDepthLimit || !has_axis(product.w, transpose ? 0 : 1, 2)) return false;
  if (transpose && !fixed_constant(graph, product.w.q)) return false;
  product.type = "FusedQLinearMatMul";
  const ValueId bias = gemm ? input_of(node, 2) : product.ending.bias;
  SX_ASSIGN(const bool matches, match_bias(graph, node, bias, columns, product));
  if (matches && transpose) {
    SX_ASSIGN(product.w.q, transposed(graph, product.w));
  }
  return matches;
}

Result<bool> match(Graph& graph, NodeId id, const Readers& readers, Product& product) {
  const Node node = graph.nodes[id];
  const bool conv = is_op(node, "Conv"), matmul = is_op(node, "MatMul");
  if (!conv && !matmul && !is_op(node, "Gemm")) return false;
  const auto x = dequantized(graph, input_of(node, 0)), w = dequantized(graph, input_of(node, 1));
  if (!x || !w || !is_per_tensor(*x) || output_of(node, 0) == kNoValue) return false;
  auto ending = find_ending(graph, node.outputs[0], matmul, readers);
  if (!ending) return false;
  product.x = *x;
  product.w = *w;
  product.ending = std::move(*ending);
  return conv ? match_conv(graph, node, product) : match_matmul(graph, node, product);
}

Status rewrite(Graph& graph, NodeId id, Product& product) {
  const Ending& ending = product.ending;
  SX_TRY(retarget(graph, id, "sardonyx", product.type));
  Node& node = graph.nodes[id];
  node.inputs = {product.x.q,         product.x.scale,    product.x.zero,
                 product.w.q,         product.w.scale,    product.w.zero,
                 ending.output.scale, ending.output.zero, product.bias};
  if (!ending.activation.empty()) {
    node.attributes.set("activation", ending.activation);
    node.attributes.set("activation_params", ending.parameters);
  }
  produce(graph, id, ending.output.q);
  return {};
}

}  // namespace

Status pass_fold_quantized_products(Graph& graph, bool& changed) {
  const Readers readers(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    Product product;
    SX_ASSIGN(const bool matches, match(graph, id, readers, product));
    if (!matches) continue;
    SX_TRY(rewrite(graph, id, product));
    for (NodeId node : product.ending.nodes) remove[node] = true;
    changed = true;
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
