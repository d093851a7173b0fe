#include "engine/gpu/plane.h"

#include "ops/transposed_window.h"

namespace sardonyx::gpu {
namespace {

void set_axis(const Emitter& e, const ops::Window& window, int axis, const ops::WindowAxis& placed,
              Plane& plane) {
  const auto from = static_cast<size_t>(axis);
  const int to = 2 - window.axes + axis;
  plane.in[to] = e.input(0).shape[axis + 2];
  plane.out[to] = e.output(0).shape[axis + 2];
  plane.kernel[to] = window.kernel[from];
  plane.stride[to] = window.stride[from];
  plane.dilation[to] = window.dilation[from];
  plane.begin[to] = placed.pad_begin;
  plane.end[to] = placed.pad_end;
}

bool fits(const Emitter& e, int axes) {
  const int rank = e.input(0).shape.rank();
  return (rank == 3 || rank == 4) && axes == rank - 2;
}

}  // namespace

void Plane::flatten() {
  for (int i = 0; i < 2; ++i) {
    if (kernel[i] != 1 || stride[i] != 1 || begin[i] != 0 || end[i] != 0) return;
  }
  in[1] *= in[0];
  out[1] *= out[0];
  in[0] = out[0] = 1;
}

void Plane::write(GpuStep& step) const {
  uint32_t* to = step.params + 5;
  for (const auto* pair : {in, out, kernel, stride, dilation, begin}) {
    *to++ = word(pair[0]);
    *to++ = word(pair[1]);
  }
}

bool read_plane(const Emitter& e, std::span<const int64_t> kernel, Plane& plane) {
  const auto window = ops::parse_window(e.attributes(), kernel);
  if (!window.ok() || !fits(e, window.value().axes)) return false;
  for (int axis = 0; axis < window.value().axes; ++axis) {
    const auto placed = ops::place_window(window.value(), axis, e.input(0).shape[axis + 2]);
    if (!placed.ok()) return false;
    set_axis(e, window.value(), axis, placed.value(), plane);
  }
  return true;
}

bool read_transposed_plane(const Emitter& e, std::span<const int64_t> kernel, Plane& plane) {
  const auto window = ops::parse_transposed_window(e.attributes(), kernel);
  if (!window.ok() || !fits(e, window.value().window.axes)) return false;
  for (int axis = 0; axis < window.value().window.axes; ++axis) {
    const auto placed = ops::place_transposed(window.value(), axis, e.input(0).shape[axis + 2]);
    if (!placed.ok()) return false;
    set_axis(e, window.value().window, axis, placed.value(), plane);
  }
  return true;
}

}  // namespace sardonyx::gpu
