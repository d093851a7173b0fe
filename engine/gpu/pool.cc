// Pooling for WebGPU: row-major, over one or two axes.
#include "engine/gpu/plane.h"

namespace sardonyx::gpu {

// Variant: 0 maximum, 1 average inside the input, 2 average inside the padded input.
bool lower_pool(Emitter& e) {
  if (!e.all_float() || e.has_output(1)) return false;
  Plane plane;
  if (!read_plane(e, e.attributes().get_ints("kernel_shape"), plane)) return false;
  const bool padding_counts = e.attributes().get_int("count_include_pad", 0) != 0;
  const uint32_t variant = e.type() == "MaxPool" ? 0 : padding_counts ? 2 : 1;
  GpuStep& step = e.add(GpuKernel::kPool, e.output(0).elements(), variant);
  e.operand(step, 0, 0);
  plane.write(step);
  step.params[17] = word(plane.end[0]);
  step.params[18] = word(plane.end[1]);
  return true;
}

}  // namespace sardonyx::gpu
