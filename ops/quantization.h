// Quantized tensors, real = (q - zero point) * scale: what the operators on them share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ops/operator.h"
#include "simd/parallel.h"
#include "simd/quantize.h"

namespace sardonyx::ops {

// --- shape rules ---------------------------------------------------------------------------------

// The scale at input `scale` is float32, float16 or bfloat16, the zero point at `zero`, if present,
// of the dtype `quantized`; each has one element or one per channel. `channels` may be kUnknownDim
// (not known) or 1. DTYPE_UNSUPPORTED, SHAPE_MISMATCH.
Status check_quantization(const InferContext& context, size_t scale, size_t zero, DType quantized,
                          int64_t channels);

// VALUE_RANGE when the scale at input `scale` is constant and not finite and above zero.
Status check_constant_scale(const KernelInit& init, size_t scale);

// --- contents ------------------------------------------------------------------------------------

// `count` scales; one is repeated. VALUE_RANGE unless all are finite and above zero,
// SHAPE_MISMATCH when there are neither one nor `count`.
Status read_scales(const TensorView& scales, int64_t count, float* to);
// `count` zero points, zeros when there are none; one is repeated. SHAPE_MISMATCH.
Status read_zeros(const TensorView& zeros, int64_t count, int32_t* to);

// All values of an 8-bit or 16-bit integer dtype.
simd::QuantizedRange full_range(DType dtype, int32_t zero);

// --- rows ----------------------------------------------------------------------------------------

// A tensor as rows of `length` elements; row i has the parameters of channel i % channels.
struct QuantizedRows {
  int64_t elements = 0;
  int64_t length = 1;
  int64_t channels = 1;
};

// For operators with the inputs x, scale and zero point, and an axis that counts when there is more
// than one scale: what the shape rule checks, given the dtype of zero points; what bind() does; and
// what run() starts with. ATTRIBUTE_INVALID, MODEL_UNSUPPORTED for scales of blocks, and the errors
// of the functions above.
Status check_quantized_axis(const InferContext& context, DType quantized);
Status bind_quantized(BindContext& context, const Attributes& attributes);
struct QuantizedParameters {
  QuantizedRows rows;
  const float* scales;   // per channel
  const int32_t* zeros;  // per channel
};
Result<QuantizedParameters> read_quantized(const RunContext& context);

inline constexpr int64_t kQuantizedGrain = 1 << 14;  // elements per chunk

// Calls fn(channel, begin, count) for pieces of rows, in parallel.
template <typename Fn>
Status for_each_piece(const QuantizedRows& rows, Fn&& fn) {
  return simd::parallel_for(rows.elements, kQuantizedGrain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t row = begin / rows.length;
      const int64_t count = std::min(end, (row + 1) * rows.length) - begin;
      fn(row % rows.channels, begin, count);
      begin += count;
    }
  });
}

}  // namespace sardonyx::ops
