// Identity and Dropout at inference: the input's elements, unchanged.
#include <cstring>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

Status run_copy(const Attributes&, const RunContext& context) {
  copy_tensor(context.outputs[0], context.inputs[0]);
  return {};
}

// Training mode drops nothing only at a ratio of 0.
Status check_nothing_dropped(const TensorView* ratio, const TensorView& training) {
  if (training.dtype != DType::kBool || training.elements() != 1 ||
      *training.as<const uint8_t>() == 0) {
    return {};
  }
  double value = 0.5;
  if (ratio && ratio->elements() == 1 && compute_dtype(ratio->dtype) != DType::kUndefined) {
    convert(DType::kFloat64, &value, ratio->dtype, ratio->data, 1, 1);
  }
  if (value == 0) return {};
  return error(ErrorCode::MODEL_UNSUPPORTED, "Dropout in training mode");
}

Status run_dropout(const Attributes&, const RunContext& context) {
  if (context.has_input(2)) {
    const TensorView* ratio = context.has_input(1) ? &context.inputs[1] : nullptr;
    SX_TRY(check_nothing_dropped(ratio, context.inputs[2]));
  }
  copy_tensor(context.outputs[0], context.inputs[0]);
  if (!context.has_output(1)) return {};
  const TensorView& mask = context.outputs[1];
  const size_t count = mask.bytes();
  if (count) std::memset(mask.data, 1, count);
  return {};
}

}  // namespace

Status infer_identity(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1));
  return same_as_input(context);
}

Result<KernelPtr> make_identity(const KernelInit& init) {
  return stateless(init, run_copy);
}

// The mask of what was kept is all true.
Status infer_dropout(InferContext& context) {
  SX_TRY(check_arity(context, 1, 3, 2));
  SX_TRY(same_as_input(context));
  if (!context.has_output(1)) return {};
  const ValueFacts& input = context.inputs[0];
  if (input.has_shape) {
    context.set_output(1, DType::kBool, input.shape);
  } else {
    context.set_output_unknown(1, DType::kBool);
  }
  return {};
}

Result<KernelPtr> make_dropout(const KernelInit& init) {
  return stateless(init, run_dropout);
}

}  // namespace sardonyx::ops
