// Attention of kPanel queries that stand side by side: scores are [keys][kPanel], the sums of
// values [size][kPanel]. Keys come in parts; between them the softmax is that of the keys so far.
// On the calling thread.
#pragma once

#include <cstdint>

#include "simd/gemm_tile.h"

namespace sardonyx::simd {

struct PanelSoftmax {
  float max[kPanel];    // -inf: no key seen
  float total[kPanel];  // of exp(score - max)
  float fade[kPanel];   // what was summed before the last part counts so much of it now
};

// scores[key][j] += mask[j * row_step + key].
void panel_add_mask(const float* mask, int64_t row_step, int64_t keys, float* scores);

// scores become exp(scores - max). A NaN or +inf makes its query NaN.
void panel_soften(float* scores, int64_t keys, PanelSoftmax& softmax);

// sums[i][j] = fade[j] * sums[i][j] + the sum over keys of values[key * stride + i] *
// weights[key][j], i < size.
void panel_add_values(const float* values, int64_t stride, int64_t size, const float* weights,
                      int64_t keys, const float* fade, float* sums);

}  // namespace sardonyx::simd
