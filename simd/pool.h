// Max and average pooling over up to three axes, fp32, in both layouts. NaN gives NaN. Maxima also
// of bytes, row-major.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "base/tensor.h"

namespace sardonyx::simd {

// Axes are depth, height, width; those that do not exist have extent 1 and no padding.
struct PoolShape {
  Layout layout = Layout::kRowMajor;  // of input and output
  int64_t planes = 0;                 // images times channels, or times channel blocks for kNC4HW4
  int64_t in[3] = {1, 1, 1};
  int64_t out[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1};
  int64_t stride[3] = {1, 1, 1};
  int64_t dilation[3] = {1, 1, 1};
  int64_t pad_begin[3] = {0, 0, 0};
  int64_t pad_end[3] = {0, 0, 0};
  bool count_include_pad = false;  // averages only

  int64_t in_plane() const { return in[0] * in[1] * in[2]; }
  int64_t out_plane() const { return out[0] * out[1] * out[2]; }
};

// -inf where a window has no element.
Status max_pool(const PoolShape& shape, const float* x, float* y);
// Row-major int8_t or uint8_t; the lowest of them where a window has no element.
template <typename T>
Status max_pool_bytes(const PoolShape& shape, const T* x, T* y);
// Averages over the elements of the window that are inside the input, or inside the padded input.
// NaN where there are none.
Status average_pool(const PoolShape& shape, const float* x, float* y);
// Row-major; `indices` receives the index in x of each maximum (the first of equals), -1 for an
// empty window. With `column_major`, the index within a plane counts the first axis fastest.
Status max_pool_indices(const PoolShape& shape, bool column_major, const float* x, float* y,
                        int64_t* indices);

// Of each plane of `count` pixels. In channel blocks four results per plane.
Status global_max_pool(Layout layout, int64_t planes, int64_t count, const float* x, float* y);
Status global_average_pool(Layout layout, int64_t planes, int64_t count, const float* x, float* y);

}  // namespace sardonyx::simd
