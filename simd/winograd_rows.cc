#include "simd/winograd_rows.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/direct_tile.h"
#include "simd/elementwise.h"
#include "simd/parallel.h"
#include "simd/winograd_transform.h"

namespace sardonyx::simd {
namespace {

constexpr int64_t kPoints = 6, kTile = 4;
constexpr int64_t kSegment = 4 * kTile;  // outputs of four tiles
constexpr int64_t kMaxDilation = 4;
constexpr int64_t kPatch = kSegment + 2 * kMaxDilation;  // inputs that they read, at most
// Rows that are computed together, so that their tiles are a multiple of two vectors.
constexpr int64_t kRows = 2;
constexpr int64_t kColumns = 8;  // tiles that are multiplied at once
// With less, the transforms take longer than what they save.
constexpr int64_t kLeastDepth = 9;
constexpr int64_t kMostChannels = 5;  // of a tile
constexpr double kNsPerMultiplyAdd = 0.03, kNsPerStagedPoint = 0.3;

// Multiply-adds per output and point.
int64_t depth_of(const ConvSpec& spec) {
  return spec.kernel[0] * spec.kernel[1] * spec.in_channels;
}

// d[k] is input k of the four tiles that read `patch`.
SX_INLINE void gather_inputs(const float* patch, int64_t dilation, f32x4 (&d)[kPoints]) {
  if (dilation == 1) {
    SX_UNROLLED
    for (int i = 0; i < 4; ++i) d[i] = load(patch + 4 * i);
    f32x4 second = d[2], third = d[3], last = load(patch + 16);
    d[4] = d[1];
    transpose(d[4], second, third, last);
    d[5] = second;
    transpose(d[0], d[1], d[2], d[3]);
  } else if (dilation == 2) {
    SX_UNROLLED
    for (int k = 0; k < kPoints; ++k) {
      d[k] = shuffle<0, 1, 4, 5>(load(patch + 2 * k), load(patch + 8 + 2 * k));
    }
  } else {
    SX_UNROLLED
    for (int k = 0; k < kPoints; ++k) d[k] = load(patch + 4 * k);
  }
}

// From output k of four tiles to sixteen outputs of the row.
SX_INLINE void spread_outputs(int64_t dilation, f32x4 (&y)[kTile]) {
  if (dilation == 1) {
    transpose(y[0], y[1], y[2], y[3]);
  } else if (dilation == 2) {
    const f32x4 first = y[0], second = y[1], third = y[2], fourth = y[3];
    y[0] = shuffle<0, 1, 4, 5>(first, second);
    y[1] = shuffle<0, 1, 4, 5>(third, fourth);
    y[2] = shuffle<2, 3, 6, 7>(first, second);
    y[3] = shuffle<2, 3, 6, 7>(third, fourth);
  }
}

// m[channel][8] at one point.
template <int MR>
void multiply_tiles(const Runs& runs, const float* x, const int32_t* taps, const float* weights,
                    float* m) {
  f32x4 acc[MR][2];
  SX_UNROLLED
  for (int r = 0; r < MR; ++r) acc[r][0] = acc[r][1] = zero();
  add_runs<MR, 2>(acc, runs, x, taps, weights);
  SX_UNROLLED
  for (int r = 0; r < MR; ++r) {
    store(m + kColumns * r, acc[r][0]);
    store(m + kColumns * r + 4, acc[r][1]);
  }
}

// Channels of a tile.
int64_t tile_height(const ConvSpec& spec) {
  return spec.out_channels % 5 == 0 ? 5 : 4;
}

}  // namespace

bool winograd_rows_takes(const ConvSpec& spec) {
  const int64_t dilation = spec.dilation[2];
  return spec.spatial_axes == 3 && spec.groups == 1 && spec.out_channels % tile_height(spec) == 0 &&
         spec.kernel[2] == 3 && spec.stride[1] == 1 && spec.stride[2] == 1 &&
         (dilation == 1 || dilation == 2 || dilation == kMaxDilation) &&
         depth_of(spec) >= kLeastDepth;
}

std::optional<int64_t> winograd_rows_packed_size(const ConvSpec& spec) {
  return checked_mul(spec.out_channels, checked_mul(depth_of(spec), kPoints).value_or(INT64_MAX));
}

void winograd_rows_pack(const ConvSpec& spec, const float* weights, float* packed) {
  const int64_t channels = spec.in_channels, depth = depth_of(spec);
  const int64_t planes = depth / channels, height = tile_height(spec);
  for (int64_t first = 0; first < spec.out_channels; first += height) {
    for (int64_t i = 0; i < depth * height; ++i) {
      const int64_t filter = first + i % height, tap = i / height;
      const int64_t channel = tap % channels, plane = tap / channels;
      const float* from = weights + ((filter * channels + channel) * planes + plane) * 3;
      const f32x4 g[3] = {splat(from[0]), splat(from[1]), splat(from[2])};
      f32x4 u[kPoints];
      transform_filter(g, u);
      for (int64_t p = 0; p < kPoints; ++p) packed[p * depth * height + i] = lane<0>(u[p]);
    }
    packed += kPoints * depth * height;
  }
}

Result<WinogradRows> WinogradRows::make(const ConvShape& shape) {
  WinogradRows conv;
  conv.shape_ = shape;
  conv.tiles_ = ceil_div(shape.out[2], kSegment) * 4;
  const auto point = checked_mul(conv.tiles_, shape.in[1] + 2);
  const auto slab = checked_mul(point.value_or(INT64_MAX), kPoints);
  const auto planes = checked_mul(shape.in_channels, shape.in[0]);
  const auto image = checked_mul(slab.value_or(INT64_MAX), planes.value_or(INT64_MAX));
  if (!image || *image > static_cast<int64_t>(kMaxTensorBytes / sizeof(float))) {
    return error(ErrorCode::LIMIT_EXCEEDED,
                 "the transformed input of a convolution is above the limit of 2 GiB");
  }
  conv.point_floats_ = *point;
  conv.slab_floats_ = *slab;
  SX_ASSIGN(conv.taps_, Block::allocate(static_cast<uint64_t>(depth_of(shape)) * sizeof(int32_t)));
  auto* tap = conv.taps_.as<int32_t>();
  for (int64_t i = 0; i < shape.kernel[0]; ++i) {
    for (int64_t j = 0; j < shape.kernel[1]; ++j) {
      for (int64_t c = 0; c < shape.in_channels; ++c) {
        *tap++ =
            static_cast<int32_t>((c * shape.in[0] + i * shape.dilation[0]) * conv.slab_floats_ +
                                 j * shape.dilation[1] * conv.tiles_);
      }
    }
  }
  return conv;
}

// `to` is the row's place at the first point.
void WinogradRows::stage_row(const float* from, float* to) const {
  const int64_t width = shape_.in[2], dilation = shape_.dilation[2];
  for (int64_t tile = 0; tile < tiles_; tile += 4, to += 4) {
    const int64_t first = tile * kTile - shape_.pad[2];
    float copy[kPatch];
    const float* patch = from + first;
    if (first < 0 || first + kPatch > width) {
      const int64_t begin = std::clamp<int64_t>(-first, 0, kPatch);
      const int64_t end = std::clamp<int64_t>(width - first, begin, kPatch);
      std::memset(copy, 0, sizeof(copy));
      if (begin < end) {
        std::memcpy(copy + begin, from + first + begin,
                    static_cast<size_t>(end - begin) * sizeof(float));
      }
      patch = copy;
    }
    f32x4 d[kPoints], v[kPoints];
    gather_inputs(patch, dilation, d);
    transform_input(d, v);
    SX_UNROLLED
    for (int64_t p = 0; p < kPoints; ++p) store(to + p * point_floats_, v[p]);
  }
}

// v[channel][z][point][1 + y + 1][tile]
Status WinogradRows::stage(const float* x, float* scratch) const {
  const int64_t height = shape_.in[1], width = shape_.in[2];
  const double ns = kNsPerStagedPoint * static_cast<double>(slab_floats_);
  return parallel_for(shape_.in_channels * shape_.in[0], grain_for(ns),
                      [=, this](int64_t begin, int64_t end) {
                        const auto row_bytes = static_cast<size_t>(tiles_) * sizeof(float);
                        for (int64_t i = begin; i < end; ++i) {
                          float* slab = scratch + i * slab_floats_;
                          for (int64_t p = 0; p < kPoints; ++p) {
                            std::memset(slab + p * point_floats_, 0, row_bytes);
                            std::memset(slab + (p + 1) * point_floats_ - tiles_, 0, row_bytes);
                          }
                          for (int64_t row = 0; row < height; ++row) {
                            stage_row(x + (i * height + row) * width, slab + (row + 1) * tiles_);
                          }
                        }
                      });
}

// Two rows from row `y` of plane `z` on, by some channels.
struct WinogradRows::Unit {
  int64_t z, y, channel, channels;
};

// Four tiles, from m[point][channel][8].
void WinogradRows::put(const ConvImage& image, const Unit& unit, const float* m,
                       int64_t column) const {
  const int64_t row = unit.y + column / tiles_, x = column % tiles_ * kTile;
  if (row >= shape_.out[1]) return;
  const int64_t count = std::min(kSegment, shape_.out[2] - x);
  const ClampBounds clamp = clamp_bounds(image.activation);
  const f32x4 low = splat(clamp.low), high = splat(clamp.high);
  for (int64_t r = 0; r < unit.channels; ++r) {
    const int64_t channel = unit.channel + r;
    const int64_t at =
        channel * shape_.out_plane() + (unit.z * shape_.out[1] + row) * shape_.out[2] + x;
    f32x4 points[kPoints], outputs[kTile];
    SX_UNROLLED
    for (int64_t p = 0; p < kPoints; ++p) {
      points[p] = load(m + (p * unit.channels + r) * kColumns);
    }
    transform_output(points, outputs);
    spread_outputs(shape_.dilation[2], outputs);
    const f32x4 bias = load_splat(image.bias + channel);
    float* y = image.y + at;
    if (count == kSegment && !image.add) {
      SX_UNROLLED
      for (int64_t k = 0; k < kTile; ++k)
        store(y + 4 * k, pmin(pmax(outputs[k] + bias, low), high));
    } else {
      float sums[kSegment];
      SX_UNROLLED
      for (int64_t k = 0; k < kTile; ++k) store(sums + 4 * k, outputs[k] + bias);
      for (int64_t i = 0; i < count; ++i) {
        float sum = sums[i];
        if (image.add) sum += image.add[at + i];
        sum = sum < clamp.low ? clamp.low : sum;
        y[i] = clamp.high < sum ? clamp.high : sum;
      }
    }
    if (!is_clamp(image.activation.kind)) activate(image.activation, y, count);
  }
}

void WinogradRows::multiply_rows(const ConvImage& image, int64_t z, int64_t y) const {
  const Range planes = taps_inside(shape_, 0, z, z);
  const Range rows = taps_inside(shape_, 1, y, std::min(y + kRows, shape_.out[1]) - 1);
  int64_t first = 0;
  const Runs runs = runs_of(shape_, {0, 1}, planes, rows, first);
  const int64_t depth = depth_of(shape_);
  const float* v = image.x + ((z * shape_.stride[0] - shape_.pad[0]) * slab_floats_ +
                              (1 + y - shape_.pad[1]) * tiles_);
  const float* packed = image.packed;
  Unit unit{z, y, 0, tile_height(shape_)};
  const auto multiply = unit.channels == 5 ? multiply_tiles<5> : multiply_tiles<4>;
  for (; unit.channel < shape_.out_channels; unit.channel += unit.channels) {
    for (int64_t column = 0; column < kRows * tiles_; column += kColumns) {
      float m[kPoints * kMostChannels * kColumns];
      for (int64_t p = 0; p < kPoints; ++p) {
        multiply(runs, v + p * point_floats_ + column, taps_.as<int32_t>() + first,
                 packed + (p * depth + first) * unit.channels, m + p * unit.channels * kColumns);
      }
      put(image, unit, m, column);
      put(image, unit, m + 4, column + 4);
    }
    packed += kPoints * depth * unit.channels;
  }
}

Status WinogradRows::multiply(const ConvImage& image) const {
  const int64_t pairs = ceil_div(shape_.out[1], kRows);
  const double ns = kNsPerMultiplyAdd * static_cast<double>(kRows * tiles_ * kPoints *
                                                            depth_of(shape_) * shape_.out_channels);
  return parallel_for(shape_.out[0] * pairs, grain_for(ns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) multiply_rows(image, i / pairs, i % pairs * kRows);
  });
}

Status WinogradRows::run(const float* x, const float* packed, const float* bias, const float* add,
                         const Activation& activation, float* y, float* scratch) const {
  return run_images(
      shape_.batch,
      {shape_.in_channels * shape_.in_plane(), shape_.out_channels * shape_.out_plane()},
      {x, packed, bias, add, y, activation}, scratch,
      [&](const float* from) { return stage(from, scratch); },
      [&](const ConvImage& image) { return multiply(image); });
}

}  // namespace sardonyx::simd
