// Activations around Gelu and Swish.
#include "engine/functions/function_body.h"

namespace sardonyx::functions {
namespace {

ValueId swish(FunctionBody& body, ValueId x, double alpha) {
  if (alpha == 1) return body.op("Silu", {x}, {}, "sardonyx");
  const ValueId scaled = body.op("Mul", {x, body.scalar(body.dtype(0), alpha)});
  return body.op("Mul", {x, body.op("Sigmoid", {scaled})});
}

ValueId plus_bias(FunctionBody& body) {
  return body.has_input(1) ? body.op("Add", {body.input(0), body.input(1)}) : body.input(0);
}

}  // namespace

Status expand_bias_gelu(FunctionBody& body) {
  SX_TRY(body.require_inputs(2));
  body.output(0, body.op("Gelu", {plus_bias(body)}));
  return {};
}

Status expand_fast_gelu(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  Attributes attributes;
  attributes.set("approximate", std::string("tanh"));
  body.output(0, body.op("Gelu", {plus_bias(body)}, std::move(attributes)));
  return {};
}

Status expand_quick_gelu(FunctionBody& body) {
  SX_TRY(body.require_inputs(1));
  body.output(0, swish(body, body.input(0), body.attributes().get_float("alpha", 1.702f)));
  return {};
}

Status expand_swiglu(FunctionBody& body) {
  SX_TRY(body.require_inputs(2));
  const double alpha = body.attributes().get_float("alpha", 1.0f);
  const ValueFacts &gate = body.facts(0), &value = body.facts(1);
  if (gate.is_static() && value.is_static() && !(gate.shape == value.shape)) {
    return error(ErrorCode::SHAPE_MISMATCH, "the gate has shape %s, the value %s",
                 gate.shape.to_string().c_str(), value.shape.to_string().c_str());
  }
  body.output(0, body.op("Mul", {swish(body, body.input(0), alpha), body.input(1)}));
  return {};
}

}  // namespace sardonyx::functions
