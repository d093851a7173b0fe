#include "simd/depthwise.h"

#include <algorithm>
#include <cstddef>

#include "base/checked.h"
#include "simd/elementwise.h"
#include "simd/layout.h"
#include "simd/parallel.h"
#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

constexpr double kNsPerMultiplyAdd = 0.15;  // of four lanes
constexpr double kNsPerPixel = 0.2;
// Output rows that are computed before what follows (`add`, the activation) reads them again.
constexpr int64_t kRowFloats = 4096;

// One channel block of an image, and how its outputs end.
struct Plane {
  const ConvShape& shape;
  const float* x;
  const float* weights;
  f32x4 bias, low, high;
  float* y;
};

// The taps of one output row that lie in the input.
struct TapRows {
  const float* x;  // the first input row
  ptrdiff_t step;  // floats to the next one
  ptrdiff_t count;
  const float* weights;
  float* y;  // the output row
};

SX_INLINE TapRows tap_rows(const Plane& plane, ptrdiff_t row) {
  const ConvShape& shape = plane.shape;
  const auto dilation = static_cast<ptrdiff_t>(shape.dilation[1]);
  const auto height = static_cast<ptrdiff_t>(shape.in[1]);
  const auto in_row = static_cast<ptrdiff_t>(shape.in[2] * kChannelBlock);
  ptrdiff_t y =
      row * static_cast<ptrdiff_t>(shape.stride[1]) - static_cast<ptrdiff_t>(shape.pad[1]);
  TapRows taps{nullptr, dilation * in_row, static_cast<ptrdiff_t>(shape.kernel[1]), plane.weights,
               plane.y + row * static_cast<ptrdiff_t>(shape.out[2] * kChannelBlock)};
  for (; taps.count > 0 && y < 0; y += dilation, --taps.count) {
    taps.weights += shape.kernel[2] * kChannelBlock;
  }
  while (taps.count > 0 && y + (taps.count - 1) * dilation >= height) --taps.count;
  taps.x = plane.x + y * in_row;
  return taps;
}

template <int kPixels>
SX_INLINE void put(const f32x4 (&sums)[kPixels], const Plane& plane, float* y) {
  const f32x4 low = plane.low, high = plane.high;
  SX_UNROLLED
  for (int p = 0; p < kPixels; ++p) store(y + 4 * p, pmin(pmax(sums[p], low), high));
}

// Outputs from `pixel` on, each with its first or last column inside: a row of weights and the sums
// stay in V8's 15 registers, each input is loaded once per row of taps. % of the peak of
// multiply-adds, Chromium 156, rows of 112 inputs, 3 x 3 with stride 1 and 2, 5 x 5: 4 sums 65, 57,
// 63; 7 sums 80, 68, 84; 8 sums 83, 65, 82. Seven leave no rest of 7, 14, 28 and 56 outputs.
template <int kWidth, int kStride, int kPixels>
SX_INLINE void pixels_of(const Plane& plane, const TapRows& taps, ptrdiff_t pixel, ptrdiff_t pad,
                         ptrdiff_t width) {
  constexpr int kInputs = (kPixels - 1) * kStride + kWidth;
  const ptrdiff_t first = pixel * kStride - pad, end = width - first;
  const float* in = taps.x + first * kChannelBlock;
  const float* w = taps.weights;
  f32x4 sums[kPixels];
  SX_UNROLLED
  for (int p = 0; p < kPixels; ++p) sums[p] = plane.bias;
  SX_ROLLED
  for (ptrdiff_t i = taps.count; i > 0; --i) {
    f32x4 row[kWidth];
    SX_UNROLLED
    for (int j = 0; j < kWidth; ++j) row[j] = load(w + 4 * j);
    SX_UNROLLED
    for (int x = 0; x < kInputs; ++x) {
      if (x < kWidth - 1 && x < -first) continue;
      if (x > kInputs - kWidth && x >= end) continue;
      const f32x4 value = load(in + 4 * x);
      SX_UNROLLED
      for (int p = 0; p < kPixels; ++p) {
        const int j = x - p * kStride;
        if (j >= 0 && j < kWidth) sums[p] = madd(value, row[j], sums[p]);
      }
    }
    in += taps.step;
    w += kWidth * kChannelBlock;
  }
  put(sums, plane, taps.y + pixel * kChannelBlock);
}

// At least kLeastOutputs a row. What the last sums have too many of is computed again, with the
// same result. A loop for each number of sums is 4 % faster than one that chooses.
constexpr int kMostOutputs = 7, kLeastOutputs = 4;
template <int kWidth, int kStride>
void rows_of(const Plane& plane, ptrdiff_t begin, ptrdiff_t end) {
  const auto outputs = static_cast<ptrdiff_t>(plane.shape.out[2]);
  const auto width = static_cast<ptrdiff_t>(plane.shape.in[2]);
  const auto pad = static_cast<ptrdiff_t>(plane.shape.pad[2]);
  const ptrdiff_t most_end = outputs < kMostOutputs ? 0 : outputs - kLeastOutputs;
  SX_ROLLED
  for (ptrdiff_t row = begin; row < end; ++row) {
    const TapRows taps = tap_rows(plane, row);
    ptrdiff_t pixel = 0;
    SX_ROLLED
    for (; pixel < most_end; pixel += kMostOutputs) {
      pixel = std::min(pixel, outputs - kMostOutputs);
      pixels_of<kWidth, kStride, kMostOutputs>(plane, taps, pixel, pad, width);
    }
    SX_ROLLED
    for (; pixel < outputs; pixel += kLeastOutputs) {
      pixel = std::min(pixel, outputs - kLeastOutputs);
      pixels_of<kWidth, kStride, kLeastOutputs>(plane, taps, pixel, pad, width);
    }
  }
}

// Any filter. Several outputs have all columns inside.
template <int kPixels>
void any_pixels(const Plane& plane, const TapRows& taps, ptrdiff_t pixel) {
  const ConvShape& shape = plane.shape;
  const int64_t step = shape.stride[2] * kChannelBlock;
  const int64_t first = pixel * shape.stride[2] - shape.pad[2];
  const float* in = taps.x;
  const float* w = taps.weights;
  f32x4 sums[kPixels];
  SX_UNROLLED
  for (int p = 0; p < kPixels; ++p) sums[p] = plane.bias;
  SX_ROLLED
  for (ptrdiff_t i = taps.count; i > 0; --i, in += taps.step) {
    int64_t x = first;
    SX_ROLLED
    for (int64_t j = shape.kernel[2]; j > 0; --j, x += shape.dilation[2], w += kChannelBlock) {
      if (kPixels == 1 && (x < 0 || x >= shape.in[2])) continue;
      const f32x4 weight = load(w);
      const float* at = in + x * kChannelBlock;
      SX_UNROLLED
      for (int p = 0; p < kPixels; ++p) sums[p] = madd(load(at + p * step), weight, sums[p]);
    }
  }
  put(sums, plane, taps.y + pixel * kChannelBlock);
}

void any_rows(const Plane& plane, ptrdiff_t begin, ptrdiff_t end) {
  constexpr int kPixels = 8;
  const ConvShape& shape = plane.shape;
  const auto outputs = static_cast<ptrdiff_t>(shape.out[2]);
  const int64_t reach = (shape.kernel[2] - 1) * shape.dilation[2];
  const int64_t room = shape.in[2] - reach + shape.pad[2];
  for (ptrdiff_t row = begin; row < end; ++row) {
    const TapRows taps = tap_rows(plane, row);
    for (ptrdiff_t pixel = 0; pixel < outputs;) {
      const ptrdiff_t last = pixel + kPixels - 1;
      if (last < outputs && pixel * shape.stride[2] >= shape.pad[2] &&
          last * shape.stride[2] < room) {
        any_pixels<kPixels>(plane, taps, pixel);
        pixel += kPixels;
      } else {
        any_pixels<1>(plane, taps, pixel++);
      }
    }
  }
}

using RowsFn = void (*)(const Plane&, ptrdiff_t begin, ptrdiff_t end);
RowsFn choose_rows(const ConvShape& shape) {
  const int64_t width = shape.kernel[2], stride = shape.stride[2], outputs = shape.out[2];
  const bool inside = shape.pad[2] < width && (outputs - 1) * stride - shape.pad[2] < shape.in[2];
  if (inside && shape.dilation[2] == 1 && stride <= 2 && outputs >= kLeastOutputs) {
    if (width == 3) return stride == 1 ? rows_of<3, 1> : rows_of<3, 2>;
    if (width == 5) return stride == 1 ? rows_of<5, 1> : rows_of<5, 2>;
  }
  return any_rows;
}

void add_clamped(const float* add, const ClampBounds& clamp, float* y, int64_t count) {
  const f32x4 low = splat(clamp.low), high = splat(clamp.high);
  for (int64_t i = 0; i < count; i += kChannelBlock) {
    store(y + i, pmin(pmax(load(y + i) + load(add + i), low), high));
  }
}

}  // namespace

int64_t depthwise_packed_size(const ConvSpec& spec) {
  return channel_blocks(spec.in_channels) * kChannelBlock * spec.taps();
}

void depthwise_pack(const ConvSpec& spec, const float* weights, float* packed) {
  const int64_t taps = spec.taps();
  for (int64_t channel = 0; channel < spec.in_channels; channel += kChannelBlock) {
    const int64_t lanes = std::min(kChannelBlock, spec.in_channels - channel);
    interleave_channels(weights + channel * taps, taps, lanes, taps, packed + channel * taps);
  }
}

Status DepthwiseConv::run(const float* x, const float* packed, const float* bias, const float* add,
                          const Activation& activation, float* y) const {
  const int64_t blocks = channel_blocks(shape_.in_channels), taps = shape_.taps();
  const int64_t height = shape_.out[1], row_floats = shape_.out[2] * kChannelBlock;
  const int64_t count = shape_.batch * blocks * height;
  if (count * row_floats == 0) return {};
  const RowsFn compute = choose_rows(shape_);
  const ClampBounds clamp = clamp_bounds(activation);
  const ClampBounds first_clamp = add ? ClampBounds() : clamp;
  const double ns_per_row = static_cast<double>(shape_.out[2]) *
                            (kNsPerPixel + kNsPerMultiplyAdd * static_cast<double>(taps));
  const int64_t most_rows = std::max<int64_t>(kRowFloats / row_floats, 1);
  return parallel_for(count, grain_for(ns_per_row), [&](int64_t begin, int64_t end) {
    for (int64_t next = 0; begin < end; begin = next) {
      const int64_t index = begin / height, block = index % blocks, row = begin % height;
      next = std::min({end, begin + height - row, begin + most_rows});
      const Plane plane{.shape = shape_,
                        .x = x + index * shape_.in_plane() * kChannelBlock,
                        .weights = packed + block * taps * kChannelBlock,
                        .bias = load(bias + block * kChannelBlock),
                        .low = splat(first_clamp.low),
                        .high = splat(first_clamp.high),
                        .y = y + index * height * row_floats};
      compute(plane, static_cast<ptrdiff_t>(row), static_cast<ptrdiff_t>(row + next - begin));
      const int64_t offset = begin * row_floats, floats = (next - begin) * row_floats;
      if (add) add_clamped(add + offset, clamp, y + offset, floats);
      if (!is_clamp(activation.kind)) activate(activation, y + offset, floats);
    }
  });
}

}  // namespace sardonyx::simd
