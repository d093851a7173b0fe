#include "simd/conv_direct.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/direct_tile.h"
#include "simd/elementwise.h"
#include "simd/parallel.h"
#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

constexpr int64_t kTileColumns = 32;
constexpr int64_t kChunkColumns = 96;  // a multiple of all tile widths
constexpr double kNsPerMultiplyAdd = 0.05;
constexpr double kNsPerStagedFloat = 0.15;

struct TileCall {
  const float* x;  // the first column of the tile at the first tap
  const int32_t* taps;
  const float* weights;
  Runs runs;
  const float* bias;
  const float* add;  // like out, or null
  float* out;
  int64_t out_plane;
  int64_t columns;
  ClampBounds clamp;
};

__attribute__((noinline)) void put(const float* tile, int channels, int width,
                                   const TileCall& call) {
  const f32x4 low = splat(call.clamp.low), high = splat(call.clamp.high);
  for (int r = 0; r < channels; ++r) {
    const int64_t row = r * call.out_plane;
    for (int64_t i = 0; i < call.columns; i += 4) {
      const int64_t left = call.columns - i;
      f32x4 value = load(tile + r * width + i);
      if (call.add) {
        const float* add = call.add + row + i;
        value += left >= 4 ? load(add) : load_partial(add, left);
      }
      store_partial(call.out + row + i, pmin(pmax(value, low), high), left);
    }
  }
}

template <int MR, int NV>
void run_tile(const TileCall& call) {
  f32x4 acc[MR][NV];
  SX_UNROLLED
  for (int r = 0; r < MR; ++r) {
    const f32x4 bias = load_splat(call.bias + r);
    SX_UNROLLED
    for (int v = 0; v < NV; ++v) acc[r][v] = bias;
  }
  add_runs<MR, NV>(acc, call.runs, call.x, call.taps, call.weights);
  float lanes[MR][4 * NV];
  SX_UNROLLED
  for (int r = 0; r < MR; ++r) {
    SX_UNROLLED
    for (int v = 0; v < NV; ++v) store(lanes[r] + 4 * v, acc[r][v]);
  }
  put(lanes[0], MR, 4 * NV, call);
}

struct TileChoice {
  void (*fn)(const TileCall&);
  int64_t columns;
};
constexpr TileChoice kTiles[] = {{run_tile<1, 8>, 32}, {run_tile<2, 4>, 16}, {run_tile<3, 3>, 12},
                                 {run_tile<4, 2>, 8},  {run_tile<5, 2>, 8},  {run_tile<6, 2>, 8}};

}  // namespace

int64_t tile_channels(int64_t left) {
  return ceil_div(left, ceil_div(left, kTileChannels));
}

__attribute__((noinline)) Range taps_inside(const ConvShape& shape, int axis, int64_t first,
                                            int64_t last) {
  const int64_t before = shape.pad[axis] - last * shape.stride[axis];
  const int64_t room = shape.pad[axis] + shape.in[axis] - first * shape.stride[axis];
  const int64_t dilation = shape.dilation[axis], taps = shape.kernel[axis];
  const int64_t begin = before <= 0 ? 0 : std::min(ceil_div(before, dilation), taps);
  return {begin, room <= 0 ? begin : std::clamp(ceil_div(room, dilation), begin, taps)};
}

Runs runs_of(const ConvShape& shape, Range x, Range z, Range y, int64_t& first) {
  const int64_t row = shape.group_in(), plane = row * shape.kernel[1];
  const int64_t volume = plane * shape.kernel[0];
  first = x.begin * volume + z.begin * plane + y.begin * row;
  Runs runs{x.end - x.begin, volume, z.end - z.begin, plane, (y.end - y.begin) * row};
  if (runs.length == plane) {
    runs.length *= runs.inner;
    runs.inner = 1;
  }
  if (runs.length == volume) {
    runs.length *= runs.outer;
    runs.outer = 1;
  }
  return runs;
}

std::optional<int64_t> direct_packed_size(const ConvSpec& spec) {
  return checked_mul(spec.out_channels, spec.depth());
}

void direct_pack(const ConvSpec& spec, const float* weights, float* packed) {
  const int64_t count = spec.group_out(), channels = spec.group_in(), depth = spec.depth();
  const int64_t planes = spec.kernel[0] * spec.kernel[1], width = spec.kernel[2];
  for (int64_t first = 0, height = 0; first < spec.out_channels; first += height) {
    height = tile_channels(count - first % count);
    for (int64_t i = 0; i < depth; ++i) {
      const int64_t tap = i / channels % planes * width + i / channels / planes;
      const float* from = weights + first * depth + i % channels * planes * width + tap;
      for (int64_t r = 0; r < height; ++r) *packed++ = from[r * depth];
    }
  }
}

Result<DirectConv> DirectConv::make(const ConvShape& shape) {
  DirectConv conv;
  conv.shape_ = shape;
  const int64_t stride = shape.stride[2];
  conv.phase_floats_ =
      shape.out[2] + kTileColumns + (shape.kernel[2] - 1) * shape.dilation[2] / stride;
  const auto row = checked_mul(conv.phase_floats_, stride);
  const auto rows = checked_mul(shape.in[0], shape.in[1]);
  const auto floats = checked_mul(row.value_or(INT64_MAX), rows.value_or(INT64_MAX));
  const auto image = checked_mul(floats.value_or(INT64_MAX), shape.in_channels);
  if (!image || *image > static_cast<int64_t>(kMaxTensorBytes / sizeof(float))) {
    return error(ErrorCode::LIMIT_EXCEEDED,
                 "the padded input of a convolution is above the limit of 2 GiB");
  }
  conv.channel_floats_ = *floats;
  SX_ASSIGN(conv.taps_, Block::allocate(static_cast<uint64_t>(shape.depth()) * sizeof(int32_t)));
  auto* tap = conv.taps_.as<int32_t>();
  for (int64_t k = 0; k < shape.kernel[2]; ++k) {
    const int64_t x = k * shape.dilation[2];
    for (int64_t i = 0; i < shape.kernel[0]; ++i) {
      for (int64_t j = 0; j < shape.kernel[1]; ++j) {
        const int64_t y = i * shape.dilation[0] * shape.in[1] + j * shape.dilation[1];
        for (int64_t c = 0; c < shape.group_in(); ++c) {
          *tap++ = static_cast<int32_t>(c * *floats + y * *row + x % stride * conv.phase_floats_ +
                                        x / stride);
        }
      }
    }
  }
  return conv;
}

void DirectConv::stage_row(const float* from, float* to) const {
  const int64_t stride = shape_.stride[2], pad = shape_.pad[2];
  for (int64_t phase = 0; phase < stride; ++phase, to += phase_floats_) {
    // Column i of the phase is element i * stride + phase - pad of the row.
    const int64_t begin =
        std::min(ceil_div(std::max<int64_t>(pad - phase, 0), stride), phase_floats_);
    const int64_t inside = ceil_div(std::max<int64_t>(shape_.in[2] + pad - phase, 0), stride);
    const int64_t end = std::clamp(inside, begin, phase_floats_);
    std::memset(to, 0, static_cast<size_t>(begin) * sizeof(float));
    const float* in = from + begin * stride + phase - pad;
    if (stride == 1) {
      std::memcpy(to + begin, in, static_cast<size_t>(end - begin) * sizeof(float));
    } else {
      for (int64_t i = begin; i < end; ++i, in += stride) to[i] = *in;
    }
    std::memset(to + end, 0, static_cast<size_t>(phase_floats_ - end) * sizeof(float));
  }
}

Status DirectConv::stage(const float* x, float* scratch) const {
  const int64_t row = phase_floats_ * shape_.stride[2], width = shape_.in[2];
  return parallel_for(shape_.in_channels * shape_.in[0] * shape_.in[1],
                      grain_for(kNsPerStagedFloat * static_cast<double>(row)),
                      [=, this](int64_t begin, int64_t end) {
                        for (int64_t i = begin; i < end; ++i) {
                          stage_row(x + i * width, scratch + i * row);
                        }
                      });
}

// All channels of a group, columns [column, end) of one row of the output.
void DirectConv::chunk(const ConvImage& image, int64_t group, int64_t row, int64_t column,
                       int64_t end) const {
  const int64_t z = row / shape_.out[1], y = row % shape_.out[1];
  const Range planes = taps_inside(shape_, 0, z, z), rows = taps_inside(shape_, 1, y, y);
  const int64_t from =
      (z * shape_.stride[0] - shape_.pad[0]) * shape_.in[1] + y * shape_.stride[1] - shape_.pad[1];
  const int64_t base =
      group * shape_.group_in() * channel_floats_ + from * phase_floats_ * shape_.stride[2];
  const int64_t first_channel = group * shape_.group_out();
  TileCall call{};
  call.out_plane = shape_.out_plane();
  call.clamp = clamp_bounds(image.activation);
  for (int64_t c = 0, height = 0; c < shape_.group_out(); c += height) {
    height = tile_channels(shape_.group_out() - c);
    const TileChoice tile = kTiles[height - 1];
    const int64_t channel = first_channel + c;
    for (int64_t i = column; i < end; i += tile.columns) {
      call.columns = std::min(tile.columns, end - i);
      int64_t first = 0;
      call.runs =
          runs_of(shape_, taps_inside(shape_, 2, i, i + call.columns - 1), planes, rows, first);
      call.taps = taps_.as<int32_t>() + first;
      call.weights = image.packed + channel * shape_.depth() + first * height;
      call.x = image.x + (base + i);
      call.bias = image.bias + channel;
      const int64_t offset = channel * call.out_plane + row * shape_.out[2] + i;
      call.add = image.add ? image.add + offset : nullptr;
      call.out = image.y + offset;
      tile.fn(call);
    }
  }
  if (is_clamp(image.activation.kind)) return;
  for (int64_t c = 0; c < shape_.group_out(); ++c) {
    float* out = image.y + (first_channel + c) * call.out_plane + row * shape_.out[2];
    activate(image.activation, out + column, end - column);
  }
}

Status DirectConv::multiply(const ConvImage& image) const {
  const int64_t width = shape_.out[2], rows = shape_.out[0] * shape_.out[1];
  const int64_t blocks = ceil_div(width, kChunkColumns);
  const double ns = kNsPerMultiplyAdd * static_cast<double>(std::min(width, kChunkColumns) *
                                                            shape_.depth() * shape_.group_out());
  return parallel_for(
      shape_.groups * rows * blocks, grain_for(ns), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t column = i % blocks * kChunkColumns, row = i / blocks;
          chunk(image, row / rows, row % rows, column, std::min(column + kChunkColumns, width));
        }
      });
}

Status DirectConv::run(const float* x, const float* packed, const float* bias, const float* add,
                       const Activation& activation, float* y, float* scratch) const {
  return run_images(
      shape_.batch,
      {shape_.in_channels * shape_.in_plane(), shape_.out_channels * shape_.out_plane()},
      {x, packed, bias, add, y, activation}, scratch,
      [&](const float* from) { return stage(from, scratch); },
      [&](const ConvImage& image) { return multiply(image); });
}

}  // namespace sardonyx::simd
