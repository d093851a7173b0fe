// Quantized tensors, real = (q - zero point) * scale: what the operators on them share.
#pragma once

#include <cstdint>

#include "ops/operator.h"
#include "simd/quantize.h"

namespace sardonyx::ops {

// --- shape rules ---------------------------------------------------------------------------------

// The scale at input `scale` is float32, float16, bfloat16 or float8e8m0, the zero
// point at `zero`, if present,
// of the dtype `quantized`; each has one element or one per channel. `channels` may be kUnknownDim
// (not known) or 1. DTYPE_UNSUPPORTED, SHAPE_MISMATCH.
Status check_quantization(const InferContext& context, size_t scale, size_t zero, DType quantized,
                          int64_t channels);
// The dtypes alone.
Status check_quantization_dtypes(const InferContext& context, size_t scale, size_t zero,
                                 DType quantized);

// Blocks of weights may have scales of any sign, and zero: those of the symmetric 4-bit form are
// negative where the largest weight is.
enum class ScaleSign : uint8_t { kPositive, kAny };

// VALUE_RANGE when a scale at input `scale` is constant and not finite, or not of that sign.
Status check_constant_scale(const KernelInit& init, size_t scale,
                            ScaleSign sign = ScaleSign::kPositive);

// --- contents ------------------------------------------------------------------------------------

// `count` scales; one is repeated. VALUE_RANGE unless all are finite and above zero,
// SHAPE_MISMATCH when there are neither one nor `count`.
Status read_scales(const TensorView& scales, int64_t count, float* to);
// `count` zero points, zeros when there are none; one is repeated. SHAPE_MISMATCH.
Status read_zeros(const TensorView& zeros, int64_t count, int32_t* to);

// All values of an integer dtype of at most 16 bits.
simd::QuantizedRange full_range(DType dtype, int32_t zero);

// --- arithmetic ----------------------------------------------------------------------------------

// Whether quantize_span() and dequantize_span() know the integers: those of 8 and 16 bits, and
// int32 for the second.
bool has_quantize_span(DType dtype);
bool has_dequantize_span(DType dtype);
// simd::quantize and simd::dequantize of `count` elements of that dtype.
void quantize_span(DType dtype, const float* x, int64_t count, float scale, int32_t zero, void* y);
void dequantize_span(DType dtype, const void* x, int64_t count, float scale, int32_t zero,
                     float* y);

}  // namespace sardonyx::ops
