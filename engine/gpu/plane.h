// A window that slides over height and width, as convolution and pooling kernels are told of it.
#pragma once

#include "engine/gpu/emitter.h"

namespace sardonyx::gpu {

// Height and width; a single axis is a width.
struct Plane {
  int64_t in[2] = {1, 1}, out[2] = {1, 1}, kernel[2] = {1, 1}, stride[2] = {1, 1};
  int64_t dilation[2] = {1, 1}, begin[2] = {0, 0}, end[2] = {0, 0};

  // A kernel of one place that visits each element once: the plane is one row.
  void flatten();
  bool padded() const { return begin[0] > 0 || begin[1] > 0 || end[0] > 0 || end[1] > 0; }
  // To params[5..16].
  void write(GpuStep& step) const;
};

// The window of input 0 of a convolution or pooling; false when it has other numbers of axes.
bool read_plane(const Emitter& e, std::span<const int64_t> kernel, Plane& plane);
// That of a transposed convolution.
bool read_transposed_plane(const Emitter& e, std::span<const int64_t> kernel, Plane& plane);

}  // namespace sardonyx::gpu
