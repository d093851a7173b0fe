// Adagrad, Adam and Momentum of ai.onnx.preview.training: one step for any number of tensors.
// Inputs are rate, step, then all tensors, all gradients, and all of each state; outputs the new
// tensors and states in the same order.
#include <cmath>

#include "base/power.h"
#include "ops/element.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

struct Numbers {
  double rate, step;
  double norm, norm_post, epsilon, alpha, beta;
  bool nesterov;
};

// New x and states of one element.
using Update = void (*)(const Numbers&, double& x, double gradient, double* state);

void adagrad(const Numbers& p, double& x, double gradient, double* state) {
  gradient += p.norm * x;
  state[0] += gradient * gradient;
  x -= p.rate * gradient / (std::sqrt(state[0]) + p.epsilon);
}

void adam(const Numbers& p, double& x, double gradient, double* state) {
  gradient += p.norm * x;
  state[0] = p.alpha * state[0] + (1 - p.alpha) * gradient;
  state[1] = p.beta * state[1] + (1 - p.beta) * gradient * gradient;
  x -= p.rate * state[0] / (std::sqrt(state[1]) + p.epsilon);
  x *= 1 - p.norm_post;
}

void momentum(const Numbers& p, double& x, double gradient, double* state) {
  gradient += p.norm * x;
  state[0] = p.alpha * state[0] + (p.step > 0 ? p.beta : 1) * gradient;
  x -= p.rate * (p.nesterov ? gradient + p.alpha * state[0] : state[0]);
}

void update_all(const RunContext& context, size_t states, const Numbers& p, Update update) {
  const size_t tensors = (context.inputs.size() - 2) / (2 + states);
  const auto input = [&](size_t list, size_t t) -> const TensorView& {
    return context.inputs[2 + list * tensors + t];
  };
  for (size_t t = 0; t < tensors; ++t) {
    const int64_t count = input(0, t).elements();
    for (int64_t i = 0; i < count; ++i) {
      double x = load_double(input(0, t), i);
      double state[2] = {};
      for (size_t s = 0; s < states; ++s) state[s] = load_double(input(2 + s, t), i);
      update(p, x, load_double(input(1, t), i), state);
      for (size_t s = 0; s <= states; ++s) {
        if (!context.has_output(s * tensors + t)) continue;
        store_double(context.outputs[s * tensors + t], i, s == 0 ? x : state[s - 1]);
      }
    }
  }
}

Numbers read_numbers(const Attributes& attributes, const RunContext& context) {
  Numbers p{};
  p.rate = load_double(context.inputs[0], 0);
  p.step = load_double(context.inputs[1], 0);
  p.norm = attributes.get_float("norm_coefficient", 0);
  p.norm_post = attributes.get_float("norm_coefficient_post", 0);
  p.epsilon = attributes.get_float("epsilon", 1e-6f);
  p.nesterov = attributes.get_string("mode", "standard") == "nesterov";
  return p;
}

Status run_adagrad(const Attributes& attributes, const RunContext& context) {
  Numbers p = read_numbers(attributes, context);
  p.rate /= 1 + p.step * static_cast<double>(attributes.get_float("decay_factor", 0));
  update_all(context, 1, p, adagrad);
  return {};
}

Status run_adam(const Attributes& attributes, const RunContext& context) {
  Numbers p = read_numbers(attributes, context);
  p.alpha = attributes.get_float("alpha", 0.9f);
  p.beta = attributes.get_float("beta", 0.999f);
  if (p.step > 0) {
    p.rate *= std::sqrt(1 - power(p.beta, p.step)) / (1 - power(p.alpha, p.step));
  }
  update_all(context, 2, p, adam);
  return {};
}

Status run_momentum(const Attributes& attributes, const RunContext& context) {
  Numbers p = read_numbers(attributes, context);
  p.alpha = attributes.get_float("alpha", 0);
  p.beta = attributes.get_float("beta", 0);
  update_all(context, 1, p, momentum);
  return {};
}

Status infer_step(InferContext& context, size_t states) {
  const size_t lists = 2 + states;
  SX_TRY(check_arity(context, context.inputs.size(), SIZE_MAX, SIZE_MAX));
  const size_t tensors = context.inputs.size() < 2 ? 0 : (context.inputs.size() - 2) / lists;
  if (tensors == 0 || context.inputs.size() != 2 + tensors * lists ||
      context.outputs.size() > tensors * (1 + states)) {
    return error(ErrorCode::MODEL_MALFORMED, "%zu inputs and %zu outputs are not one step of it",
                 context.inputs.size(), context.outputs.size());
  }
  SX_TRY(check_dtype(context, 1, {DType::kInt64}));
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    const ValueFacts& input = context.inputs[i];
    if (i != 1) SX_TRY(check_dtype(context, i, {DType::kFloat32, DType::kFloat64}));
    const ValueFacts& tensor = context.inputs[2 + (i < 2 ? 0 : (i - 2) % tensors)];
    const bool fits =
        i < 2 ? !input.is_static() || input.shape.elements() == 1
              : !input.is_static() || !tensor.is_static() || input.shape == tensor.shape;
    if (fits) continue;
    return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s", i,
                 input.shape.to_string().c_str());
  }
  for (size_t i = 0; i < context.outputs.size(); ++i) {
    const ValueFacts& tensor = context.inputs[2 + i % tensors];
    context.outputs[i] = {tensor.dtype, tensor.has_shape, tensor.shape, nullptr};
  }
  return {};
}

}  // namespace

Status infer_adagrad(InferContext& context) {
  return infer_step(context, 1);
}
Status infer_adam(InferContext& context) {
  return infer_step(context, 2);
}
Status infer_momentum(InferContext& context) {
  const std::string_view mode = context.attributes.get_string("mode", "");
  if (mode != "standard" && mode != "nesterov") {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'mode' is neither standard nor nesterov");
  }
  return infer_step(context, 1);
}
Result<KernelPtr> make_adagrad(const KernelInit& init) {
  return stateless(init, run_adagrad);
}
Result<KernelPtr> make_adam(const KernelInit& init) {
  return stateless(init, run_adam);
}
Result<KernelPtr> make_momentum(const KernelInit& init) {
  return stateless(init, run_momentum);
}

}  // namespace sardonyx::ops
