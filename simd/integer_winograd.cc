#include "simd/integer_winograd.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/checked.h"
#include "base/shape.h"
#include "simd/byte_pairs.h"
#include "simd/parallel.h"
#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

constexpr int64_t kTile = 4, kSpan = 6;  // outputs and inputs of a tile, per axis
constexpr int64_t kPoints = kSpan * kSpan;
constexpr int64_t kLanes = 8;
// Tiles of a block, and bytes of its transformed input, which stays in the second-level cache.
constexpr int64_t kMostTiles = 48, kFewestTiles = 8;
constexpr int64_t kPanelBytes = 384 << 10;
// Whole vectors of tiles are written; what is too much is written over by the next.
constexpr int64_t kSlackTiles = kLanes;
constexpr int64_t kMostWidth = kMostTiles + kSlackTiles;
// Fewer channels, filters or tiles do not pay for the transforms.
constexpr int64_t kFewestChannels = 8, kFewestFilters = 8, kFewestInMap = 9;
constexpr int32_t kLimit = 1 << 25;
constexpr int32_t kInverseOf9 = 954437177;
constexpr uint32_t kShift = 6;

// --- transforms ----------------------------------------------------------------------------------
SX_INLINE i16x8 add(i16x8 a, i16x8 b) {
  return {wasm_i16x8_add(a.v, b.v)};
}
template <int kBits>
SX_INLINE i16x8 times(i16x8 a) {
  return {wasm_i16x8_shl(a.v, kBits)};
}

// One axis of the input's transform.
SX_INLINE void transform(const i16x8 (&d)[kSpan], i16x8 (&out)[kSpan]) {
  const i16x8 even = d[4] - d[2], odd = d[3] - d[1];
  out[0] = add(times<2>(d[0] - d[2]), even);
  const i16x8 a = d[4] - times<2>(d[2]), b = d[3] - times<2>(d[1]);
  out[1] = add(a, b);
  out[2] = a - b;
  const i16x8 twice = times<1>(odd);
  out[3] = add(even, twice);
  out[4] = even - twice;
  out[5] = (d[5] - d[3]) - times<2>(odd);
}

// Eight tiles of one channel, side by side, to [point][8].
void transform_tiles(const uint8_t* x, int64_t columns, v128_t flip, int16_t* out) {
  int16_t rows[kPoints * kLanes];
  const i32x4 byte = constant<255>();
  SX_ROLLED
  for (int64_t y = 0; y < kSpan; ++y) {
    const i32x4 a{wasm_v128_xor(flip, wasm_v128_load(x))};
    const i32x4 b{wasm_v128_xor(flip, wasm_v128_load(x + 16))};
    const i32x4 c{wasm_v128_xor(flip, wasm_v128_load(x + 4))};
    const i32x4 d{wasm_v128_xor(flip, wasm_v128_load(x + 20))};
    // Byte `at` of each tile's four.
    const auto column = [&](i32x4 p, i32x4 q, uint32_t at) {
      return narrow(shift_right_logical(p, 8 * at) & byte, shift_right_logical(q, 8 * at) & byte);
    };
    const i16x8 in[kSpan] = {column(a, b, 0), column(a, b, 1), column(a, b, 2),
                             column(a, b, 3), column(c, d, 0), column(c, d, 1)};
    i16x8 to[kSpan];
    transform(in, to);
    SX_UNROLLED
    for (int64_t i = 0; i < kSpan; ++i) store(rows + (y * kSpan + i) * kLanes, to[i]);
    x += columns;
  }
  SX_ROLLED
  for (int64_t i = 0; i < kSpan; ++i) {
    i16x8 in[kSpan], to[kSpan];
    SX_UNROLLED
    for (int64_t y = 0; y < kSpan; ++y) in[y] = load(rows + (y * kSpan + i) * kLanes);
    transform(in, to);
    SX_UNROLLED
    for (int64_t y = 0; y < kSpan; ++y) store(out + (y * kSpan + i) * kLanes, to[y]);
  }
}

// One axis of the last transform, with the factors (6, -4, -4, 1, 1, 24) that are left of the
// filters'.
SX_INLINE void gather(const i32x4 (&m)[kSpan], i32x4 (&out)[kTile]) {
  const i32x4 p = m[1] + m[2], q = shift_left(m[1] - m[2], 2);
  const i32x4 u = m[3] + m[4], v = m[3] - m[4];
  const i32x4 first = shift_left(m[0], 1), last = shift_left(m[5], 3);
  out[0] = first + shift_left(m[0] - p, 2) + u;
  out[1] = shift_left(v, 1) - q;
  out[2] = shift_left(u - p, 2);
  out[3] = shift_left(v, 3) - q + last + shift_left(last, 1);
}

// The sums of four tiles from [point] vectors that are `stride` apart: out[row][column].
SX_INLINE void gather_tiles(const int32_t* sums, size_t stride, i32x4 (&out)[kTile][kTile]) {
  i32x4 rows[kTile][kSpan];
  SX_UNROLLED
  for (size_t i = 0; i < kSpan; ++i) {
    i32x4 in[kSpan], to[kTile];
    SX_UNROLLED
    for (size_t y = 0; y < kSpan; ++y) in[y] = load(sums + (y * kSpan + i) * stride);
    gather(in, to);
    SX_UNROLLED
    for (size_t y = 0; y < kTile; ++y) rows[y][i] = to[y];
  }
  SX_UNROLLED
  for (size_t y = 0; y < kTile; ++y) gather(rows[y], out[y]);
}

// The filters' transform of g along one axis, whose elements are `step` apart.
void transform_filter(const int32_t* g, int64_t step, int32_t* out) {
  const int32_t a = g[0], b = g[step], c = g[2 * step];
  const int32_t points[kSpan] = {a, a + b + c, a - b + c, a + 2 * b + 4 * c, a - 2 * b + 4 * c, c};
  std::copy_n(points, kSpan, out);
}

int64_t tiles_of(int64_t outputs) {
  return ceil_div(outputs, kTile);
}

}  // namespace

bool integer_winograd_pays(const ConvSpec& spec, int64_t height, int64_t width) {
  for (int axis = 1; axis < 3; ++axis) {
    if (spec.kernel[axis] != 3 || spec.stride[axis] != 1 || spec.dilation[axis] != 1) return false;
  }
  if (spec.group_in() < kFewestChannels || spec.group_out() < kFewestFilters) return false;
  const bool known = height != kUnknownDim && width != kUnknownDim;
  return !known || tiles_of(height) * tiles_of(width) >= kFewestInMap;
}

bool integer_winograd_is_exact(const ConvSpec& spec, const ByteMatrix& weights,
                               const int32_t* zeros) {
  constexpr int64_t kMostOfByte = 255;
  for (int64_t filter = 0; filter < spec.out_channels; ++filter) {
    int64_t sum = 0;
    for (int64_t k = 0; k < spec.depth(); ++k) {
      sum += std::abs(weights.at(filter * spec.depth() + k) - zeros[filter]);
    }
    if (sum * kMostOfByte >= kLimit) return false;
  }
  return true;
}

int64_t integer_winograd_row(const ConvSpec& spec) {
  return kPoints * integer_row(spec.group_in());
}

void integer_winograd_pack(const ConvSpec& spec, const ByteMatrix& weights, const int32_t* zeros,
                           int16_t* packed) {
  constexpr int64_t kTaps = 9;
  const int64_t channels = spec.group_in(), pairs = integer_row(channels) / 2;
  for (int64_t filter = 0; filter < spec.out_channels; ++filter) {
    const int64_t in_group = filter % spec.group_out(), row = in_group % kIntegerRows;
    const int64_t first = filter - row;
    const int64_t rows = std::min(kIntegerRows, spec.group_out() - (in_group - row));
    int16_t* tile = packed + first * integer_winograd_row(spec);
    for (int64_t c = 0; c < 2 * pairs; ++c) {
      int32_t taps[kTaps] = {}, columns[3 * kSpan], points[kPoints];
      SX_SCALAR
      for (int64_t i = 0; i < kTaps && c < channels; ++i) {
        taps[i] = weights.at((filter * channels + c) * kTaps + i) - zeros[filter];
      }
      for (int64_t y = 0; y < 3; ++y) transform_filter(taps + 3 * y, 1, columns + kSpan * y);
      int16_t* to = tile + (c / 2 * rows + row) * 2 + c % 2;
      for (int64_t x = 0; x < kSpan; ++x) {
        transform_filter(columns + x, kSpan, points);
        for (int64_t y = 0; y < kSpan; ++y) {
          to[(y * kSpan + x) * pairs * rows * 2] = static_cast<int16_t>(points[y]);
        }
      }
    }
  }
}

Result<IntegerWinograd> IntegerWinograd::make(const ConvShape& shape) {
  IntegerWinograd conv;
  conv.shape_ = shape;
  conv.pairs_ = integer_row(shape.group_in()) / 2;
  conv.tile_rows_ = tiles_of(shape.out[1]);
  conv.tile_columns_ = tiles_of(shape.out[2]);
  SX_ASSIGN(conv.image_,
            IntegerImage::make(shape, conv.tile_rows_ * kTile + 2, conv.tile_columns_ * kTile + 2));
  const int64_t tile_bytes = kPoints * 2 * conv.pairs_ * int64_t{sizeof(int16_t)};
  conv.block_ = std::clamp(kPanelBytes / tile_bytes / kLanes * kLanes, kFewestTiles, kMostTiles);
  conv.threads_ = threads_wanted();
  return conv;
}

int64_t IntegerWinograd::panel_elements() const {
  return kPoints * pairs_ * (block_ + kSlackTiles) * 2;
}

int64_t IntegerWinograd::thread_bytes() const {
  return panel_elements() * int64_t{sizeof(int16_t)} +
         kPoints * kIntegerRows * kMostWidth * int64_t{sizeof(int32_t)};
}

int64_t IntegerWinograd::scratch_bytes() const {
  return round_up(image_.scratch_bytes(), int64_t{kBlockAlignment}) + threads_ * thread_bytes();
}

struct IntegerWinograd::Work {
  IntegerOperand operand;
  IntegerFilters filters;
  const IntegerOutput& output;
  int64_t at;  // element of the output where the image starts
};

// Panels [point][pair][tile][2].
void IntegerWinograd::transform_input(const Work& work, int64_t group, const PixelRun* runs,
                                      int count, int16_t* panels) const {
  const int64_t width = block_ + kSlackTiles, channels = shape_.group_in();
  const v128_t flip = wasm_i8x16_splat(static_cast<int8_t>(work.operand.flip));
  const uint8_t* image = work.operand.image + group * channels * image_.plane();
  for (int64_t pair = 0; pair < pairs_; ++pair) {
    const uint8_t* a = image + 2 * pair * image_.plane();
    const uint8_t* b = 2 * pair + 1 < channels ? a + image_.plane() : a;  // times zero
    for (int run = 0; run < count; ++run) {
      for (int64_t i = 0; i < runs[run].count; i += kLanes) {
        int16_t points[2][kPoints * kLanes];
        const int64_t from = runs[run].from + i * kTile;
        transform_tiles(a + from, image_.columns(), flip, points[0]);
        transform_tiles(b + from, image_.columns(), flip, points[1]);
        int16_t* to = panels + (pair * width + runs[run].to + i) * 2;
        SX_ROLLED
        for (int64_t point = 0; point < kPoints * kLanes; point += kLanes) {
          const v128_t even = load(points[0] + point).v, odd = load(points[1] + point).v;
          wasm_v128_store(to, wasm_i16x8_shuffle(even, odd, 0, 8, 1, 9, 2, 10, 3, 11));
          wasm_v128_store(to + 8, wasm_i16x8_shuffle(even, odd, 4, 12, 5, 13, 6, 14, 7, 15));
          to += pairs_ * width * 2;
        }
      }
    }
  }
}

// Outputs of tiles [begin, end) from sums [point][kIntegerRows][tile].
void IntegerWinograd::put_filter(const Work& work, int64_t channel, int64_t begin, int64_t end,
                                 const int32_t* sums) const {
  uint8_t rows[kTile][kMostTiles * kTile];
  const Requantization& to = *work.output.quantize;
  const Requantizer requantize(to);
  const f32x4 scale = splat(to.scale[channel]), bias = splat(to.bias[channel]);
  const i32x4 start = splat(work.operand.start(work.output.first[channel], work.filters, channel));
  const i32x4 inverse = constant<kInverseOf9>(), byte = constant<255>();
  SX_ROLLED
  for (int64_t i = 0; i < end - begin; i += 4) {
    i32x4 tile[kTile][kTile];
    gather_tiles(sums + i, static_cast<size_t>(kIntegerRows * kMostWidth), tile);
    SX_UNROLLED
    for (int64_t y = 0; y < kTile; ++y) {
      i32x4 four = splat(0);
      SX_UNROLLED
      for (int64_t x = kTile - 1; x >= 0; --x) {
        const i32x4 sum = shift_right(tile[y][x] * inverse, kShift) + start;
        four = shift_left(four, 8) | (requantize(sum, scale, bias) & byte);
      }
      wasm_v128_store(rows[y] + i * kTile, four.v);
    }
  }
  auto* out = static_cast<uint8_t*>(work.output.data) + work.at + channel * shape_.out_plane();
  for (int64_t tile = begin; tile < end;) {
    const int64_t row = tile / tile_columns_, column = tile % tile_columns_;
    const int64_t tiles = std::min(tile_columns_ - column, end - tile);
    const int64_t width = std::min(tiles * kTile, shape_.out[2] - column * kTile);
    for (int64_t y = 0; y < std::min(kTile, shape_.out[1] - row * kTile); ++y) {
      std::memcpy(out + (row * kTile + y) * shape_.out[2] + column * kTile,
                  rows[y] + (tile - begin) * kTile, static_cast<size_t>(width));
    }
    tile += tiles;
  }
}

void IntegerWinograd::block(const Work& work, int64_t group, int64_t begin, int64_t end,
                            int16_t* panels) const {
  const int64_t width = block_ + kSlackTiles, filters = shape_.group_out();
  PixelRun runs[kMostTiles];
  const int count = pixel_runs(begin, end, tile_columns_, kTile * image_.columns(), kTile, runs);
  transform_input(work, group, runs, count, panels);
  auto* sums = reinterpret_cast<int32_t*>(panels + panel_elements());
  for (int64_t first = 0; first < filters; first += kIntegerRows) {
    const int64_t rows = std::min(kIntegerRows, filters - first);
    const int64_t channel = group * filters + first;
    const int16_t* weights = work.filters.weights + channel * integer_winograd_row(shape_);
    for (int64_t point = 0; point < kPoints; ++point) {
      integer_tile(rows, weights + point * pairs_ * rows * 2, panels + point * pairs_ * width * 2,
                   static_cast<size_t>(2 * width), static_cast<size_t>(pairs_),
                   sums + point * kIntegerRows * kMostWidth, static_cast<size_t>(kMostWidth),
                   end - begin);
    }
    for (int64_t r = 0; r < rows; ++r) {
      put_filter(work, channel + r, begin, end, sums + r * kMostWidth);
    }
  }
}

Status IntegerWinograd::run(const uint8_t* x, IntegerOperand operand, const IntegerFilters& filters,
                            const IntegerOutput& output, int64_t out, uint8_t* scratch) const {
  SX_ASSIGN(operand.image, image_.stage(x, operand.padding(), scratch));
  const Work work{operand, filters, output, out};
  const int64_t tiles = tile_rows_ * tile_columns_, blocks = ceil_div(tiles, block_);
  uint8_t* memory = scratch + round_up(image_.scratch_bytes(), int64_t{kBlockAlignment});
  return parallel_for(shape_.groups * blocks, 1, threads_,
                      [&](int64_t begin, int64_t end, int thread) {
                        for (int64_t i = begin; i < end; ++i) {
                          const int64_t first = i % blocks * block_;
                          block(work, i / blocks, first, std::min(tiles, first + block_),
                                reinterpret_cast<int16_t*>(memory + thread * thread_bytes()));
                        }
                      });
}

}  // namespace sardonyx::simd
