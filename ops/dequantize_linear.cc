// DequantizeLinear: y = (x - zero point) * scale, of integers of 32 to 2 bits and floats of 8
// and 4.
#include <algorithm>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/quantization.h"
#include "ops/quantized_axis.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kScale = 1;

// Elements [begin, end) of x to floats at y.
void dequantize(const QuantizedParameters& parameters, const TensorView& x, int64_t begin,
                int64_t end, float* y) {
  const int64_t bits = dtype_bits(x.dtype);
  const bool direct = has_dequantize_span(x.dtype);
  if (!direct) {
    convert(DType::kFloat32, y, x.dtype, x.as<const uint8_t>() + begin * bits / 8, 1, end - begin);
  }
  parameters.map.for_each_piece(begin, end, [&](int64_t index, int64_t at, int64_t count) {
    const float scale = parameters.scales[index];
    const int32_t zero = parameters.zeros[index];
    float* to = y + (at - begin);
    if (direct) {
      return dequantize_span(x.dtype, x.as<const uint8_t>() + at * bits / 8, count, scale, zero,
                             to);
    }
    for (int64_t i = 0; i < count; ++i) to[i] = (to[i] - static_cast<float>(zero)) * scale;
  });
}

class DequantizeKernel final : public Kernel {
 public:
  explicit DequantizeKernel(const Attributes& attributes) : attributes_(attributes) {}

  Status bind(BindContext& context) const override { return bind_quantized(context, attributes_); }

  Status run(const RunContext& context) const override {
    SX_ASSIGN(const QuantizedParameters parameters, read_quantized(context));
    const TensorView &x = context.inputs[kX], &y = context.outputs[0];
    const int64_t width = dtype_bits(y.dtype) / 8;
    return simd::parallel_for(
        parameters.map.elements, kQuantizedGrain, [&](int64_t begin, int64_t end) {
          if (y.dtype == DType::kFloat32) {
            return dequantize(parameters, x, begin, end, y.as<float>() + begin);
          }
          float block[kQuantizedBlock];
          for (int64_t i = begin; i < end; i += kQuantizedBlock) {
            const int64_t stop = std::min(end, i + kQuantizedBlock);
            dequantize(parameters, x, i, stop, block);
            convert(y.dtype, y.as<uint8_t>() + i * width, DType::kFloat32, block, 1, stop - i);
          }
        });
  }
  std::string_view name() const override { return "dequantize"; }

 private:
  const Attributes& attributes_;  // owned by the lowering, which outlives its kernels
};

}  // namespace

Status infer_dequantize_linear(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  const DType x = context.inputs[kX].dtype;
  if (x == DType::kFloat32 || x == DType::kFloat64 || carrier_dtype(x) == DType::kUndefined ||
      dtype_bits(x) == 64 || x == DType::kBool) {
    return unsupported_dtype(x);
  }
  SX_TRY(check_quantized_axis(context, x));
  const DType scale = context.inputs[kScale].dtype;
  const DType fallback = scale == DType::kFloat8E8M0 ? DType::kFloat32 : scale;
  SX_ASSIGN(const DType dtype, dtype_attribute(context.attributes, "output_dtype", fallback));
  if (dtype != DType::kFloat32 && dtype != DType::kFloat16 && dtype != DType::kBfloat16) {
    return unsupported_dtype(dtype);
  }
  context.outputs[0] = {dtype, context.inputs[kX].has_shape, context.inputs[kX].shape, nullptr};
  return {};
}

Result<KernelPtr> make_dequantize_linear(const KernelInit& init) {
  SX_TRY(check_constant_scale(init, kScale));
  return KernelPtr(std::make_unique<DequantizeKernel>(init.attributes));
}

}  // namespace sardonyx::ops
