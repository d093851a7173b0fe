// QuantizeLinear: y = saturate(round(x / scale) + zero point), to integers of 16 to 2 bits and to
// floats of 8 and 4.
#include <algorithm>
#include <cmath>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/quantization.h"
#include "ops/quantized_axis.h"
#include "ops/shape_rule.h"
#include "ops/small_float.h"

namespace sardonyx::ops {
namespace {

constexpr size_t kX = 0, kScale = 1, kZero = 2;

Result<DType> output_dtype(const InferContext& context) {
  if (context.has_input(kZero)) return context.inputs[kZero].dtype;
  return dtype_attribute(context.attributes, "output_dtype", DType::kUint8);
}

bool is_packed_integer(DType dtype) {
  return dtype == DType::kInt4 || dtype == DType::kUint4 || dtype == DType::kInt2 ||
         dtype == DType::kUint2;
}

// x / scale + zero as a float of few bits wants it, or as the integer that it becomes.
void quantize_to_floats(DType dtype, float scale, int32_t zero, float* x, int64_t count) {
  if (!is_packed_integer(dtype)) {
    for (int64_t i = 0; i < count; ++i) x[i] = x[i] / scale + static_cast<float>(zero);
    return;
  }
  for (int64_t i = 0; i < count; ++i) x[i] /= scale;
  const simd::QuantizedRange range = full_range(dtype, zero);
  const auto low = static_cast<float>(range.low), high = static_cast<float>(range.high);
  for (int64_t i = 0; i < count; ++i) {
    const float nearest = std::isnan(x[i]) ? 0.0f : std::nearbyint(x[i]);
    x[i] = std::clamp(nearest + static_cast<float>(zero), low, high);
  }
}

class QuantizeKernel final : public Kernel {
 public:
  explicit QuantizeKernel(const Attributes& attributes) : attributes_(attributes) {
    rules_.saturate = attributes.get_int("saturate", 1) != 0;
  }

  Status bind(BindContext& context) const override { return bind_quantized(context, attributes_); }

  Status run(const RunContext& context) const override {
    SX_ASSIGN(const QuantizedParameters parameters, read_quantized(context));
    const TensorView &x = context.inputs[kX], &y = context.outputs[0];
    const bool direct = x.dtype == DType::kFloat32 && has_quantize_span(y.dtype);
    return simd::parallel_for(
        parameters.map.elements, kQuantizedGrain, [&](int64_t begin, int64_t end) {
          if (direct) return quantize(parameters, x.as<const float>(), 0, begin, end, y);
          for (int64_t i = begin; i < end; i += kQuantizedBlock) {
            quantize_block(parameters, x, i, std::min(end, i + kQuantizedBlock), y);
          }
        });
  }
  std::string_view name() const override { return "quantize"; }

 private:
  // Elements [begin, end) of x, which starts at element `first`, to integers of whole bytes.
  static void quantize(const QuantizedParameters& parameters, const float* x, int64_t first,
                       int64_t begin, int64_t end, const TensorView& y) {
    const int64_t width = dtype_bits(y.dtype) / 8;
    parameters.map.for_each_piece(begin, end, [&](int64_t scale, int64_t at, int64_t count) {
      quantize_span(y.dtype, x + (at - first), count, parameters.scales[scale],
                    parameters.zeros[scale], y.as<uint8_t>() + at * width);
    });
  }

  void quantize_block(const QuantizedParameters& parameters, const TensorView& x, int64_t begin,
                      int64_t end, const TensorView& y) const {
    float block[kQuantizedBlock];
    convert(DType::kFloat32, block, x.dtype,
            x.as<const uint8_t>() + begin * dtype_bits(x.dtype) / 8, 1, end - begin);
    if (has_quantize_span(y.dtype)) return quantize(parameters, block, begin, begin, end, y);
    parameters.map.for_each_piece(begin, end, [&](int64_t scale, int64_t at, int64_t count) {
      quantize_to_floats(y.dtype, parameters.scales[scale], parameters.zeros[scale],
                         block + (at - begin), count);
    });
    convert(y.dtype, y.as<uint8_t>() + begin * dtype_bits(y.dtype) / 8, DType::kFloat32, block, 1,
            end - begin, rules_);
  }

  const Attributes& attributes_;  // owned by the lowering, which outlives its kernels
  SmallFloatRules rules_;
};

}  // namespace

Status infer_quantize_linear(InferContext& context) {
  SX_TRY(check_arity(context, 2, 3));
  SX_TRY(check_dtype(context, kX,
                     {DType::kFloat32, DType::kFloat16, DType::kBfloat16, DType::kInt32}));
  SX_ASSIGN(const DType dtype, output_dtype(context));
  if (!has_quantize_span(dtype) && !is_packed_integer(dtype) && !is_small_float(dtype)) {
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
