#include "ops/quantization.h"

#include <cmath>

#include "ops/convert.h"
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

Status count_mismatch(const char* what, const TensorView& tensor, int64_t count) {
  return error(ErrorCode::SHAPE_MISMATCH, "%s of shape %s for %lld channels", what,
               tensor.shape.to_string().c_str(), static_cast<long long>(count));
}

Status check_scales(const float* scales, int64_t count, int64_t first, ScaleSign sign) {
  for (int64_t i = 0; i < count; ++i) {
    if (std::isfinite(scales[i]) && (sign == ScaleSign::kAny || scales[i] > 0)) continue;
    return error(ErrorCode::VALUE_RANGE, "scale %lld is %g: scales are finite%s",
                 static_cast<long long>(first + i), double{scales[i]},
                 sign == ScaleSign::kAny ? "" : " and above zero");
  }
  return {};
}

}  // namespace

Status check_quantization_dtypes(const InferContext& context, size_t scale, size_t zero,
                                 DType quantized) {
  SX_TRY(check_dtype(context, scale,
                     {DType::kFloat32, DType::kFloat16, DType::kBfloat16, DType::kFloat8E8M0}));
  if (!context.has_input(zero)) return {};
  const ValueFacts& given = context.inputs[zero];
  if (given.dtype == quantized || quantized == DType::kUndefined) return {};
  return error(ErrorCode::DTYPE_UNSUPPORTED, "the zero point at input %zu is %s, not %s", zero,
               std::string(dtype_name(given.dtype)).c_str(),
               std::string(dtype_name(quantized)).c_str());
}

Status check_quantization(const InferContext& context, size_t scale, size_t zero, DType quantized,
                          int64_t channels) {
  SX_TRY(check_quantization_dtypes(context, scale, zero, quantized));
  SX_TRY(check_shape(context, scale, "scale", channels));
  return check_shape(context, zero, "zero point", channels);
}

Status check_constant_scale(const KernelInit& init, size_t scale, ScaleSign sign) {
  if (!init.has_input(scale) || !init.inputs[scale].constant) return {};
  const TensorView view = init.inputs[scale].constant->view();
  const int64_t width = dtype_bits(view.dtype) / 8;
  constexpr int64_t kAtOnce = 64;
  float values[kAtOnce];
  for (int64_t first = 0; first < view.elements(); first += kAtOnce) {
    const int64_t count = std::min(kAtOnce, view.elements() - first);
    convert(DType::kFloat32, values, view.dtype, view.as<const uint8_t>() + first * width, 1,
            count);
    SX_TRY(check_scales(values, count, first, sign));
  }
  return {};
}

Status read_scales(const TensorView& scales, int64_t count, float* to) {
  const int64_t given = scales.elements();
  if (given != 1 && given != count) return count_mismatch("scales", scales, count);
  if (count == 0) return {};
  convert(DType::kFloat32, to, scales.dtype, scales.data, given == 1 ? 0 : 1, count);
  return check_scales(to, count, 0, ScaleSign::kPositive);
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
    case DType::kInt4:
      return {zero, -8, 7};
    case DType::kUint4:
      return {zero, 0, 15};
    case DType::kInt2:
      return {zero, -2, 1};
    case DType::kUint2:
      return {zero, 0, 3};
    default:
      return {zero, 0, UINT8_MAX};
  }
}

bool has_quantize_span(DType dtype) {
  return dtype == DType::kUint8 || dtype == DType::kInt8 || dtype == DType::kUint16 ||
         dtype == DType::kInt16;
}

bool has_dequantize_span(DType dtype) {
  return has_quantize_span(dtype) || dtype == DType::kInt32;
}

void quantize_span(DType dtype, const float* x, int64_t count, float scale, int32_t zero, void* y) {
  const simd::QuantizedRange range = full_range(dtype, zero);
  switch (dtype) {
    case DType::kInt8:
      return simd::quantize(x, count, scale, range, static_cast<int8_t*>(y));
    case DType::kUint16:
      return simd::quantize(x, count, scale, range, static_cast<uint16_t*>(y));
    case DType::kInt16:
      return simd::quantize(x, count, scale, range, static_cast<int16_t*>(y));
    default:
      return simd::quantize(x, count, scale, range, static_cast<uint8_t*>(y));
  }
}

void dequantize_span(DType dtype, const void* x, int64_t count, float scale, int32_t zero,
                     float* y) {
  switch (dtype) {
    case DType::kInt8:
      return simd::dequantize(static_cast<const int8_t*>(x), count, scale, zero, y);
    case DType::kUint16:
      return simd::dequantize(static_cast<const uint16_t*>(x), count, scale, zero, y);
    case DType::kInt16:
      return simd::dequantize(static_cast<const int16_t*>(x), count, scale, zero, y);
    case DType::kInt32:
      return simd::dequantize(static_cast<const int32_t*>(x), count, scale, zero, y);
    default:
      return simd::dequantize(static_cast<const uint8_t*>(x), count, scale, zero, y);
  }
}

}  // namespace sardonyx::ops
