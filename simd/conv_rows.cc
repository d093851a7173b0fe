#include "simd/conv_rows.h"

#include <algorithm>

#include "base/checked.h"
#include "simd/elementwise.h"
#include "simd/gemm_tile.h"
#include "simd/layout.h"
#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

constexpr int kTileRows = kOnePanelRows;
constexpr int64_t kMostPixels = kPixelBlock + kTileRows - 1;
// The rows of a chunk fit the first-level cache. From half as many channels on, copying pays only
// where planes share the ways of that cache.
constexpr int64_t kMostChannels = 128;
constexpr int64_t kWayBytes = 4096;
// Copying takes a third of the time of one panel.
constexpr int64_t kLeastFilters = 2 * kPanel;

// A panel of filters times the rows of a chunk.
struct PanelCall {
  const float* rows;
  size_t row, depth;  // floats between rows, and of a row
  const float* weights;
  const float* bias;
  const float* add;  // like out, or null
  float* out;
  size_t out_block;  // floats between channel blocks
  bool half;         // only the first of the panel's channel blocks exists
  // In memory, because two more vectors that live through the products would make V8 spill.
  const ClampBounds* clamp;
};

SX_INLINE void run_tile(const PanelCall& call, size_t pixel) {
  Tile<kTileRows, 1> tile;
  const f32x4 bias[2] = {load(call.bias), load(call.bias + 4)};
  SX_UNROLLED
  for (int r = 0; r < kTileRows; ++r) {
    tile.acc[r][0] = bias[0];
    tile.acc[r][1] = bias[1];
  }
  const float* a = call.rows + pixel * call.row;
  const float* b = call.weights;
  const float* end = b + kPanel * call.depth;
  SX_ROLLED
  do {
    const f32x4 columns[2] = {load(b), load(b + 4)};
    const float* row = a;
    SX_UNROLLED
    for (int r = 0; r < kTileRows; ++r) {
      const f32x4 x = load_splat(row);
      tile.acc[r][0] = madd(x, columns[0], tile.acc[r][0]);
      tile.acc[r][1] = madd(x, columns[1], tile.acc[r][1]);
      row += call.row;
    }
    ++a;
    b += kPanel;
  } while (b != end);
  const f32x4 low = load_splat(&call.clamp->low), high = load_splat(&call.clamp->high);
  SX_UNROLLED
  for (int v = 0; v < 2; ++v) {
    if (v == 1 && call.half) break;
    const size_t offset = static_cast<size_t>(v) * call.out_block + pixel * kChannelBlock;
    if (call.add) {
      SX_UNROLLED
      for (int r = 0; r < kTileRows; ++r) tile.acc[r][v] += load(call.add + offset + 4 * r);
    }
    SX_UNROLLED
    for (int r = 0; r < kTileRows; ++r) {
      store(call.out + offset + 4 * r, pmin(pmax(tile.acc[r][v], low), high));
    }
  }
}

// At least kTileRows pixels. The last tile ends with the last pixel; what it shares with the one
// before it is computed twice. Not inlined, which would bring the bounds out of memory.
[[gnu::noinline]] void run_panel(const PanelCall& shared, int64_t pixels) {
  // A copy that stays in registers: stores to the output could change the other.
  const PanelCall call = shared;
  SX_ROLLED
  for (int64_t first = 0; first < pixels; first += kTileRows) {
    run_tile(call, static_cast<size_t>(std::min(first, pixels - kTileRows)));
  }
}

// At least four pixels, as rows of `row` floats.
void copy_rows(const float* x, int64_t plane, int64_t row, int64_t pixels, float* rows) {
  for (int64_t channel = 0; channel < row; channel += kChannelBlock) {
    SX_ROLLED
    for (int64_t i = 0; i < pixels; i += 4) {
      const int64_t first = std::min(i, pixels - 4);
      const float* from = x + channel * plane + first * kChannelBlock;
      float* to = rows + channel + first * row;
      const f32x4 a = load(from), b = load(from + 4), c = load(from + 8), d = load(from + 12);
      store(to, a);
      store(to + row, b);
      store(to + 2 * row, c);
      store(to + 3 * row, d);
    }
  }
}

}  // namespace

bool conv_rows_takes(const ConvShape& shape) {
  for (int axis = 1; axis < 3; ++axis) {
    if (shape.stride[axis] != 1 || shape.in[axis] != shape.out[axis]) return false;
  }
  const int64_t plane = shape.out_plane();
  const bool share_ways = plane % (kWayBytes / int64_t{kChannelBlock * sizeof(float)}) == 0;
  const int64_t most = share_ways ? kMostChannels : kMostChannels / 2;
  return shape.groups == 1 && shape.taps() == 1 && shape.in_channels <= most &&
         shape.out_channels >= kLeastFilters && plane >= kTileRows &&
         shape.in_layout == Layout::kNC4HW4 && shape.out_layout == Layout::kNC4HW4;
}

int64_t conv_rows_blocks(int64_t plane) {
  return std::max<int64_t>((plane + kPixelBlock - kTileRows) / kPixelBlock, 1);
}

void conv_rows_chunk(const ConvShape& shape, const ConvImage& image, int64_t first, int64_t pixels,
                     int64_t panel, int64_t panel_end) {
  const int64_t plane = shape.out_plane(), depth = shape.in_channels;
  const int64_t row = round_up(depth, kChannelBlock);
  const ClampBounds clamp = clamp_bounds(image.activation);
  float rows[kMostPixels * kMostChannels];
  copy_rows(image.x + first * kChannelBlock, plane, row, pixels, rows);
  for (; panel < panel_end; ++panel) {
    const int64_t column = panel * kPanel;
    const int64_t offset = column * plane + first * kChannelBlock;
    float* out = image.y + offset;
    run_panel({.rows = rows,
               .row = static_cast<size_t>(row),
               .depth = static_cast<size_t>(depth),
               .weights = image.packed + column * depth,
               .bias = image.bias + column,
               .add = image.add ? image.add + offset : nullptr,
               .out = out,
               .out_block = static_cast<size_t>(plane * kChannelBlock),
               .half = shape.out_channels - column <= kChannelBlock,
               .clamp = &clamp},
              pixels);
    if (is_clamp(image.activation.kind)) continue;
    const int64_t columns = std::min<int64_t>(kPanel, shape.out_channels - column);
    for (int64_t c = 0; c < columns; c += kChannelBlock) {
      activate(image.activation, out + c * plane, pixels * kChannelBlock);
    }
  }
}

}  // namespace sardonyx::simd
