#include "ops/gate_function.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace sardonyx::ops {
namespace {

using simd::UnaryKind;

struct NamedFunction {
  std::string_view name;
  int parameters;  // how many of activation_alpha and activation_beta it takes
  GateFunction with_defaults;
};
using Kind = GateFunction::Kind;
constexpr std::array<NamedFunction, 9> kFunctions{{
    {"sigmoid", 0, {Kind::kUnary, UnaryKind::kSigmoid}},
    {"tanh", 0, {Kind::kUnary, UnaryKind::kTanh}},
    {"relu", 0, {Kind::kUnary, UnaryKind::kRelu}},
    {"softplus", 0, {Kind::kUnary, UnaryKind::kSoftplus}},
    {"leakyrelu", 1, {Kind::kUnary, UnaryKind::kLeakyRelu, 0.01f}},
    {"elu", 1, {Kind::kUnary, UnaryKind::kElu, 1.0f}},
    {"hardsigmoid", 2, {Kind::kUnary, UnaryKind::kHardSigmoid, 0.2f, 0.5f}},
    {"affine", 2, {Kind::kAffine, UnaryKind::kSigmoid, 1.0f, 0.0f}},
    {"scaledtanh", 2, {Kind::kScaledTanh, UnaryKind::kTanh, 1.0f, 1.0f}},
}};

bool same_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
}

Result<const NamedFunction*> find_function(std::string_view name) {
  for (const NamedFunction& function : kFunctions) {
    if (same_ignoring_case(name, function.name)) return &function;
  }
  return error(ErrorCode::MODEL_UNSUPPORTED, "activation '%.*s' of a recurrent layer",
               static_cast<int>(name.size()), name.data());
}

}  // namespace

// Parameters are handed out in the order of the functions that take them.
Status read_gate_functions(const Attributes& attributes, std::span<GateFunction> functions) {
  const Attribute::Value* value = attributes.find("activations");
  const auto* names = value ? std::get_if<std::vector<std::string>>(value) : nullptr;
  if (!names || names->empty()) return {};
  if (names->size() != functions.size()) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "'activations' has %zu names, not %zu",
                 names->size(), functions.size());
  }
  auto alphas = attributes.get_floats("activation_alpha");
  auto betas = attributes.get_floats("activation_beta");
  const auto take = [](std::span<const float>& values, float& into) {
    if (values.empty()) return;
    into = values.front();
    values = values.subspan(1);
  };
  for (size_t i = 0; i < functions.size(); ++i) {
    SX_ASSIGN(const NamedFunction* named, find_function((*names)[i]));
    functions[i] = named->with_defaults;
    if (named->parameters > 0) take(alphas, functions[i].a);
    if (named->parameters > 1) take(betas, functions[i].b);
  }
  return {};
}

}  // namespace sardonyx::ops
