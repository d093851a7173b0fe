// Softmax and log-softmax of float tensors [outer, n, inner] over n, threaded. Output may be the
// input.
#pragma once

#include <cstdint>

#include "base/status.h"

namespace sardonyx::simd {

enum class SoftmaxKind : uint8_t { kSoftmax, kLogSoftmax };

// As NumPy: a NaN or +inf in a row makes the row NaN (elements below -87 under the largest are 0).
Status softmax(SoftmaxKind kind, const float* x, float* y, int64_t outer, int64_t n, int64_t inner);

// Parts of the softmax of one row, for callers that see it in pieces. On the calling thread.
float softmax_max(const float* x, int64_t n);  // NaNs ignored; -inf when empty
// y = exp(x - max) for a finite max, and their sum; y may be x.
float softmax_exp(const float* x, float* y, int64_t n, float max);

}  // namespace sardonyx::simd
