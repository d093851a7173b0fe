#include "simd/conv_direct.h"

#include <algorithm>

#include "base/checked.h"
#include "simd/elementwise.h"
#include "simd/parallel.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

constexpr double kNsPerMultiplyAdd = 0.3;

// out[i] += weight * in[i * stride]
void add_scaled(const float* in, int64_t stride, float weight, int64_t count, float* out) {
  int64_t i = 0;
  if (stride == 1) {
    const f32x4 w = splat(weight);
    for (; i + 4 <= count; i += 4) store(out + i, madd(load(in + i), w, load(out + i)));
  }
  for (; i < count; ++i) out[i] += weight * in[i * stride];
}

// Outputs [begin, end) of an axis that read inside the input at a tap.
struct Range {
  int64_t begin, end;
};
Range reading_inside(const ConvShape& shape, int axis, int64_t tap) {
  const int64_t offset = tap * shape.dilation[axis] - shape.pad[axis];
  const int64_t stride = shape.stride[axis];
  const int64_t begin = offset < 0 ? ceil_div(-offset, stride) : 0;
  const int64_t room = shape.in[axis] - 1 - offset;
  const int64_t end = room < 0 ? 0 : room / stride + 1;
  const int64_t limit = shape.out[axis];
  return {std::min(begin, limit), std::clamp(end, std::min(begin, limit), limit)};
}

// One row of the output, all input channels of its group and all taps.
void add_row(const ConvShape& shape, const float* x, const float* weights, int64_t depth,
             int64_t height, float* out) {
  for (int64_t channel = 0; channel < shape.group_in(); ++channel, x += shape.in_plane()) {
    for (int64_t i = 0; i < shape.kernel[0]; ++i) {
      const int64_t z = depth * shape.stride[0] + i * shape.dilation[0] - shape.pad[0];
      for (int64_t j = 0; j < shape.kernel[1]; ++j) {
        const int64_t y = height * shape.stride[1] + j * shape.dilation[1] - shape.pad[1];
        const bool inside = z >= 0 && z < shape.in[0] && y >= 0 && y < shape.in[1];
        const int64_t row = (z * shape.in[1] + y) * shape.in[2];
        for (int64_t k = 0; k < shape.kernel[2]; ++k, ++weights) {
          if (!inside) continue;
          const Range range = reading_inside(shape, 2, k);
          const int64_t first =
              range.begin * shape.stride[2] + k * shape.dilation[2] - shape.pad[2];
          if (range.begin < range.end) {
            add_scaled(x + row + first, shape.stride[2], *weights, range.end - range.begin,
                       out + range.begin);
          }
        }
      }
    }
  }
}

}  // namespace

Status conv_direct(const ConvShape& shape, const float* x, const float* weights, const float* bias,
                   const float* add, const Activation& activation, float* y) {
  const int64_t rows = shape.out[0] * shape.out[1], width = shape.out[2];
  const int64_t count = shape.batch * shape.out_channels * rows;
  if (count * width == 0) return {};
  const double ns_per_row = kNsPerMultiplyAdd * static_cast<double>(width * shape.depth());
  return parallel_for(count, grain_for(ns_per_row), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t channel = i / rows % shape.out_channels;
      const int64_t image = i / rows / shape.out_channels;
      const int64_t first_in = channel / shape.group_out() * shape.group_in();
      float* out = y + i * width;
      const float start = bias ? bias[channel] : 0.0f;
      for (int64_t k = 0; k < width; ++k) out[k] = start;
      add_row(shape, x + (image * shape.in_channels + first_in) * shape.in_plane(),
              weights + channel * shape.depth(), i % rows / shape.out[1], i % rows % shape.out[1],
              out);
      if (add) {
        for (int64_t k = 0; k < width; ++k) out[k] += add[i * width + k];
      }
      if (activation.kind != ActivationKind::kNone) activate(activation, out, width);
    }
  });
}

}  // namespace sardonyx::simd
