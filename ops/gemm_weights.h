// Second operands of matrix products: constants packed once, run-time ones packed into scratch.
#pragma once

#include <cstdint>
#include <memory>

#include "base/checked.h"
#include "ops/operator.h"
#include "simd/gemm.h"

namespace sardonyx::ops {

// Rows of A up to which a B that is used once is read in place: packing it costs more than it gains
// (measured for 512 x 64 and 1024 x 1024).
inline constexpr int64_t kInPlaceRows = 24;

// A stack of float matrices B [count][k, n], stored transposed ([count][n, k]) or not.
struct WeightLayout {
  int64_t count = 1, k = 0, n = 0;
  bool transposed = false;
  float scale = 1.0f;

  int64_t row_stride() const { return transposed ? 1 : n; }
  int64_t column_stride() const { return transposed ? k : 1; }
  int64_t packed_size() const { return simd::gemm_packed_size(k, n); }  // floats, of one matrix
};

// Bytes of all packed matrices; LIMIT_EXCEEDED.
Result<size_t> packed_bytes(const WeightLayout& layout);

// Packed weights as the product takes them: float32 or, of a float16 constant, float16.
struct PackedWeights {
  std::shared_ptr<const Block> block;
  bool halves = false;

  explicit operator bool() const { return block != nullptr; }
  void give(simd::GemmOperands& operands) const;
  std::string_view kernel_name() const;
};

// The packed form of the constant input i, shared between nodes; tells the engine that the input is
// not needed any more.
Result<PackedWeights> pack_constant(const KernelInit& init, size_t input,
                                    const WeightLayout& layout);

// Packs matrices that are only known at run time, on all threads.
Status pack_weights(const float* from, const WeightLayout& layout, float* to);

}  // namespace sardonyx::ops
