// Convolution, pooling and enlarging for WebGPU: row-major, over one or two axes.
#include "engine/gpu/emitter.h"
#include "ops/activation.h"
#include "ops/resize_table.h"
#include "ops/window.h"

namespace sardonyx::gpu {
namespace {

constexpr int64_t kTile = 4;

// Height and width; a single axis is a width.
struct Plane {
  int64_t in[2] = {1, 1}, out[2] = {1, 1}, kernel[2] = {1, 1}, stride[2] = {1, 1};
  int64_t dilation[2] = {1, 1}, begin[2] = {0, 0}, end[2] = {0, 0};

  // A kernel of one place that visits each element once: the plane is one row.
  void flatten() {
    for (int i = 0; i < 2; ++i) {
      if (kernel[i] != 1 || stride[i] != 1 || begin[i] != 0 || end[i] != 0) return;
    }
    in[1] *= in[0];
    out[1] *= out[0];
    in[0] = out[0] = 1;
  }
  bool padded() const { return begin[0] > 0 || begin[1] > 0 || end[0] > 0 || end[1] > 0; }
};

bool read_plane(const Emitter& e, std::span<const int64_t> kernel, Plane& plane) {
  const Shape& x = e.input(0).shape;
  const Shape& y = e.output(0).shape;
  if (x.rank() != 3 && x.rank() != 4) return false;
  const auto window = ops::parse_window(e.attributes(), kernel);
  if (!window.ok() || window.value().axes != x.rank() - 2) return false;
  for (int axis = 0; axis < window.value().axes; ++axis) {
    const auto placed = ops::place_window(window.value(), axis, x[axis + 2]);
    if (!placed.ok()) return false;
    const auto from = static_cast<size_t>(axis);
    const int to = 2 - window.value().axes + axis;
    plane.in[to] = x[axis + 2];
    plane.out[to] = y[axis + 2];
    plane.kernel[to] = window.value().kernel[from];
    plane.stride[to] = window.value().stride[from];
    plane.dilation[to] = window.value().dilation[from];
    plane.begin[to] = placed.value().pad_begin;
    plane.end[to] = placed.value().pad_end;
  }
  return true;
}

// params[5..16]
void write_plane(const Plane& plane, GpuStep& step) {
  uint32_t* to = step.params + 5;
  for (const auto* pair :
       {plane.in, plane.out, plane.kernel, plane.stride, plane.dilation, plane.begin}) {
    *to++ = word(pair[0]);
    *to++ = word(pair[1]);
  }
}

enum ConvVariant : uint32_t { kBias = 1u << 8, kAddend = 1u << 9, kPadded = 1u << 10 };

}  // namespace

bool lower_conv(Emitter& e) {
  if (!e.all_float()) return false;
  const Shape& x = e.input(0).shape;
  const Shape& w = e.input(1).shape;
  const auto activation = ops::parse_activation(e.attributes());
  Plane plane;
  if (!activation.ok() || !read_plane(e, w.dims().subspan(2), plane)) return false;
  plane.flatten();
  const int64_t groups = e.attributes().get_int("group", 1);
  const int64_t filters = w[0], per_group = filters / groups;
  const bool tiled = groups == 1 || per_group % kTile == 0;
  uint32_t variant = static_cast<uint32_t>(activation.value().kind);
  if (e.has_input(2)) variant |= kBias;
  if (e.has_input(3)) variant |= kAddend;
  if (plane.padded()) variant |= kPadded;
  const int64_t row_tiles = (plane.out[1] + kTile - 1) / kTile;
  const int64_t filter_tiles = tiled ? (filters + kTile - 1) / kTile : filters;
  GpuStep& step = e.add(tiled ? GpuKernel::kConvTile : GpuKernel::kConvRow,
                        x[0] * filter_tiles * plane.out[0] * row_tiles, variant);
  for (uint32_t i = 0; i < 4; ++i) {
    if (e.has_input(i)) e.operand(step, i, i);
  }
  write_plane(plane, step);
  const int64_t rest[] = {x[1], w[1], filters, per_group, row_tiles, filter_tiles};
  for (size_t i = 0; i < 6; ++i) step.params[17 + i] = word(rest[i]);
  step.params[23] = bits(activation.value().a);
  step.params[24] = bits(activation.value().b);
  return true;
}

// Variant: 0 maximum, 1 average inside the input, 2 average inside the padded input.
bool lower_pool(Emitter& e) {
  if (!e.all_float() || e.has_output(1)) return false;
  Plane plane;
  if (!read_plane(e, e.attributes().get_ints("kernel_shape"), plane)) return false;
  const bool padding_counts = e.attributes().get_int("count_include_pad", 0) != 0;
  const uint32_t variant = e.type() == "MaxPool" ? 0 : padding_counts ? 2 : 1;
  GpuStep& step = e.add(GpuKernel::kPool, e.output(0).elements(), variant);
  e.operand(step, 0, 0);
  write_plane(plane, step);
  step.params[17] = word(plane.end[0]);
  step.params[18] = word(plane.end[1]);
  return true;
}

bool lower_enlarge(Emitter& e) {
  using Options = ops::ResizeOptions;
  const Shape& x = e.input(0).shape;
  const Shape& y = e.output(0).shape;
  if (e.input(0).dtype != DType::kFloat32 || x.rank() != 4 || x[0] != y[0] || x[1] != y[1]) {
    return false;
  }
  if (x[2] == 0 || x[3] == 0 || y[2] % x[2] != 0 || y[3] % x[3] != 0) return false;
  const bool simple = e.type() == "Upsample" || e.opset() < 11;
  const auto options = ops::parse_resize(e.attributes(), simple);
  if (!options.ok() || options.value().mode != Options::Mode::kNearest) return false;
  const int64_t factors[] = {y[2] / x[2], y[3] / x[3]};
  const Options& o = options.value();
  const bool down =
      o.rounding == Options::Rounding::kFloor || o.rounding == Options::Rounding::kSimple;
  const bool asymmetric = o.coordinates == Options::Coordinates::kAsymmetric;
  const bool half_pixel = o.coordinates == Options::Coordinates::kHalfPixel;
  // Half a step rounds to the lower neighbour, so a factor of two does.
  const bool halves =
      o.rounding == Options::Rounding::kPreferFloor && factors[0] <= 2 && factors[1] <= 2;
  const bool rounds =
      o.rounding == Options::Rounding::kPreferFloor || o.rounding == Options::Rounding::kPreferCeil;
  if (!(asymmetric && (down || halves)) && !(half_pixel && rounds)) return false;
  GpuStep& step = e.add(GpuKernel::kEnlarge, y.product(0, 4), 0);
  e.operand(step, 0, 0);
  const int64_t rest[] = {x[2], x[3], y[2], y[3], factors[0], factors[1]};
  for (size_t i = 0; i < 6; ++i) step.params[5 + i] = word(rest[i]);
  return true;
}

}  // namespace sardonyx::gpu
