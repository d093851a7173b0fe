// Transposing small tiles of 4-byte elements, on the calling thread.
#pragma once

#include <cstdint>

namespace sardonyx::simd {

// to[c * to_stride + r] = from[r * from_stride + c] for r in [0, rows), c in [0, columns). Any
// 4-byte elements, whose bits are kept.
void transpose_tile(const float* from, int64_t from_stride, int64_t rows, int64_t columns,
                    float* to, int64_t to_stride);

}  // namespace sardonyx::simd
