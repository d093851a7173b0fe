// DequantizeLinear: y = (x - zero point) * scale, one scale for all or one per index of an axis.
#include <algorithm>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/quantization.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kScale = 1;
constexpr int64_t kBlock = 256;  // elements that are converted at once

template <typename T>
void dequantize(const T* x, int64_t begin, int64_t count, float scale, int32_t zero,
                const TensorView& y) {
  if (y.dtype == DType::kFloat32) {
    simd::dequantize(x + begin, count, scale, zero, y.as<float>() + begin);
    return;
  }
  float block[kBlock];
  const int64_t width = dtype_bits(y.dtype) / 8;
  for (int64_t i = begin; i < begin + count; i += kBlock) {
    const int64_t n = std::min(kBlock, begin + count - i);
    simd::dequantize(x + i, n, scale, zero, block);
    convert(y.dtype, y.as<uint8_t>() + i * width, DType::kFloat32, block, 1, n);
  }
}

class DequantizeKernel final : public Kernel {
 public:
  explicit DequantizeKernel(const Attributes& attributes) : attributes_(attributes) {}

  Status bind(BindContext& context) const override { return bind_quantized(context, attributes_); }

  Status run(const RunContext& context) const override {
    switch (context.inputs[kX].dtype) {
      case DType::kInt8:
        return run_as<int8_t>(context);
      case DType::kUint16:
        return run_as<uint16_t>(context);
      case DType::kInt16:
        return run_as<int16_t>(context);
      case DType::kInt32:
        return run_as<int32_t>(context);
      default:
        return run_as<uint8_t>(context);
    }
  }
  std::string_view name() const override { return "dequantize"; }

 private:
  template <typename T>
  Status run_as(const RunContext& context) const {
    SX_ASSIGN(const QuantizedParameters parameters, read_quantized(context));
    const T* x = context.inputs[kX].as<const T>();
    return for_each_piece(parameters.rows, [&](int64_t channel, int64_t begin, int64_t count) {
      dequantize(x, begin, count, parameters.scales[channel], parameters.zeros[channel],
                 context.outputs[0]);
    });
  }

  const Attributes& attributes_;  // owned by the lowering, which outlives its kernels
};

}  // namespace

Status infer_dequantize_linear(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  SX_TRY(check_dtype(context, kX,
                     {DType::kUint8, DType::kInt8, DType::kUint16, DType::kInt16, DType::kInt32}));
  SX_TRY(check_quantized_axis(context, context.inputs[kX].dtype));
  context.outputs[0] = {context.inputs[kScale].dtype, context.inputs[kX].has_shape,
                        context.inputs[kX].shape, nullptr};
  return {};
}

Result<KernelPtr> make_dequantize_linear(const KernelInit& init) {
  SX_TRY(check_constant_scale(init, kScale));
  return KernelPtr(std::make_unique<DequantizeKernel>(init.attributes));
}

}  // namespace sardonyx::ops
