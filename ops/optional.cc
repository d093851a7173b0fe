// Optional, OptionalHasElement and OptionalGetElement.
#include <utility>

#include "ops/sequence_rule.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

ValueKind optional_of(ValueKind kind) {
  return kind == ValueKind::kSequence ? ValueKind::kOptionalSequence : ValueKind::kOptional;
}

Status check_present(const Box& box) {
  if (box.present()) return {};
  return error(ErrorCode::VALUE_RANGE, "the optional has no element");
}

Status run_optional(const Attributes&, const RunContext& context) {
  if (!context.has_input(0)) return put_box(context, Box::absent());
  if (context.inputs[0].kind == ValueKind::kTensor) {
    SX_ASSIGN(ConstantPtr element, copy_of(context.inputs[0]));
    return put_box(context, Box({std::move(element)}));
  }
  share_box(context);
  return {};
}

Status run_has_element(const Attributes&, const RunContext& context) {
  const bool has = context.has_input(0) &&
                   (!is_optional(context.inputs[0].kind) || box_of(context.inputs[0]).present());
  *context.outputs[0].as<uint8_t>() = has;
  return {};
}

Status run_get_element(const Attributes&, const RunContext& context) {
  const TensorView& x = context.inputs[0];
  if (!is_optional(x.kind)) {
    copy_tensor(context.outputs[0], x);
    return {};
  }
  const Box& box = box_of(x);
  SX_TRY(check_present(box));
  if (x.kind == ValueKind::kOptional) {
    copy_tensor(context.outputs[0], box.elements()[0]->view());
  } else {
    share_box(context);
  }
  return {};
}

}  // namespace

Status infer_optional(InferContext& context) {
  SX_TRY(check_arity(context, 0, 1));
  if (context.has_input(0)) {
    const ValueFacts& x = context.inputs[0];
    if (is_optional(x.kind)) {
      return error(ErrorCode::DTYPE_UNSUPPORTED, "an optional of an optional");
    }
    context.set_output_kind(0, optional_of(x.kind), x.dtype);
    return {};
  }
  const ValueType* type = context.attributes.get_type("type");
  if (!type || is_optional(type->kind)) {
    return error(ErrorCode::ATTRIBUTE_INVALID,
                 "an optional without element must say in 'type' of what it is");
  }
  context.set_output_kind(0, optional_of(type->kind), type->dtype);
  return {};
}

Result<KernelPtr> make_optional(const KernelInit& init) {
  return stateless(init, run_optional);
}

Status infer_optional_has_element(InferContext& context) {
  SX_TRY(check_arity(context, 0, 1));
  context.set_output(0, DType::kBool, {});
  return {};
}

Result<KernelPtr> make_optional_has_element(const KernelInit& init) {
  return stateless(init, run_has_element);
}

// Of what is no optional, itself.
Status infer_optional_get_element(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  const ValueFacts& x = context.inputs[0];
  if (!is_optional(x.kind)) return same_as_input(context);
  context.set_output_kind(0, content_kind(x.kind), x.dtype);
  if (!x.value) return {};
  const Box& box = box_of(*x.value);
  SX_TRY(check_present(box));
  if (x.kind == ValueKind::kOptional) context.set_output(0, x.dtype, box.elements()[0]->shape);
  return {};
}

Result<KernelPtr> make_optional_get_element(const KernelInit& init) {
  return stateless(init, run_get_element);
}

}  // namespace sardonyx::ops
