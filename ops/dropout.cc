// Dropout: at inference the input, in training mode (since opset 12) some of it. The training mode
// of opsets below 7, which is their default and left in many a model, counts as inference.
#include <cmath>
#include <cstring>

#include "ops/convert.h"
#include "ops/element.h"
#include "ops/numpy_random.h"
#include "ops/operator.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

constexpr int kMaskIsBool = 10;
constexpr std::initializer_list<DType> kFloats = {DType::kFloat32, DType::kFloat64, DType::kFloat16,
                                                  DType::kBfloat16};

bool is_training(const RunContext& context) {
  return context.has_input(2) && *context.inputs[2].as<const uint8_t>() != 0;
}

// Each element is kept with a chance of 1 - ratio, and scaled so that the mean stays.
Status drop(const Attributes& attributes, const RunContext& context, double ratio) {
  const TensorView& x = context.inputs[0];
  const TensorView& y = context.outputs[0];
  const bool seeded = attributes.has("seed");
  RandomState random(seeded ? static_cast<uint32_t>(attributes.get_int("seed", 0))
                            : RandomState::fresh_seed());
  const double scale = 1 / (1 - ratio);
  const int64_t count = x.elements();
  for (int64_t i = 0; i < count; ++i) {
    const bool kept = random.uniform() >= ratio;
    store_double(y, i, kept ? load_double(x, i) * scale : 0);
    if (context.has_output(1)) store_double(context.outputs[1], i, kept ? 1 : 0);
  }
  return {};
}

Status run_dropout(const Attributes& attributes, const RunContext& context) {
  const double ratio = context.has_input(1) ? load_double(context.inputs[1], 0) : 0.5;
  if (is_training(context) && ratio != 0) {
    if (!(ratio >= 0 && ratio < 1)) {
      return error(ErrorCode::VALUE_RANGE, "the ratio %g is not in [0, 1)", ratio);
    }
    return drop(attributes, context, ratio);
  }
  copy_tensor(context.outputs[0], context.inputs[0]);
  if (!context.has_output(1)) return {};
  const TensorView& mask = context.outputs[1];
  for (int64_t i = 0; i < mask.elements(); ++i) store_double(mask, i, 1);
  return {};
}

}  // namespace

Status infer_dropout(InferContext& context) {
  SX_TRY(check_arity(context, 1, 3, 2));
  SX_TRY(check_dtype(context, 0, kFloats));
  SX_TRY(check_dtype(context, 1, kFloats));
  SX_TRY(check_dtype(context, 2, {DType::kBool}));
  for (size_t i = 1; i < context.inputs.size(); ++i) {
    const ValueFacts& input = context.inputs[i];
    if (!context.has_input(i) || !input.is_static() || input.shape.elements() == 1) continue;
    return error(ErrorCode::SHAPE_MISMATCH, "input %zu has shape %s: a scalar is wanted", i,
                 input.shape.to_string().c_str());
  }
  const ValueFacts& x = context.inputs[0];
  const DType mask = context.opset < kMaskIsBool ? x.dtype : DType::kBool;
  if (context.has_output(1)) context.outputs[1] = {mask, x.has_shape, x.shape, nullptr};
  return same_as_input(context);
}

Result<KernelPtr> make_dropout(const KernelInit& init) {
  return stateless(init, run_dropout);
}

}  // namespace sardonyx::ops
