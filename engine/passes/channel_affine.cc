#include "engine/passes/channel_affine.h"

#include <algorithm>
#include <cmath>

#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

// BatchNormalization reads its running mean and variance and writes nothing but Y.
bool is_inference(const Node& node) {
  for (size_t i = 1; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue) return false;
  }
  if (node.opset < 7 && node.attributes.get_int("is_test", 0) == 0) return false;
  return node.attributes.get_int("training_mode", 0) == 0 &&
         node.attributes.get_int("spatial", 1) == 1;
}

std::optional<ChannelAffine> batch_norm_affine(const Graph& graph, const Node& node,
                                               int64_t channels) {
  if (node.inputs.size() != 5 || !is_inference(node)) return std::nullopt;
  const float* parameters[4];
  for (size_t i = 0; i < 4; ++i) {
    const ConstantPtr constant = fixed_floats(graph, node.inputs[i + 1]);
    if (!constant || constant->view().elements() != channels) return std::nullopt;
    parameters[i] = constant->view().as<float>();
  }
  const auto [gamma, beta, mean, variance] = parameters;
  const double epsilon = static_cast<double>(node.attributes.get_float("epsilon", 1e-5f));
  ChannelAffine affine{node.inputs[0], {}, {}};
  for (int64_t c = 0; c < channels; ++c) {
    const double scale = double{gamma[c]} / std::sqrt(double{variance[c]} + epsilon);
    affine.scale.push_back(scale);
    affine.shift.push_back(double{beta[c]} - double{mean[c]} * scale);
  }
  return affine;
}

// True when the shape broadcasts to a tensor of that rank with at most the channel axis above 1.
bool is_per_channel(const Shape& shape, int64_t channels, int rank) {
  if (shape.rank() > rank) return false;
  const int channel_axis = shape.rank() - rank + 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] != 1 && (axis != channel_axis || shape[axis] != channels)) return false;
  }
  return true;
}

// y = x ∘ k, or k ∘ x when `constant_first`.
void set_arithmetic(std::string_view type, bool constant_first, double k, double& scale,
                    double& shift) {
  scale = 1.0;
  shift = 0.0;
  if (type == "Add") {
    shift = k;
  } else if (type == "Sub") {
    shift = constant_first ? k : -k;
    scale = constant_first ? -1.0 : 1.0;
  } else if (type == "Mul") {
    scale = k;
  } else {
    scale = 1.0 / k;
  }
}

std::optional<ChannelAffine> arithmetic_affine(const Graph& graph, const Node& node, ValueId input,
                                               int64_t channels, int rank) {
  // Opset 6 and older broadcast by attributes.
  if (node.inputs.size() != 2 || node.opset < 7) return std::nullopt;
  const bool constant_first = node.inputs[1] == input;
  const ConstantPtr constant = fixed_floats(graph, node.inputs[constant_first ? 0 : 1]);
  if (!constant || !is_per_channel(constant->shape, channels, rank)) return std::nullopt;
  if (node.type == "Div" && constant_first) return std::nullopt;
  const TensorView view = constant->view();
  const bool one = view.elements() == 1;
  const auto count = static_cast<size_t>(channels);
  ChannelAffine affine{input, std::vector<double>(count), std::vector<double>(count)};
  for (size_t c = 0; c < count; ++c) {
    set_arithmetic(node.type, constant_first, double{view.as<float>()[one ? 0 : c]},
                   affine.scale[c], affine.shift[c]);
  }
  return affine;
}

}  // namespace

std::optional<ChannelAffine> channel_affine(const Graph& graph, const Node& node, ValueId input,
                                            int64_t channels, int rank) {
  if (!node.domain.empty()) return std::nullopt;
  std::optional<ChannelAffine> affine;
  if (node.type == "BatchNormalization") {
    if (input_of(node, 0) == input) affine = batch_norm_affine(graph, node, channels);
  } else if (node.type == "Add" || node.type == "Sub" || node.type == "Mul" || node.type == "Div") {
    affine = arithmetic_affine(graph, node, input, channels, rank);
  }
  if (!affine || !all_finite(affine->scale) || !all_finite(affine->shift)) return std::nullopt;
  return affine;
}

}  // namespace sardonyx
