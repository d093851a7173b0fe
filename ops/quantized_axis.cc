#include "ops/quantized_axis.h"

#include "ops/quantization.h"
#include "ops/scratch.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kScale = 1, kZero = 2;
// Before this opset there was one scale only.
constexpr int kAxisSince = 13;

struct Plan final : StepPlan {
  ScaleMap map;
  size_t scales = 0, zeros = 0;  // in scratch memory
};

Status wrong_scales(const Shape& scale, const Shape& x) {
  return error(ErrorCode::SHAPE_MISMATCH, "scales of shape %s for an input of shape %s",
               scale.to_string().c_str(), x.to_string().c_str());
}

Result<int64_t> block_size(const Attributes& attributes) {
  const int64_t size = attributes.get_int("block_size", 0);
  if (size >= 0 && size <= INT32_MAX) return size;
  return error(ErrorCode::ATTRIBUTE_INVALID, "block_size %lld", static_cast<long long>(size));
}

Result<int> axis_of(const Attributes& attributes, const Shape& x) {
  return check_axis(attributes.get_int("axis", 1), x.rank());
}

// Scales of blocks have the dims of x, divided along the axis.
Status check_blocks(const Shape& x, const Shape& scale, int axis, int64_t block) {
  bool fits = x.rank() == scale.rank();
  for (int i = 0; i < x.rank() && fits; ++i) {
    if (x[i] < 0 || scale[i] < 0) continue;
    fits = scale[i] == (i == axis ? (x[i] + block - 1) / block : x[i]);
  }
  return fits ? Status() : wrong_scales(scale, x);
}

Status check_zero_shape(const InferContext& context) {
  if (!context.has_input(kZero)) return {};
  const ValueFacts &scale = context.inputs[kScale], &zero = context.inputs[kZero];
  if (!scale.is_static() || !zero.is_static() || scale.shape.elements() == zero.shape.elements()) {
    return {};
  }
  return error(ErrorCode::SHAPE_MISMATCH, "a scale of shape %s with a zero point of shape %s",
               scale.shape.to_string().c_str(), zero.shape.to_string().c_str());
}

Result<ScaleMap> scale_map(const Attributes& attributes, const TensorView& x, const Shape& scale) {
  ScaleMap map;
  map.elements = storage_elements(x.shape, x.layout).value_or(0);
  map.inner = std::max<int64_t>(map.elements, 1);
  map.scales = scale.product(0, scale.rank());
  SX_ASSIGN(const int64_t block, block_size(attributes));
  if (block == 0 && map.scales == 1) return map;
  SX_ASSIGN(const int axis, axis_of(attributes, x.shape));
  map.dim = std::max<int64_t>(x.shape[axis], 1);
  map.inner = std::max<int64_t>(x.shape.product(axis + 1, x.shape.rank()), 1);
  map.block_stride = 1;
  if (block == 0) {
    if (map.scales != x.shape[axis]) return wrong_scales(scale, x.shape);
    return map;
  }
  SX_TRY(check_blocks(x.shape, scale, axis, block));
  map.block = block;
  map.inner_stride = 1;
  map.block_stride = map.inner;
  map.outer_stride = scale[axis] * map.inner;
  return map;
}

}  // namespace

Status check_quantized_axis(const InferContext& context, DType quantized) {
  SX_ASSIGN(const int64_t block, block_size(context.attributes));
  const ValueFacts &x = context.inputs[kX], &scale = context.inputs[kScale];
  SX_TRY(check_zero_shape(context));
  if (block > 0) {
    SX_TRY(check_quantization_dtypes(context, kScale, kZero, quantized));
    if (!x.has_shape || !scale.has_shape) return {};
    SX_ASSIGN(const int axis, axis_of(context.attributes, x.shape));
    return check_blocks(x.shape, scale.shape, axis, block);
  }
  int64_t channels = context.opset < kAxisSince ? 1 : kUnknownDim;
  if (context.opset >= kAxisSince && x.has_shape && scale.is_static() &&
      scale.shape.elements() != 1) {
    SX_ASSIGN(const int axis, axis_of(context.attributes, x.shape));
    channels = x.shape[axis];
  }
  return check_quantization(context, kScale, kZero, quantized, channels);
}

Status bind_quantized(BindContext& context, const Attributes& attributes) {
  auto plan = std::make_unique<Plan>();
  SX_ASSIGN(plan->map, scale_map(attributes, context.inputs[kX], context.inputs[kScale].shape));
  ScratchLayout scratch;
  SX_ASSIGN(plan->scales, scratch.add(plan->map.scales, sizeof(float)));
  SX_ASSIGN(plan->zeros, scratch.add(plan->map.scales, sizeof(int32_t)));
  context.scratch_bytes = scratch.bytes();
  context.plan = std::move(plan);
  return {};
}

Result<QuantizedParameters> read_quantized(const RunContext& context) {
  const Plan& plan = *static_cast<const Plan*>(context.plan);
  auto* scales = reinterpret_cast<float*>(context.scratch + plan.scales);
  auto* zeros = reinterpret_cast<int32_t*>(context.scratch + plan.zeros);
  const TensorView zero = context.has_input(kZero) ? context.inputs[kZero] : TensorView();
  SX_TRY(read_scales(context.inputs[kScale], plan.map.scales, scales));
  SX_TRY(read_zeros(zero, plan.map.scales, zeros));
  return QuantizedParameters{plan.map, scales, zeros};
}

}  // namespace sardonyx::ops
