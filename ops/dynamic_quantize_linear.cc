// DynamicQuantizeLinear: uint8 with the scale and zero point that just cover the contents and 0.
#include <algorithm>
#include <cmath>

#include "ops/operator.h"
#include "ops/quantization.h"
#include "ops/quantized_axis.h"
#include "ops/shape_rule.h"
#include "simd/reduce.h"

namespace sardonyx::ops {
namespace {

Status run_dynamic_quantize_linear(const Attributes&, const RunContext& context) {
  const float* x = context.inputs[0].as<const float>();
  const int64_t count = context.outputs[0].elements();
  const simd::Extent extent = simd::reduce_extent(x, count);
  // Constant zeros have no extent; any scale does.
  const float scale = extent.high == extent.low ? 1.0f : (extent.high - extent.low) / 255.0f;
  if (!(std::isfinite(scale) && scale > 0)) {
    return error(ErrorCode::VALUE_RANGE, "contents from %g to %g can not be quantized",
                 double{extent.low}, double{extent.high});
  }
  const auto zero =
      static_cast<int32_t>(std::nearbyint(std::clamp(-extent.low / scale, 0.0f, 255.0f)));
  if (context.has_output(1)) *context.outputs[1].as<float>() = scale;
  if (context.has_output(2)) *context.outputs[2].as<uint8_t>() = static_cast<uint8_t>(zero);
  auto* y = context.outputs[0].as<uint8_t>();
  return simd::parallel_for(count, kQuantizedGrain, [=](int64_t begin, int64_t end) {
    simd::quantize(x + begin, end - begin, scale, full_range(DType::kUint8, zero), y + begin);
  });
}

}  // namespace

Status infer_dynamic_quantize_linear(InferContext& context) {
  SX_TRY(check_arity(context, 1, 1, 3));
  SX_TRY(check_dtype(context, 0, {DType::kFloat32}));
  const ValueFacts& x = context.inputs[0];
  context.outputs[0] = {DType::kUint8, x.has_shape, x.shape, nullptr};
  if (context.has_output(1)) context.set_output(1, DType::kFloat32, Shape{});
  if (context.has_output(2)) context.set_output(2, DType::kUint8, Shape{});
  return {};
}

Result<KernelPtr> make_dynamic_quantize_linear(const KernelInit& init) {
  return stateless(init, run_dynamic_quantize_linear);
}

}  // namespace sardonyx::ops
