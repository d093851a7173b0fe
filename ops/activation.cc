#include "ops/activation.h"

#include <array>
#include <limits>

namespace sardonyx::ops {
namespace {

using simd::ActivationKind;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Entry {
  std::string_view name;
  simd::Activation with_defaults;
};
constexpr std::array<Entry, 10> kActivations{{
    {"", {ActivationKind::kNone}},
    {"Relu", {ActivationKind::kRelu}},
    {"Clip", {ActivationKind::kClip, -kInfinity, kInfinity}},
    {"LeakyRelu", {ActivationKind::kLeakyRelu, 0.01f}},
    {"Sigmoid", {ActivationKind::kSigmoid}},
    {"Tanh", {ActivationKind::kTanh}},
    {"HardSigmoid", {ActivationKind::kHardSigmoid, 0.2f, 0.5f}},
    {"HardSwish", {ActivationKind::kHardSwish}},
    {"Silu", {ActivationKind::kSilu}},
    {"Gelu", {ActivationKind::kGelu}},
}};

}  // namespace

Result<simd::Activation> parse_activation(const Attributes& attributes) {
  const std::string_view name = attributes.get_string("activation", "");
  for (const Entry& entry : kActivations) {
    if (entry.name != name) continue;
    simd::Activation activation = entry.with_defaults;
    const auto params = attributes.get_floats("activation_params");
    activation.a =
        !params.empty() ? params[0] : attributes.get_float("activation_alpha", activation.a);
    activation.b =
        params.size() > 1 ? params[1] : attributes.get_float("activation_beta", activation.b);
    return activation;
  }
  return error(ErrorCode::ATTRIBUTE_INVALID, "activation '%.*s' is not known",
               static_cast<int>(name.size()), name.data());
}

}  // namespace sardonyx::ops
