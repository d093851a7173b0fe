#include "ops/quantization.h"

#include <cmath>

#include "ops/convert.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

bool fits(const ValueFacts& facts, int64_t channels) {
  if (!facts.has_shape || !facts.shape.is_known())
    return !facts.has_shape || facts.shape.rank() < 2;
  const auto count = facts.shape.elements();
  if (count == 1) return true;
  return facts.shape.rank() == 1 && (channels == kUnknownDim || count == channels);
}

Status check_shape(const InferContext& context, size_t input, const char* what, int64_t channels) {
  if (!context.has_input(input) || fits(context.inputs[input], channels)) return {};
  return error(ErrorCode::SHAPE_MISMATCH, "the %s at input %zu has shape %s for %lld channels",
               what, input, context.inputs[input].shape.to_string().c_str(),
               static_cast<long long>(channels));
}

// Inputs of the operators with an axis.
constexpr size_t kX = 0, kScale = 1, kZero = 2;
// Before this opset there was one scale only.
constexpr int kAxisSince = 13;

struct Plan final : StepPlan {
  QuantizedRows rows;
  size_t scales = 0, zeros = 0;  // in scratch memory
};

Status count_mismatch(const char* what, const TensorView& tensor, int64_t count) {
  return error(ErrorCode::SHAPE_MISMATCH, "%s of shape %s for %lld channels", what,
               tensor.shape.to_string().c_str(), static_cast<long long>(count));
}

}  // namespace

Status check_quantization(const InferContext& context, size_t scale, size_t zero, DType quantized,
                          int64_t channels) {
  SX_TRY(check_dtype(context, scale, {DType::kFloat32, DType::kFloat16, DType::kBfloat16}));
  SX_TRY(check_shape(context, scale, "scale", channels));
  if (!context.has_input(zero)) return {};
  const ValueFacts& given = context.inputs[zero];
  if (given.dtype != quantized && quantized != DType::kUndefined) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "the zero point at input %zu is %s, not %s", zero,
                 std::string(dtype_name(given.dtype)).c_str(),
                 std::string(dtype_name(quantized)).c_str());
  }
  return check_shape(context, zero, "zero point", channels);
}

Status check_constant_scale(const KernelInit& init, size_t scale) {
  if (!init.has_input(scale) || !init.inputs[scale].constant) return {};
  const TensorView view = init.inputs[scale].constant->view();
  for (int64_t i = 0; i < view.elements(); ++i) {
    TensorView one = view;
    one.shape = Shape{};
    one.data = view.as<uint8_t>() + i * (dtype_bits(view.dtype) / 8);
    float value = 0;
    SX_TRY(read_scales(one, 1, &value));
  }
  return {};
}

Status read_scales(const TensorView& scales, int64_t count, float* to) {
  const int64_t given = scales.elements();
  if (given != 1 && given != count) return count_mismatch("scales", scales, count);
  if (count == 0) return {};
  convert(DType::kFloat32, to, scales.dtype, scales.data, given == 1 ? 0 : 1, count);
  for (int64_t i = 0; i < count; ++i) {
    if (std::isfinite(to[i]) && to[i] > 0) continue;
    return error(ErrorCode::VALUE_RANGE, "scale %lld is %g: scales are finite and above zero",
                 static_cast<long long>(i), double{to[i]});
  }
  return {};
}

Status read_zeros(const TensorView& zeros, int64_t count, int32_t* to) {
  if (!zeros.present()) {
    std::fill_n(to, count, 0);
    return {};
  }
  const int64_t given = zeros.elements();
  if (given != 1 && given != count) return count_mismatch("zero points", zeros, count);
  if (count > 0) convert(DType::kInt32, to, zeros.dtype, zeros.data, given == 1 ? 0 : 1, count);
  return {};
}

simd::QuantizedRange full_range(DType dtype, int32_t zero) {
  switch (dtype) {
    case DType::kInt8:
      return {zero, INT8_MIN, INT8_MAX};
    case DType::kUint16:
      return {zero, 0, UINT16_MAX};
    case DType::kInt16:
      return {zero, INT16_MIN, INT16_MAX};
    default:
      return {zero, 0, UINT8_MAX};
  }
}

Status check_quantized_axis(const InferContext& context, DType quantized) {
  if (context.attributes.get_int("block_size", 0) != 0) {
    return error(ErrorCode::MODEL_UNSUPPORTED, "scales of blocks (block_size) are not supported");
  }
  const ValueFacts &x = context.inputs[kX], &scale = context.inputs[kScale];
  int64_t channels = context.opset < kAxisSince ? 1 : kUnknownDim;
  if (context.opset >= kAxisSince && x.has_shape && scale.is_static() &&
      scale.shape.elements() != 1) {
    SX_ASSIGN(const int axis, check_axis(context.attributes.get_int("axis", 1), x.shape.rank()));
    channels = x.shape[axis];
  }
  SX_TRY(check_quantization(context, kScale, kZero, quantized, channels));
  if (!context.has_input(kZero)) return {};
  const ValueFacts& zero = context.inputs[kZero];
  if (!scale.is_static() || !zero.is_static() || scale.shape.elements() == zero.shape.elements()) {
    return {};
  }
  return error(ErrorCode::SHAPE_MISMATCH, "a scale of shape %s with a zero point of shape %s",
               scale.shape.to_string().c_str(), zero.shape.to_string().c_str());
}

Status bind_quantized(BindContext& context, const Attributes& attributes) {
  const TensorView &x = context.inputs[kX], &scale = context.inputs[kScale];
  auto plan = std::make_unique<Plan>();
  QuantizedRows& rows = plan->rows;
  rows.elements = storage_elements(x.shape, x.layout).value_or(0);
  rows.length = std::max<int64_t>(rows.elements, 1);
  if (scale.elements() != 1) {
    SX_ASSIGN(const int axis, check_axis(attributes.get_int("axis", 1), x.shape.rank()));
    if (scale.elements() != x.shape[axis]) return count_mismatch("scales", scale, x.shape[axis]);
    rows.channels = x.shape[axis];
    rows.length = std::max<int64_t>(x.shape.product(axis + 1, x.shape.rank()), 1);
  }
  ScratchLayout scratch;
  SX_ASSIGN(plan->scales, scratch.add(rows.channels, sizeof(float)));
  SX_ASSIGN(plan->zeros, scratch.add(rows.channels, sizeof(int32_t)));
  context.scratch_bytes = scratch.bytes();
  context.plan = std::move(plan);
  return {};
}

Result<QuantizedParameters> read_quantized(const RunContext& context) {
  const Plan& plan = *static_cast<const Plan*>(context.plan);
  auto* scales = reinterpret_cast<float*>(context.scratch + plan.scales);
  auto* zeros = reinterpret_cast<int32_t*>(context.scratch + plan.zeros);
  const TensorView zero = context.has_input(kZero) ? context.inputs[kZero] : TensorView();
  SX_TRY(read_scales(context.inputs[kScale], plan.rows.channels, scales));
  SX_TRY(read_zeros(zero, plan.rows.channels, zeros));
  return QuantizedParameters{plan.rows, scales, zeros};
}

}  // namespace sardonyx::ops
