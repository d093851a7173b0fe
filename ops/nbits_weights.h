// The weights of MatMulNBits: N columns of K integers of 2, 4 or 8 bits, in blocks along K that
// have a scale and a zero point.
#pragma once

#include <span>

#include "base/checked.h"
#include "ops/operator.h"
#include "simd/nbits_dot.h"

namespace sardonyx::ops {

enum NBitsInput : size_t { kA, kB, kScales, kZeros, kGroups, kBias };

struct NBitsWeights {
  int64_t k = 0, n = 0, block = 0;
  int bits = 0;

  int64_t blocks() const { return ceil_div(k, block); }
  int64_t blob() const { return block * bits / 8; }
  // Bytes of a column's zero points, if they are packed.
  int64_t zero_row() const { return ceil_div<int64_t>(blocks() * bits, 8); }
  simd::NBitsFormat format() const { return {bits, block, k}; }

  // The inputs are those of a MatMulNBits node that infer_matmul_nbits() took, with float32 for
  // every float.

  // Zero points of `count` columns from `first` on, blocks() each, or null if there are none;
  // `memory` takes them unless the model has floats.
  const float* zeros(std::span<const TensorView> inputs, int64_t first, int64_t count,
                     float* memory) const;
  // The first `count` elements of a block.
  void dequantize(std::span<const TensorView> inputs, int64_t column, int64_t block_index,
                  int64_t count, float* to) const;
};

// ATTRIBUTE_INVALID unless the attributes are those of such weights.
Result<NBitsWeights> nbits_weights(const Attributes& attributes);

// SHAPE_MISMATCH where an input of known shape does not hold them.
Status check_nbits_weights(const InferContext& context, const NBitsWeights& weights);

}  // namespace sardonyx::ops
