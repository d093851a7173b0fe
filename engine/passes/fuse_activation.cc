// Conv, Gemm or FusedMatMul followed by an activation: FusedConv, FusedGemm or FusedMatMul with the
// activation as attributes "activation" and "activation_params".
#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

struct Activation {
  std::string name;
  std::vector<float> params;
};

// The chain after a node that can be computed in its place.
struct Match {
  Activation activation;
  std::vector<NodeId> nodes;  // to remove
  ValueId output = kNoValue;  // of the last one
};

std::optional<Activation> activation_of(const Graph& graph, const Node& node) {
  const Attributes& attributes = node.attributes;
  if (node.type == "Gelu" && (node.domain.empty() || node.domain == "com.microsoft") &&
      attributes.get_string("approximate", "none") == "none") {
    return Activation{node.type, {}};
  }
  if (!node.domain.empty()) return std::nullopt;
  if (node.type == "Relu" || node.type == "Sigmoid" || node.type == "Tanh" ||
      node.type == "HardSwish") {
    return Activation{node.type, {}};
  }
  if (node.type == "LeakyRelu") {
    return Activation{node.type, {attributes.get_float("alpha", 0.01f)}};
  }
  if (node.type == "HardSigmoid") {
    return Activation{node.type,
                      {attributes.get_float("alpha", 0.2f), attributes.get_float("beta", 0.5f)}};
  }
  if (node.type == "Clip") {
    if (auto bounds = clip_bounds(graph, node)) return Activation{node.type, std::move(*bounds)};
  }
  return std::nullopt;
}

std::optional<Match> match_single(const Graph& graph, ValueId x, const Readers& readers) {
  const NodeId id = readers.sole(x);
  if (id == kNoNode || input_of(graph.nodes[id], 0) != x) return std::nullopt;
  if (output_of(graph.nodes[id], 0) == kNoValue) return std::nullopt;
  auto activation = activation_of(graph, graph.nodes[id]);
  if (!activation) return std::nullopt;
  return Match{std::move(*activation), {id}, graph.nodes[id].outputs[0]};
}

// x·Sigmoid(x) is Silu.
std::optional<Match> match_silu(const Graph& graph, ValueId x, const Readers& readers) {
  const auto of_x = readers.of(x);
  if (of_x.size() != 2 || readers.count(x) != 2) return std::nullopt;
  for (size_t i = 0; i < 2; ++i) {
    const Node& gate = graph.nodes[of_x[i]];
    const Node& product = graph.nodes[of_x[1 - i]];
    if (!is_op(product, "Mul") || product.inputs.size() != 2 || product.opset < 7) continue;
    if (output_of(product, 0) == kNoValue || !is_op(gate, "Sigmoid")) continue;
    if (output_of(gate, 0) == kNoValue || readers.sole(gate.outputs[0]) != of_x[1 - i]) continue;
    return Match{{"Silu", {}}, {of_x[0], of_x[1]}, product.outputs[0]};
  }
  return std::nullopt;
}

struct FusedType {
  std::string_view domain, type;
};

// The fused operator that a node becomes; nullopt when it takes no activation.
std::optional<FusedType> fused_type(const Graph& graph, const Node& node) {
  const ValueId output = output_of(node, 0);
  if (output == kNoValue || graph.values[output].dtype != DType::kFloat32) return std::nullopt;
  if (is_op(node, "Conv")) return FusedType{"com.microsoft", "FusedConv"};
  if (is_op(node, "Gemm") && node.opset >= 7) return FusedType{"com.microsoft", "FusedGemm"};
  if (node.attributes.has("activation")) return std::nullopt;
  // A convolution that fuse_residual has made, and a product that fuse_matmul_bias has.
  if (node.domain == "com.microsoft" && node.type == "FusedConv") {
    return FusedType{"com.microsoft", "FusedConv"};
  }
  if (node.domain == "sardonyx" && node.type == "FusedMatMul") {
    return FusedType{"sardonyx", "FusedMatMul"};
  }
  return std::nullopt;
}

}  // namespace

Status pass_fuse_activation(Graph& graph, bool& changed) {
  const Readers readers(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    const auto fused = fused_type(graph, graph.nodes[id]);
    if (!fused) continue;
    const ValueId output = graph.nodes[id].outputs[0];
    auto match = match_single(graph, output, readers);
    if (!match) match = match_silu(graph, output, readers);
    if (!match || !find_operator(fused->domain, fused->type, 1)) continue;
    SX_TRY(retarget(graph, id, fused->domain, fused->type));
    Attributes& attributes = graph.nodes[id].attributes;
    attributes.set("activation", std::move(match->activation.name));
    attributes.set("activation_params", std::move(match->activation.params));
    produce(graph, id, match->output);
    for (NodeId matched : match->nodes) remove[matched] = true;
    changed = true;
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
