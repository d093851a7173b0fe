#include "simd/depthwise.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/elementwise.h"
#include "simd/layout.h"
#include "simd/parallel.h"
#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

constexpr double kNsPerMultiplyAdd = 0.05;  // of four lanes
constexpr double kNsPerPixel = 0.5;

// What one output row of one channel block is computed from, and how it ends.
struct Row {
  const ConvShape& shape;
  const float* x;  // the block's plane
  int64_t y0;      // input row of the first row of taps; may be outside
  const float* zeros;
  const float* weights;
  f32x4 bias, low, high;
  float* out;

  bool inside(int64_t tap_row) const {
    const int64_t y = y0 + tap_row * shape.dilation[1];
    return y >= 0 && y < shape.in[1];
  }
  // Zeros outside.
  const float* input(int64_t tap_row) const {
    const int64_t y = y0 + tap_row * shape.dilation[1];
    return inside(tap_row) ? x + y * shape.in[2] * kChannelBlock : zeros;
  }
  void put(int64_t pixel, f32x4 value) const {
    store(out + kChannelBlock * pixel, pmin(pmax(value, low), high));
  }
};

struct Columns {
  f32x4 a, b, c;
};
SX_INLINE Columns load_columns(const float* const (&rows)[3], int64_t x) {
  return {load(rows[0] + 4 * x), load(rows[1] + 4 * x), load(rows[2] + 4 * x)};
}
// sum + column j of a 3 x 3 filter times three input pixels.
SX_INLINE f32x4 add_column(const f32x4 (&w)[9], int j, const Columns& in, f32x4 sum) {
  return madd(in.c, w[6 + j], madd(in.b, w[3 + j], madd(in.a, w[j], sum)));
}

// 3 x 3, stride 1, at most 2 columns of padding: 9 weights, 2 sums and 3 inputs stay in V8's 15
// registers while the filter slides along the row, 3 loads for 9 multiply-adds. Input column x adds
// to the outputs x + pad - 2, which it completes, x + pad - 1 and x + pad.
void row_3x3_stride_1(const Row& row) {
  f32x4 w[9];
  for (int i = 0; i < 9; ++i) w[i] = load(row.weights + 4 * i);
  const float* const rows[3] = {row.input(0), row.input(1), row.input(2)};
  const int64_t width = row.shape.in[2], outputs = row.shape.out[2];
  int64_t pixel = row.shape.pad[2] - 2;
  f32x4 two = row.bias, one = row.bias;  // outputs with two and with one column added
  int64_t x = 0;
  for (; pixel < 0 && x < width; ++x, ++pixel) {
    const Columns in = load_columns(rows, x);
    two = add_column(w, 1, in, one);
    one = add_column(w, 0, in, row.bias);
  }
  const int64_t end = std::min(width, x + outputs - pixel);
  for (; x < end; ++x, ++pixel) {
    const Columns in = load_columns(rows, x);
    row.put(pixel, add_column(w, 2, in, two));
    two = add_column(w, 1, in, one);
    one = add_column(w, 0, in, row.bias);
  }
  for (; pixel < outputs; ++pixel) {
    if (pixel >= 0) row.put(pixel, two);
    two = one;
    one = row.bias;
  }
}

// One output of any filter, with every tap checked.
void border_pixel(const Row& row, int64_t pixel) {
  const ConvShape& shape = row.shape;
  f32x4 sum = row.bias;
  for (int64_t i = 0; i < shape.kernel[1]; ++i) {
    if (!row.inside(i)) continue;
    const float* in = row.input(i);
    for (int64_t j = 0; j < shape.kernel[2]; ++j) {
      const int64_t x = pixel * shape.stride[2] - shape.pad[2] + j * shape.dilation[2];
      if (x < 0 || x >= shape.in[2]) continue;
      sum = madd(load(in + 4 * x), load(row.weights + 4 * (i * shape.kernel[2] + j)), sum);
    }
  }
  row.put(pixel, sum);
}

// 3 x 3, stride 2, outputs [begin, end) with all columns inside: the last column of one output is
// the first of the next.
void inner_3x3_stride_2(const Row& row, int64_t begin, int64_t end) {
  if (begin >= end) return;
  f32x4 w[9];
  for (int i = 0; i < 9; ++i) w[i] = load(row.weights + 4 * i);
  const float* const rows[3] = {row.input(0), row.input(1), row.input(2)};
  int64_t x = 2 * begin - row.shape.pad[2];
  f32x4 sum = add_column(w, 0, load_columns(rows, x), row.bias);
  for (int64_t pixel = begin; pixel < end; ++pixel, x += 2) {
    sum = add_column(w, 1, load_columns(rows, x + 1), sum);
    const Columns in = load_columns(rows, x + 2);
    row.put(pixel, add_column(w, 2, in, sum));
    sum = add_column(w, 0, in, row.bias);
  }
}

// Filters five wide without dilation, kPixels outputs whose columns are all inside: a row of
// weights and the sums stay in registers, each input is loaded once per row of taps. Eight sums
// hide the latency of madd.
template <int kStride, int kPixels>
void pixels_5_wide(const Row& row, int64_t pixel) {
  constexpr int kWidth = 5, kInputs = (kPixels - 1) * kStride + kWidth;
  const ConvShape& shape = row.shape;
  f32x4 sums[kPixels];
  SX_UNROLLED
  for (int p = 0; p < kPixels; ++p) sums[p] = row.bias;
  for (int64_t i = 0; i < shape.kernel[1]; ++i) {
    if (!row.inside(i)) continue;
    const float* in = row.input(i) + (pixel * kStride - shape.pad[2]) * kChannelBlock;
    f32x4 w[kWidth];
    SX_UNROLLED
    for (int j = 0; j < kWidth; ++j) w[j] = load(row.weights + 4 * (i * kWidth + j));
    SX_UNROLLED
    for (int x = 0; x < kInputs; ++x) {
      const f32x4 value = load(in + 4 * x);
      SX_UNROLLED
      for (int p = 0; p < kPixels; ++p) {
        const int j = x - p * kStride;
        if (j >= 0 && j < kWidth) sums[p] = madd(value, w[j], sums[p]);
      }
    }
  }
  SX_UNROLLED
  for (int p = 0; p < kPixels; ++p) row.put(pixel + p, sums[p]);
}

// What is left over is computed again with the last four, which gives the same values.
template <int kStride>
int64_t inner_5_wide(const Row& row, int64_t begin, int64_t end) {
  int64_t pixel = begin;
  for (; pixel + 8 <= end; pixel += 8) pixels_5_wide<kStride, 8>(row, pixel);
  for (; pixel + 4 <= end; pixel += 4) pixels_5_wide<kStride, 4>(row, pixel);
  if (pixel == end || end - begin < 4) return pixel;
  pixels_5_wide<kStride, 4>(row, end - 4);
  return end;
}

// Any filter, kPixels outputs whose columns are all inside.
template <int kPixels>
void inner_pixels(const Row& row, int64_t pixel) {
  const ConvShape& shape = row.shape;
  const int64_t step = shape.stride[2] * kChannelBlock;
  const float* w = row.weights;
  f32x4 sums[kPixels];
  SX_UNROLLED
  for (int p = 0; p < kPixels; ++p) sums[p] = row.bias;
  for (int64_t i = 0; i < shape.kernel[1]; ++i) {
    if (!row.inside(i)) {
      w += shape.kernel[2] * kChannelBlock;
      continue;
    }
    const float* in = row.input(i) + (pixel * shape.stride[2] - shape.pad[2]) * kChannelBlock;
    for (int64_t j = 0; j < shape.kernel[2]; ++j, w += kChannelBlock) {
      const f32x4 weight = load(w);
      const float* at = in + j * shape.dilation[2] * kChannelBlock;
      SX_UNROLLED
      for (int p = 0; p < kPixels; ++p) sums[p] = madd(load(at + p * step), weight, sums[p]);
    }
  }
  SX_UNROLLED
  for (int p = 0; p < kPixels; ++p) row.put(pixel + p, sums[p]);
}

void row_any(const Row& row) {
  const ConvShape& shape = row.shape;
  const int64_t outputs = shape.out[2], stride = shape.stride[2];
  const int64_t reach = (shape.kernel[2] - 1) * shape.dilation[2];
  const int64_t room = shape.in[2] - 1 - reach + shape.pad[2];
  const int64_t begin = std::min(ceil_div(shape.pad[2], stride), outputs);
  const int64_t end = std::clamp<int64_t>(room < 0 ? 0 : room / stride + 1, begin, outputs);
  int64_t pixel = 0;
  for (; pixel < begin; ++pixel) border_pixel(row, pixel);
  if (shape.dilation[2] == 1 && stride <= 2) {
    if (shape.kernel[2] == 3 && shape.kernel[1] == 3 && stride == 2) {
      inner_3x3_stride_2(row, begin, end);
      pixel = end;
    } else if (shape.kernel[2] == 5) {
      pixel = stride == 1 ? inner_5_wide<1>(row, begin, end) : inner_5_wide<2>(row, begin, end);
    }
  }
  for (; pixel + 8 <= end; pixel += 8) inner_pixels<8>(row, pixel);
  for (; pixel + 4 <= end; pixel += 4) inner_pixels<4>(row, pixel);
  for (; pixel < end; ++pixel) inner_pixels<1>(row, pixel);
  for (; pixel < outputs; ++pixel) border_pixel(row, pixel);
}

void add_row(const float* add, const Row& row) {
  for (int64_t pixel = 0; pixel < row.shape.out[2]; ++pixel) {
    row.put(pixel, load(row.out + 4 * pixel) + load(add + 4 * pixel));
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

Result<DepthwiseConv> DepthwiseConv::make(const ConvShape& shape) {
  DepthwiseConv conv;
  conv.shape_ = shape;
  const auto bytes = checked_mul<int64_t>(shape.in[2], kChannelBlock * sizeof(float));
  SX_ASSIGN(conv.zeros_, Block::allocate(bytes ? static_cast<uint64_t>(*bytes) : UINT64_MAX));
  std::memset(conv.zeros_.data(), 0, conv.zeros_.size());
  return conv;
}

Status DepthwiseConv::run(const float* x, const float* packed, const float* bias, const float* add,
                          const Activation& activation, float* y) const {
  const int64_t blocks = channel_blocks(shape_.in_channels), taps = shape_.taps();
  const bool sliding = shape_.kernel[1] == 3 && shape_.kernel[2] == 3 && shape_.stride[2] == 1 &&
                       shape_.dilation[2] == 1 && shape_.pad[2] <= 2;
  const ClampBounds clamp = clamp_bounds(activation);
  const double ns_per_row = static_cast<double>(shape_.out[2]) *
                            (kNsPerPixel + kNsPerMultiplyAdd * static_cast<double>(taps));
  const int64_t row_floats = shape_.out[2] * kChannelBlock;
  const int64_t count = shape_.batch * blocks * shape_.out[1];
  if (row_floats == 0) return {};
  return parallel_for(count, grain_for(ns_per_row), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t plane = i / shape_.out[1], block = plane % blocks;
      Row row{.shape = shape_,
              .x = x + plane * shape_.in_plane() * kChannelBlock,
              .y0 = i % shape_.out[1] * shape_.stride[1] - shape_.pad[1],
              .zeros = zeros_.as<float>(),
              .weights = packed + block * taps * kChannelBlock,
              .bias = load(bias + block * kChannelBlock),
              .low = splat(clamp.low),
              .high = splat(clamp.high),
              .out = y + i * row_floats};
      if (add) {
        row.low = splat(ClampBounds().low);
        row.high = splat(ClampBounds().high);
      }
      if (sliding) {
        row_3x3_stride_1(row);
      } else {
        row_any(row);
      }
      if (add) {
        row.low = splat(clamp.low);
        row.high = splat(clamp.high);
        add_row(add + i * row_floats, row);
      }
      if (!is_clamp(activation.kind)) activate(activation, row.out, row_floats);
    }
  });
}

}  // namespace sardonyx::simd
