#include "simd/winograd_line.h"

#include <algorithm>

#include "base/checked.h"
#include "simd/elementwise.h"
#include "simd/gemm_tile.h"
#include "simd/layout.h"
#include "simd/parallel.h"
#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

constexpr int64_t kPoints = 8;
// Taps of a group are kTapStep apart from those of the next one, which reads the next tile.
constexpr int64_t kTapStep = 4;
constexpr int64_t kLineTaps = 3, kMostOutputs = 6;
// The finite points, and for each the product of its distances from the others.
constexpr double kPointAt[] = {0, 1, -1, 2, -2, 0.5, -0.5};
constexpr double kDistances[] = {-1, -4.5, -4.5, 90, 90, 1.40625, 1.40625};

constexpr int kTileRows = kRelaxed ? 6 : 4;
// Fewer tiles are computed as so many.
constexpr int64_t kLeastTiles = 4;
// Floats between points beyond a multiple of the cache's ways, so that points do not share its
// sets.
constexpr int64_t kPointGap = 16;
constexpr double kNsPerMultiplyAdd = 0.04, kNsPerStagedTile = 15;

// The axis that saves most; 0 where there is none. Three taps pay where there is no other axis.
int axis_along(const ConvSpec& spec) {
  int along = 0;
  for (int axis = 1; axis < 3; ++axis) {
    const int64_t least = spec.kernel[3 - axis] == 1 ? kLineTaps : kLineTaps + 1;
    const bool fits =
        spec.stride[axis] == 1 && spec.dilation[axis] == 1 && spec.kernel[axis] >= least;
    if (fits && (along == 0 || spec.kernel[axis] >= spec.kernel[along])) along = axis;
  }
  return along;
}

int64_t tap_groups(int64_t taps) {
  return ceil_div(taps - 1, kTapStep);
}

// Outputs of a tile: F(6, 3), or F(4, 5).
int64_t tile_outputs(const ConvSpec& spec, int along) {
  return spec.kernel[along] == kLineTaps ? 6 : 4;
}

// v = B^T d
SX_INLINE void transform_input(const f32x4 (&d)[8], f32x4 (&v)[8]) {
  const f32x4 a = constant<5.25f>(), b = constant<4.25f>(), c = constant<2.5f>();
  v[0] = madd(a, d[2] - d[4], d[6] - d[0]);
  v[7] = madd(a, d[3] - d[5], d[7] - d[1]);
  f32x4 even = nmadd(b, d[4], d[2] + d[6]), odd = nmadd(b, d[3], d[1] + d[5]);
  v[1] = even + odd;
  v[2] = even - odd;
  const f32x4 half = constant<0.5f>(), two = d[5] + d[5], third = c * d[3];
  even = madd(half * half, d[2], nmadd(half, c * d[4], d[6]));
  odd = madd(half, d[1], two) - third;
  v[3] = even + odd;
  v[4] = even - odd;
  even = madd(constant<4.0f>(), d[2], nmadd(constant<5.0f>(), d[4], d[6]));
  odd = madd(half, d[5], d[1] + d[1]) - third;
  v[5] = even + odd;
  v[6] = even - odd;
}

// y = A^T m, six outputs; of four, m[7] belongs to the last one.
SX_INLINE void transform_output(const f32x4 (&m)[8], int64_t outputs, f32x4 (&y)[6]) {
  const f32x4 sum_1 = m[1] + m[2], sum_2 = m[3] + m[4], sum_half = m[5] + m[6];
  const f32x4 diff_1 = m[1] - m[2], diff_2 = m[3] - m[4], diff_half = m[5] - m[6];
  y[0] = m[0] + sum_1 + sum_2 + sum_half;
  y[1] = madd(constant<2.0f>(), diff_2, madd(constant<0.5f>(), diff_half, diff_1));
  y[2] = madd(constant<4.0f>(), sum_2, madd(constant<0.25f>(), sum_half, sum_1));
  y[3] = madd(constant<8.0f>(), diff_2, madd(constant<0.125f>(), diff_half, diff_1));
  if (outputs == 4) {
    y[3] += m[7];
    return;
  }
  y[4] = madd(constant<16.0f>(), sum_2, madd(constant<0.0625f>(), sum_half, sum_1));
  y[5] = madd(constant<32.0f>(), diff_2, madd(constant<0.03125f>(), diff_half, diff_1 + m[7]));
}

// Two blocks of filters at one point, for kRows tiles: m[block][tile][4].
template <int kRows>
void multiply_tiles(const float* v, const int32_t* runs, int64_t count, const float* u, float* m) {
  Tile<kRows, 1> tile;
  tile_clear(tile);
  SX_ROLLED
  for (; count > 0; --count) {
    const float* x = v + *runs++;
    SX_ROLLED
    for (int lane = 0; lane < 4; ++lane, ++x, u += kPanel) {
      const f32x4 low = load(u), high = load(u + 4);
      SX_UNROLLED
      for (int r = 0; r < kRows; ++r) {
        const f32x4 value = load_splat(x + 4 * r);
        tile.acc[r][0] = madd(value, low, tile.acc[r][0]);
        tile.acc[r][1] = madd(value, high, tile.acc[r][1]);
      }
    }
  }
  SX_UNROLLED
  for (int r = 0; r < kRows; ++r) {
    store(m + 4 * r, tile.acc[r][0]);
    store(m + 4 * (kTileRows + r), tile.acc[r][1]);
  }
}

}  // namespace

bool winograd_line_takes(const ConvSpec& spec) {
  return spec.spatial_axes <= 2 && spec.groups == 1 && spec.in_channels % kChannelBlock == 0 &&
         spec.out_channels >= kPanel && axis_along(spec) != 0;
}

std::optional<int64_t> winograd_line_packed_size(const ConvSpec& spec) {
  const int along = axis_along(spec);
  const auto taps = checked_mul(tap_groups(spec.kernel[along]), spec.kernel[3 - along]);
  const auto depth = checked_mul(taps.value_or(INT64_MAX), spec.in_channels * kPoints);
  if (!taps || !depth) return std::nullopt;
  return checked_mul(round_up<int64_t>(spec.out_channels, kPanel), *depth);
}

void winograd_line_pack(const ConvSpec& spec, const float* weights, float* packed) {
  const int along = axis_along(spec);
  const int64_t length = spec.kernel[along], across = spec.kernel[3 - along];
  const int64_t step = along == 2 ? 1 : across, row_step = along == 2 ? length : 1;
  const int64_t groups = tap_groups(length), channels = spec.in_channels;
  const int64_t depth = across * groups * channels;
  for (int64_t i = 0; i < round_up<int64_t>(spec.out_channels, kPanel) * depth; ++i) {
    const int64_t filter = i / depth, row = i % depth / channels / groups;
    const int64_t group = i % depth / channels % groups, channel = i % channels;
    const int64_t first = group * kTapStep;
    const int64_t last = group + 1 == groups ? length : first + kTapStep;
    const int64_t highest = first + kPoints - tile_outputs(spec, along);
    double sums[kPoints] = {};
    for (int64_t tap = last - 1; tap >= first && filter < spec.out_channels; --tap) {
      const float* from = weights + (filter * channels + channel) * spec.taps();
      const auto weight = static_cast<double>(from[row * row_step + tap * step]);
      for (int64_t p = 0; p + 1 < kPoints; ++p) sums[p] = sums[p] * kPointAt[p] + weight;
      if (tap == highest) sums[kPoints - 1] = weight;
    }
    float* to = packed + (filter / kPanel * kPoints * depth + i % depth) * kPanel + filter % kPanel;
    for (int64_t p = 0; p < kPoints; ++p, to += depth * kPanel) {
      *to = static_cast<float>(p + 1 < kPoints ? sums[p] / kDistances[p] : sums[p]);
    }
  }
}

Result<WinogradLine> WinogradLine::make(const ConvShape& shape) {
  WinogradLine conv;
  conv.shape_ = shape;
  conv.along_ = axis_along(shape);
  conv.across_ = 3 - conv.along_;
  const int64_t groups = tap_groups(shape.kernel[conv.along_]);
  const int64_t blocks = channel_blocks(shape.in_channels);
  conv.tile_outputs_ = tile_outputs(shape, conv.along_);
  conv.tiles_ = ceil_div(shape.out[conv.along_], conv.tile_outputs_);
  conv.staged_tiles_ = conv.tiles_ + kLeastTiles - 1 + groups - 1;
  const auto point = checked_mul(blocks * kChannelBlock, conv.staged_tiles_);
  const auto floats = checked_mul(point.value_or(INT64_MAX) / 2 + kPointGap, 2 * kPoints);
  const auto image = checked_mul(floats.value_or(INT64_MAX), shape.in[conv.across_]);
  if (!image || *image > static_cast<int64_t>(kMaxTensorBytes / sizeof(float))) {
    return error(ErrorCode::LIMIT_EXCEEDED,
                 "the transformed input of a convolution is above the limit of 2 GiB");
  }
  conv.point_floats_ = *point + kPointGap;
  conv.row_floats_ = conv.point_floats_ * kPoints;
  const int64_t across = shape.kernel[conv.across_];
  SX_ASSIGN(conv.runs_,
            Block::allocate(static_cast<uint64_t>(across * groups * blocks) * sizeof(int32_t)));
  auto* run = conv.runs_.as<int32_t>();
  for (int64_t row = 0; row < across; ++row) {
    for (int64_t group = 0; group < groups; ++group) {
      for (int64_t block = 0; block < blocks; ++block) {
        *run++ = static_cast<int32_t>(row * shape.dilation[conv.across_] * conv.row_floats_ +
                                      (block * conv.staged_tiles_ + group) * kChannelBlock);
      }
    }
  }
  return conv;
}

// v[across][point][channel block][tile][4]
Status WinogradLine::stage(const float* x, float* v) const {
  const int64_t blocks = channel_blocks(shape_.in_channels), rows = shape_.in[across_];
  const int64_t extent = shape_.in[along_], plane = shape_.in_plane();
  const int64_t step = (along_ == 2 ? 1 : shape_.in[2]) * 4;
  const int64_t row_step = (along_ == 2 ? shape_.in[2] : 1) * 4;
  const double ns = kNsPerStagedTile * static_cast<double>(staged_tiles_);
  return parallel_for(rows * blocks, grain_for(ns), [=, this](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / blocks, block = i % blocks;
      const float* from = x + block * plane * 4 + row * row_step;
      float* to = v + row * row_floats_ + block * staged_tiles_ * 4;
      for (int64_t tile = 0; tile < staged_tiles_; ++tile, to += 4) {
        const int64_t first = tile * tile_outputs_ - shape_.pad[along_];
        f32x4 d[kPoints], points[kPoints];
        SX_UNROLLED
        for (int64_t k = 0; k < kPoints; ++k) {
          const int64_t at = first + k;
          d[k] = at >= 0 && at < extent ? load(from + at * step) : zero();
        }
        transform_input(d, points);
        SX_UNROLLED
        for (int64_t k = 0; k < kPoints; ++k) store(to + k * point_floats_, points[k]);
      }
    }
  });
}

// One tile of one block of filters from m[point][2][kTileRows][4].
void WinogradLine::put(const ConvImage& image, const float* m, int64_t row, int64_t tile,
                       int64_t block) const {
  f32x4 points[kPoints], outputs[kMostOutputs];
  SX_UNROLLED
  for (int64_t k = 0; k < kPoints; ++k) points[k] = load(m + k * kTileRows * kPanel);
  transform_output(points, tile_outputs_, outputs);
  const int64_t step = (along_ == 2 ? 1 : shape_.out[2]) * 4;
  const int64_t row_step = (along_ == 2 ? shape_.out[2] : 1) * 4;
  const int64_t first =
      block * shape_.out_plane() * 4 + row * row_step + tile * tile_outputs_ * step;
  const ClampBounds clamp = clamp_bounds(image.activation);
  const f32x4 low = splat(clamp.low), high = splat(clamp.high), bias = load(image.bias + 4 * block);
  const int64_t count = std::min(tile_outputs_, shape_.out[along_] - tile * tile_outputs_);
  float sums[kMostOutputs * 4];
  SX_UNROLLED
  for (int64_t k = 0; k < kMostOutputs; ++k) {
    if (k >= tile_outputs_) break;
    f32x4 sum = outputs[k] + bias;
    if (image.add && k < count) sum += load(image.add + first + k * step);
    store(sums + 4 * k, pmin(pmax(sum, low), high));
  }
  if (!is_clamp(image.activation.kind)) activate(image.activation, sums, 4 * count);
  for (int64_t k = 0; k < count; ++k) store(image.y + first + k * step, load(sums + 4 * k));
}

// Up to kTileRows tiles of a row by one panel.
void WinogradLine::unit(const ConvImage& image, int64_t row, int64_t tile, int64_t panel) const {
  const int64_t taps = shape_.kernel[across_], dilation = shape_.dilation[across_];
  const int64_t top = row * shape_.stride[across_] - shape_.pad[across_];
  const int64_t begin = top < 0 ? std::min(ceil_div(-top, dilation), taps) : 0;
  const int64_t room = shape_.in[across_] - top;
  const int64_t end = room <= 0 ? begin : std::clamp(ceil_div(room, dilation), begin, taps);
  const int64_t blocks = channel_blocks(shape_.in_channels);
  const int64_t runs = tap_groups(shape_.kernel[along_]) * blocks;
  const int64_t count = std::min<int64_t>(kTileRows, tiles_ - tile);
  const auto multiply = count > 4 ? multiply_tiles<kTileRows> : multiply_tiles<kLeastTiles>;
  float m[kPoints * kTileRows * kPanel];
  for (int64_t point = 0; point < kPoints; ++point) {
    const float* u = image.packed + ((panel * kPoints + point) * taps + begin) * runs * 4 * kPanel;
    multiply(image.x + (top * row_floats_ + point * point_floats_ + tile * 4),
             runs_.as<int32_t>() + begin * runs, (end - begin) * runs, u,
             m + point * kTileRows * kPanel);
  }
  const int64_t out_blocks = channel_blocks(shape_.out_channels);
  for (int64_t half = 0; half < 2 && 2 * panel + half < out_blocks; ++half) {
    for (int64_t i = 0; i < count; ++i) {
      put(image, m + (half * kTileRows + i) * 4, row, tile + i, 2 * panel + half);
    }
  }
}

Status WinogradLine::multiply(const ConvImage& image) const {
  const int64_t panels = ceil_div<int64_t>(shape_.out_channels, kPanel);
  const int64_t columns = ceil_div<int64_t>(tiles_, kTileRows);
  const int64_t lines = columns * shape_.out[across_];
  const int64_t depth =
      tap_groups(shape_.kernel[along_]) * shape_.kernel[across_] * shape_.in_channels;
  // What is larger, weights or image, is walked through once.
  const bool panels_outside = panels * kPanel * depth * kPoints > scratch_floats();
  const double ns = kNsPerMultiplyAdd * static_cast<double>(kPoints * kTileRows * kPanel * depth);
  return parallel_for(lines * panels, grain_for(ns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t line = panels_outside ? i % lines : i / panels;
      const int64_t panel = panels_outside ? i / lines : i % panels;
      unit(image, line / columns, line % columns * kTileRows, panel);
    }
  });
}

Status WinogradLine::run(const float* x, const float* packed, const float* bias, const float* add,
                         const Activation& activation, float* y, float* scratch) const {
  return run_images(
      shape_.batch,
      {channel_blocks(shape_.in_channels) * 4 * shape_.in_plane(),
       channel_blocks(shape_.out_channels) * 4 * shape_.out_plane()},
      {x, packed, bias, add, y, activation}, scratch,
      [&](const float* from) { return stage(from, scratch); },
      [&](const ConvImage& image) { return multiply(image); });
}

}  // namespace sardonyx::simd
