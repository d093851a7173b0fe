// Moves a per-channel scale and shift (BatchNormalization, Add, Sub, Mul, Div with constants) that
// follows a Conv, ConvTranspose or Gemm into its weights and bias.
//
//   scale·(W∗x + b) + shift = (scale·W)∗x + (scale·b + shift)
#include <algorithm>
#include <cmath>

#include "engine/graph_edit.h"
#include "engine/passes/channel_affine.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

// How the channels of the output lie in the weights of a node.
struct Weights {
  ConstantPtr constant;
  int64_t channels = 0;
  int64_t inner = 0;  // neighbouring elements that belong to one channel
  int rank = 0;       // of the node's output
  // Of a ConvTranspose with groups: rows of weights, and the channels that each of these has.
  int64_t group_rows = INT64_MAX, group_channels = channels;

  int64_t channel_of(int64_t element) const {
    const int64_t row = element / inner / group_channels;
    return row / group_rows * group_channels + element / inner % group_channels;
  }
};

// Conv: [M, C/g, k…], a row per channel. ConvTranspose: [C, M/g, k…]. Gemm: [K, N], or [N, K] with
// transB.
std::optional<Weights> weights_of(const Graph& graph, const Node& node) {
  if (!node.domain.empty()) return std::nullopt;
  const ConstantPtr constant = fixed_floats(graph, input_of(node, 1));
  if (!constant || constant->shape.rank() < 2) return std::nullopt;
  const Shape& shape = constant->shape;
  if (shape.elements().value_or(0) <= 0) return std::nullopt;
  const int rank = shape.rank();
  if (node.type == "Conv") return Weights{constant, shape[0], shape.product(1, rank), rank};
  if (node.type == "ConvTranspose") {
    const int64_t groups = node.attributes.get_int("group", 1), channels = shape[1];
    if (groups < 1 || shape[0] % groups != 0) return std::nullopt;
    return Weights{constant, channels * groups, shape.product(2, rank),
                   rank,     shape[0] / groups, channels};
  }
  if (node.type != "Gemm" || rank != 2 || node.opset < 7) return std::nullopt;
  if (node.attributes.get_int("transB", 0) == 0) return Weights{constant, shape[1], 1, rank};
  return Weights{constant, shape[0], shape[1], rank};
}

// The bias, one number per channel, times Gemm's beta; nullopt when it can not be seen as one.
std::optional<std::vector<double>> bias_of(const Graph& graph, const Node& node,
                                           const Weights& weights) {
  std::vector<double> bias(static_cast<size_t>(weights.channels), 0.0);
  if (input_of(node, 2) == kNoValue) return bias;
  const ConstantPtr constant = fixed_floats(graph, node.inputs[2]);
  if (!constant) return std::nullopt;
  const TensorView view = constant->view();
  const bool one = view.elements() == 1;
  if (!one && (view.elements() != weights.channels ||
               view.shape[view.shape.rank() - 1] != weights.channels)) {
    return std::nullopt;
  }
  const double beta =
      node.type == "Gemm" ? static_cast<double>(node.attributes.get_float("beta", 1.0f)) : 1.0;
  for (size_t c = 0; c < bias.size(); ++c) bias[c] = beta * double{view.as<float>()[one ? 0 : c]};
  return bias;
}

Result<ValueId> scaled_weights(Graph& graph, ValueId id, const Weights& weights,
                               const std::vector<double>& scale) {
  SX_ASSIGN(const std::shared_ptr<Constant> scaled,
            make_constant(DType::kFloat32, weights.constant->shape));
  const float* from = weights.constant->view().as<float>();
  float* to = scaled->view().as<float>();
  const int64_t elements = weights.constant->view().elements();
  for (int64_t i = 0; i < elements; ++i) {
    to[i] = static_cast<float>(double{from[i]} * scale[static_cast<size_t>(weights.channel_of(i))]);
  }
  Value value = graph.values[id];
  value.producer = kNoNode;
  value.constant = scaled;
  return graph.add_value(std::move(value));
}

// Weights that no other node reads are released at once.
Status apply(Graph& graph, NodeId id, const Weights& weights, std::vector<double> bias,
             const ChannelAffine& affine, const Readers& readers) {
  for (size_t c = 0; c < bias.size(); ++c) bias[c] = affine.scale[c] * bias[c] + affine.shift[c];
  const std::vector<float> rounded(bias.begin(), bias.end());
  const std::string& name = graph.values[graph.nodes[id].outputs[0]].name;
  SX_ASSIGN(const ValueId new_bias,
            add_constant(graph, name + ".bias", Shape{weights.channels}, rounded));
  const auto is_one = [](double s) { return s == 1.0; };
  ValueId new_weights = graph.nodes[id].inputs[1];
  if (!std::all_of(affine.scale.begin(), affine.scale.end(), is_one)) {
    const ValueId old_weights = new_weights;
    SX_ASSIGN(new_weights, scaled_weights(graph, old_weights, weights, affine.scale));
    if (readers.count(old_weights) == 1) graph.values[old_weights].constant = nullptr;
  }
  Node& node = graph.nodes[id];
  node.inputs.resize(3, kNoValue);
  node.inputs[1] = new_weights;
  node.inputs[2] = new_bias;
  if (node.type == "Gemm") node.attributes.set("beta", 1.0f);
  return {};
}

// Folds the one reader of the node's output into the node; kNoNode when there is nothing to fold.
Result<NodeId> fold_reader(Graph& graph, NodeId id, const Readers& readers) {
  const Node& node = graph.nodes[id];
  const ValueId output = output_of(node, 0);
  if (output == kNoValue) return kNoNode;
  const NodeId reader = readers.sole(output);
  if (reader == kNoNode || output_of(graph.nodes[reader], 0) == kNoValue) return kNoNode;
  const auto weights = weights_of(graph, node);
  if (!weights) return kNoNode;
  const auto affine =
      channel_affine(graph, graph.nodes[reader], output, weights->channels, weights->rank);
  if (!affine) return kNoNode;
  auto bias = bias_of(graph, node, *weights);
  if (!bias) return kNoNode;
  SX_TRY(apply(graph, id, *weights, std::move(*bias), *affine, readers));
  produce(graph, id, graph.nodes[reader].outputs[0]);
  return reader;
}

}  // namespace

Status pass_fold_batch_norm(Graph& graph, bool& changed) {
  const Readers readers(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    while (!remove[id]) {
      SX_ASSIGN(const NodeId folded, fold_reader(graph, id, readers));
      if (folded == kNoNode) break;
      remove[folded] = changed = true;
    }
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
