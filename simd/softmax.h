// Softmax and log-softmax of float tensors [outer, n, inner] over n, threaded. Output may be the
// input.
#pragma once

#include <cstdint>

#include "base/status.h"

namespace sardonyx::simd {

enum class SoftmaxKind : uint8_t { kSoftmax, kLogSoftmax };

// As NumPy: a NaN or +inf in a row makes the row NaN (elements below -87 under the largest are 0).
Status softmax(SoftmaxKind kind, const float* x, float* y, int64_t outer, int64_t n, int64_t inner);

}  // namespace sardonyx::simd
