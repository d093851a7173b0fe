// Convolutions for WebGPU: row-major, over one or two axes.
#include "base/checked.h"
#include "engine/gpu/plane.h"
#include "ops/activation.h"

namespace sardonyx::gpu {
namespace {

// Of the variant, above the activation's number.
constexpr uint32_t kBias = 1u << 8, kAddend = 1u << 9, kPadded = 1u << 10;
constexpr uint32_t kFiltersBit = 11;  // log2 of the filters per invocation
constexpr uint32_t kWideBit = 13;     // eight places in a row per invocation instead of four
constexpr uint32_t kKernelBit = 14;   // width of the kernel; 0: taps are loaded one by one
constexpr uint32_t kDoubleStrideBit = 17;
constexpr int64_t kMaxUnrolled = 7;

// Eight at once make more of each load than four, but may compute more that nobody wants.
bool eight_pay(int64_t count) {
  return round_up<int64_t>(count, 8) * 3 <= round_up<int64_t>(count, 4) * 4;
}

// 1, 4 or 8. Filters that are computed together read the same group.
int64_t filters_at_once(int64_t groups, int64_t per_group) {
  if (groups > 1) return per_group % 8 == 0 ? 8 : per_group % 4 == 0 ? 4 : 1;
  if (per_group == 1) return 1;
  return eight_pay(per_group) ? 8 : 4;
}

uint32_t unrolling(const Plane& plane) {
  if (plane.kernel[1] > kMaxUnrolled || plane.dilation[1] != 1 || plane.stride[1] > 2) return 0;
  return static_cast<uint32_t>(plane.kernel[1]) << kKernelBit |
         static_cast<uint32_t>(plane.stride[1] - 1) << kDoubleStrideBit;
}

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
  const int64_t at_once = filters_at_once(groups, per_group);
  const int64_t places = eight_pay(plane.out[1]) ? 8 : 4;
  uint32_t variant = static_cast<uint32_t>(activation.value().kind) | unrolling(plane);
  if (e.has_input(2)) variant |= kBias;
  if (e.has_input(3)) variant |= kAddend;
  if (plane.padded()) variant |= kPadded;
  variant |= static_cast<uint32_t>(at_once == 8 ? 3 : at_once == 4 ? 2 : 0) << kFiltersBit;
  if (places == 8) variant |= 1u << kWideBit;
  const int64_t row_tiles = ceil_div(plane.out[1], places);
  const int64_t filter_tiles = ceil_div(filters, at_once);
  GpuStep& step = e.add(at_once > 1 ? GpuKernel::kConvTile : GpuKernel::kConvRow,
                        x[0] * filter_tiles * plane.out[0] * row_tiles, variant);
  for (uint32_t i = 0; i < 4; ++i) {
    if (e.has_input(i)) e.operand(step, i, i);
  }
  plane.write(step);
  const int64_t rest[] = {x[1], w[1], filters, per_group, row_tiles, filter_tiles};
  for (size_t i = 0; i < 6; ++i) step.params[17 + i] = word(rest[i]);
  step.params[23] = bits(activation.value().a);
  step.params[24] = bits(activation.value().b);
  return true;
}

// Variant: 1 with a bias.
bool lower_conv_transpose(Emitter& e) {
  if (!e.all_float()) return false;
  const Shape& x = e.input(0).shape;
  const Shape& w = e.input(1).shape;
  Plane plane;
  if (!read_transposed_plane(e, w.dims().subspan(2), plane)) return false;
  const int64_t groups = e.attributes().get_int("group", 1);
  GpuStep& step = e.add(GpuKernel::kConvTranspose, e.output(0).elements(), e.has_input(2) ? 1 : 0);
  for (uint32_t i = 0; i < 3; ++i) {
    if (e.has_input(i)) e.operand(step, i, i);
  }
  plane.write(step);
  const int64_t rest[] = {x[1], x[1] / groups, w[1] * groups, w[1]};
  for (size_t i = 0; i < 4; ++i) step.params[17 + i] = word(rest[i]);
  return true;
}

}  // namespace sardonyx::gpu
