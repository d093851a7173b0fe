// QuantizeLinear: y = saturate(round(x / scale) + zero point), one scale for all or one per index
// of an axis.
#include <algorithm>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/quantization.h"
#include "ops/shape_rule.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kScale = 1, kZero = 2;
constexpr int64_t kBlock = 256;  // elements that are converted at once

Result<DType> output_dtype(const InferContext& context) {
  if (context.has_input(kZero)) return context.inputs[kZero].dtype;
  const int64_t wanted = context.attributes.get_int("output_dtype", 0);
  if (wanted == 0) return DType::kUint8;
  if (wanted < 0 || wanted > INT32_MAX || !is_known_dtype(static_cast<int32_t>(wanted))) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'output_dtype' is %lld: not a dtype",
                 static_cast<long long>(wanted));
  }
  return static_cast<DType>(wanted);
}

template <typename T>
void quantize(const TensorView& x, int64_t begin, int64_t count, float scale,
              const simd::QuantizedRange& range, T* y) {
  if (x.dtype == DType::kFloat32) {
    simd::quantize(x.as<const float>() + begin, count, scale, range, y + begin);
    return;
  }
  float block[kBlock];
  const int64_t width = dtype_bits(x.dtype) / 8;
  for (int64_t i = begin; i < begin + count; i += kBlock) {
    const int64_t n = std::min(kBlock, begin + count - i);
    convert(DType::kFloat32, block, x.dtype, x.as<const uint8_t>() + i * width, 1, n);
    simd::quantize(block, n, scale, range, y + i);
  }
}

class QuantizeKernel final : public Kernel {
 public:
  explicit QuantizeKernel(const Attributes& attributes) : attributes_(attributes) {}

  Status bind(BindContext& context) const override { return bind_quantized(context, attributes_); }

  Status run(const RunContext& context) const override {
    switch (context.outputs[0].dtype) {
      case DType::kInt8:
        return run_as<int8_t>(context);
      case DType::kUint16:
        return run_as<uint16_t>(context);
      case DType::kInt16:
        return run_as<int16_t>(context);
      default:
        return run_as<uint8_t>(context);
    }
  }
  std::string_view name() const override { return "quantize"; }

 private:
  template <typename T>
  Status run_as(const RunContext& context) const {
    SX_ASSIGN(const QuantizedParameters parameters, read_quantized(context));
    T* y = context.outputs[0].as<T>();
    const DType dtype = context.outputs[0].dtype;
    return for_each_piece(parameters.rows, [&](int64_t channel, int64_t begin, int64_t count) {
      quantize(context.inputs[kX], begin, count, parameters.scales[channel],
               full_range(dtype, parameters.zeros[channel]), y);
    });
  }

  const Attributes& attributes_;  // owned by the lowering, which outlives its kernels
};

}  // namespace

Status infer_quantize_linear(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  SX_TRY(check_dtype(context, kX,
                     {DType::kFloat32, DType::kFloat16, DType::kBfloat16, DType::kInt32}));
  SX_ASSIGN(const DType dtype, output_dtype(context));
  if (dtype != DType::kUint8 && dtype != DType::kInt8 && dtype != DType::kUint16 &&
      dtype != DType::kInt16) {
    return unsupported_dtype(dtype);
  }
  SX_TRY(check_quantized_axis(context, dtype));
  context.outputs[0] = {dtype, context.inputs[kX].has_shape, context.inputs[kX].shape, nullptr};
  return {};
}

Result<KernelPtr> make_quantize_linear(const KernelInit& init) {
  SX_TRY(check_constant_scale(init, kScale));
  return KernelPtr(std::make_unique<QuantizeKernel>(init.attributes));
}

}  // namespace sardonyx::ops
