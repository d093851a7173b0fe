// Operators with the inputs x, scale and zero point, where one scale is for the whole tensor, for
// an index of an axis, or for a block of such indices.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ops/operator.h"
#include "simd/parallel.h"

namespace sardonyx::ops {

// Which scale belongs to which element: x as [outer][dim][inner], a scale for `block` indices of
// the middle axis, the strides in scales.
struct ScaleMap {
  int64_t elements = 0;
  int64_t dim = 1, inner = 1, block = 1;
  int64_t outer_stride = 0, block_stride = 0, inner_stride = 0;
  int64_t scales = 1;

  int64_t scale_of(int64_t element) const {
    const int64_t row = element / inner;
    return row / dim * outer_stride + row % dim / block * block_stride +
           element % inner * inner_stride;
  }
  // How many elements from this one on have its scale.
  int64_t run_from(int64_t element) const {
    if (inner_stride != 0 && inner > 1) return 1;
    const int64_t at = element / inner % dim;
    return std::min(block - at % block, dim - at) * inner - element % inner;
  }
  // Calls fn(scale, begin, count) for the pieces of [begin, end) that share a scale.
  template <typename Fn>
  void for_each_piece(int64_t begin, int64_t end, Fn&& fn) const {
    while (begin < end) {
      const int64_t count = std::min(run_from(begin), end - begin);
      fn(scale_of(begin), begin, count);
      begin += count;
    }
  }
};

// The shape rule's part, given the dtype of zero points. ATTRIBUTE_INVALID, SHAPE_MISMATCH and the
// errors of check_quantization().
Status check_quantized_axis(const InferContext& context, DType quantized);

// The parameters of one run, in scratch memory.
struct QuantizedParameters {
  ScaleMap map;
  const float* scales;
  const int32_t* zeros;
};
Status bind_quantized(BindContext& context, const Attributes& attributes);
Result<QuantizedParameters> read_quantized(const RunContext& context);

// Elements per chunk of parallel work, and per block of conversions: whole bytes of every dtype.
inline constexpr int64_t kQuantizedGrain = 1 << 14;
inline constexpr int64_t kQuantizedBlock = 256;

}  // namespace sardonyx::ops
