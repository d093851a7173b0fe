#include "simd/winograd.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/elementwise.h"
#include "simd/gemm_tile.h"
#include "simd/layout.h"
#include "simd/parallel.h"
#include "simd/winograd_transform.h"

namespace sardonyx::simd {
namespace {

// Tiles that are taken together. With 64 channels and filters their transforms are 220 KB.
constexpr int64_t kBlockTiles = 12;
constexpr int kTileRows = kRelaxed ? 6 : 4;
static_assert(kBlockTiles % kTileRows == 0);
// Where an image has few tiles, chunks divide its filters and transform its tiles once more each:
// only until there are so many chunks, and into no fewer panels.
constexpr int64_t kWantedChunks = 8, kLeastPanels = 8;
constexpr double kNsPerMultiplyAdd = 0.02;  // of the direct convolution
// Floats between points beyond a multiple of the cache's ways, so that points do not share its
// sets.
constexpr int64_t kPointGap = 16;

// Rows and columns of a transform.
int64_t side(const ConvSpec& spec) {
  return spec.winograd_tile + spec.kernel[1] - 1;
}
int64_t points(const ConvSpec& spec) {
  return side(spec) * side(spec);
}

// Floats between points of a block's transforms.
int64_t point_stride(int64_t channels) {
  return round_up<int64_t>(channels, kPanel) * kBlockTiles + kPointGap;
}

// What one chunk computes: some tiles of one image and group, by some of the group's filters.
struct Chunk {
  const ConvShape& shape;
  int64_t tile_columns;
  int64_t tile_begin, tile_end;
  int64_t panel_begin, panel_end;
  size_t v_stride, m_stride;  // floats between points
};

// Rows and columns of a tile that lie inside an image.
struct Inside {
  int64_t begin, end;
  Inside(int64_t first, int64_t count, int64_t extent)
      : begin(std::clamp<int64_t>(-first, 0, count)),
        end(std::clamp(extent - first, begin, count)) {}
};

// The patch of the image that a tile reads: where it lies, or a copy with zeros around it.
template <int kTile, int kSide>
Square<const float> find_patch(const Chunk& chunk, const float* plane, int64_t tile, float* copy) {
  const ConvShape& s = chunk.shape;
  const int64_t top = tile / chunk.tile_columns * kTile - s.pad[1];
  const int64_t left = tile % chunk.tile_columns * kTile - s.pad[2];
  const Inside rows(top, kSide, s.in[1]), columns(left, kSide, s.in[2]);
  const size_t row_step = static_cast<size_t>(s.in[2] * 4);
  const int64_t first = ((top + rows.begin) * s.in[2] + left + columns.begin) * 4;
  const auto count = static_cast<size_t>(columns.end - columns.begin) * 4;
  if (rows.end - rows.begin == kSide && count == kSide * 4) return {plane + first, row_step, 4};
  std::memset(copy, 0, sizeof(float) * 4 * kSide * kSide);
  if (count > 0) {
    const float* from = plane + first;
    for (int64_t row = rows.begin; row < rows.end; ++row, from += row_step) {
      std::memcpy(copy + (row * kSide + columns.begin) * 4, from, count * sizeof(float));
    }
  }
  return {copy, kSide * 4, 4};
}

// v[point][channel block][tile][4] = B^T d B
template <int kTile, int kSide>
void transform_tiles(const Chunk& chunk, const float* x, float* v) {
  float copy[kSide * kSide * 4];
  const int64_t blocks = channel_blocks(chunk.shape.group_in());
  for (int64_t block = 0; block < blocks; ++block, x += chunk.shape.in_plane() * 4) {
    for (int64_t tile = chunk.tile_begin; tile < chunk.tile_end; ++tile) {
      float* to = v + (block * kBlockTiles + tile - chunk.tile_begin) * 4;
      transform_square<kSide, kSide>(find_patch<kTile, kSide>(chunk, x, tile, copy),
                                     {to, kSide * chunk.v_stride, chunk.v_stride},
                                     [](const auto& d, auto& t) { transform_input(d, t); });
    }
  }
}

// Two channel blocks of the product at one point, for kRows tiles.
template <int kRows>
void multiply_tiles(const float* v, int64_t channels, const float* u, float* m) {
  Tile<kRows, 1> tile;
  tile_clear(tile);
  SX_ROLLED
  while (channels > 0) {
    const int64_t lanes = std::min<int64_t>(channels, 4);
    SX_ROLLED
    for (int64_t i = lanes; i > 0; --i) {
      const f32x4 low = load(u), high = load(u + 4);
      SX_UNROLLED
      for (int r = 0; r < kRows; ++r) {
        const f32x4 x = load_splat(v + 4 * r);
        tile.acc[r][0] = madd(x, low, tile.acc[r][0]);
        tile.acc[r][1] = madd(x, high, tile.acc[r][1]);
      }
      u += kPanel;
      ++v;
    }
    v += kBlockTiles * 4 - 4;
    channels -= lanes;
  }
  SX_UNROLLED
  for (int r = 0; r < kRows; ++r) {
    store(m + 4 * r, tile.acc[r][0]);
    store(m + kBlockTiles * 4 + 4 * r, tile.acc[r][1]);
  }
}

// m[point][filter block][tile][4] = v * u
void multiply(const Chunk& chunk, int64_t point_count, const float* v, const float* u, float* m) {
  const int64_t channels = chunk.shape.group_in();
  const int64_t panels = ceil_div<int64_t>(chunk.shape.group_out(), kPanel);
  const int64_t tiles = chunk.tile_end - chunk.tile_begin;
  for (int64_t point = 0; point < point_count; ++point) {
    for (int64_t panel = chunk.panel_begin; panel < chunk.panel_end; ++panel) {
      const float* weights = u + (point * panels + panel) * channels * kPanel;
      float* to = m + (panel - chunk.panel_begin) * kBlockTiles * kPanel;
      for (int64_t tile = 0; tile < tiles;) {
        // An odd number of tiles is rounded up: a block has room for it.
        const int64_t left = tiles - tile;
        if (kTileRows == 6 && left > 4) {
          multiply_tiles<kTileRows>(v + 4 * tile, channels, weights, to + 4 * tile);
          tile += kTileRows;
        } else if (left > 2) {
          multiply_tiles<4>(v + 4 * tile, channels, weights, to + 4 * tile);
          tile += 4;
        } else {
          multiply_tiles<2>(v + 4 * tile, channels, weights, to + 4 * tile);
          tile += 2;
        }
      }
    }
    v += chunk.v_stride;
    m += chunk.m_stride;
  }
}

struct Output {
  const float* bias;
  const float* add;  // like y, or null
  const Activation& activation;
  float* y;
};

// y = act(A^T m A + bias + add) for one tile of one channel block, whose first element is at
// `offset`.
template <int kTile, int kSide>
void put_tile(const Chunk& chunk, const float* m, int64_t tile, const Output& out, int64_t offset) {
  float sums[kTile * kTile * 4];
  transform_square<kSide, kTile>({m, kSide * chunk.m_stride, chunk.m_stride}, {sums, kTile * 4, 4},
                                 [](const auto& t, auto& y) { transform_output(t, y); });
  const ConvShape& s = chunk.shape;
  const int64_t top = tile / chunk.tile_columns * kTile;
  const int64_t left = tile % chunk.tile_columns * kTile;
  const int64_t rows = std::min<int64_t>(kTile, s.out[1] - top);
  const int64_t columns = std::min<int64_t>(kTile, s.out[2] - left);
  const bool clamps = is_clamp(out.activation.kind);
  const ClampBounds clamp = clamp_bounds(out.activation);
  const f32x4 bias = load(out.bias), low = splat(clamp.low), high = splat(clamp.high);
  offset += (top * s.out[2] + left) * 4;
  for (int64_t row = 0; row < rows; ++row) {
    float* from = sums + row * kTile * 4;
    const int64_t at = offset + row * s.out[2] * 4;
    float* to = clamps ? out.y + at : from;
    for (int64_t i = 0; i < 4 * columns; i += 4) {
      f32x4 sum = load(from + i) + bias;
      if (out.add) sum += load(out.add + at + i);
      store(to + i, pmin(pmax(sum, low), high));
    }
  }
  if (clamps) return;
  activate(out.activation, sums, kTile * kTile * 4);
  for (int64_t row = 0; row < rows; ++row) {
    std::memcpy(out.y + offset + row * s.out[2] * 4, sums + row * kTile * 4,
                static_cast<size_t>(columns) * 4 * sizeof(float));
  }
}

template <int kTile, int kSide>
void put_tiles(const Chunk& chunk, const float* m, const Output& out) {
  const int64_t begin = chunk.panel_begin * 2;
  const int64_t end = std::min(chunk.panel_end * 2, channel_blocks(chunk.shape.group_out()));
  for (int64_t block = begin; block < end; ++block) {
    const int64_t offset = block * chunk.shape.out_plane() * 4;
    const Output of_block{out.bias + block * 4, out.add, out.activation, out.y};
    for (int64_t tile = chunk.tile_begin; tile < chunk.tile_end; ++tile, m += 4) {
      put_tile<kTile, kSide>(chunk, m, tile, of_block, offset);
    }
    m += (kBlockTiles - (chunk.tile_end - chunk.tile_begin)) * 4;
  }
}

template <int kTile, int kSide>
void run_chunk(const Chunk& chunk, const float* x, const float* u, const Output& out,
               float* scratch) {
  float* m = scratch + kSide * kSide * static_cast<int64_t>(chunk.v_stride);
  transform_tiles<kTile, kSide>(chunk, x, scratch);
  multiply(chunk, kSide * kSide, scratch, u, m);
  put_tiles<kTile, kSide>(chunk, m, out);
}

// u[point][panel][channel][8] = G g G^T, from the filters of a group.
template <int kTaps, int kSide>
void pack_group(const ConvSpec& spec, const float* weights, float* u) {
  const int64_t channels = spec.group_in(), filters = spec.group_out();
  const auto panel_floats = static_cast<size_t>(channels * kPanel);
  const size_t stride = static_cast<size_t>(ceil_div<int64_t>(filters, kPanel)) * panel_floats;
  for (int64_t first = 0; first < round_up<int64_t>(filters, kPanel); first += 4) {
    float* to = u + static_cast<size_t>(first / kPanel) * panel_floats + first % kPanel;
    for (int64_t channel = 0; channel < channels; ++channel, to += kPanel) {
      float taps[kTaps * kTaps][4] = {};
      for (int64_t lane = 0; lane < std::min<int64_t>(4, filters - first); ++lane) {
        const float* filter = weights + ((first + lane) * channels + channel) * kTaps * kTaps;
        for (int64_t tap = 0; tap < kTaps * kTaps; ++tap) taps[tap][lane] = filter[tap];
      }
      transform_square<kTaps, kSide>({taps[0], kTaps * 4, 4}, {to, kSide * stride, stride},
                                     [](const auto& g, auto& t) { transform_filter(g, t); });
    }
  }
}

int64_t group_floats(const ConvSpec& spec) {
  return points(spec) * spec.group_in() * round_up<int64_t>(spec.group_out(), kPanel);
}

}  // namespace

int64_t winograd_packed_size(const ConvSpec& spec) {
  return spec.groups * group_floats(spec);
}

void winograd_pack(const ConvSpec& spec, const float* weights, float* packed) {
  const auto pack = spec.kernel[1] == 5       ? pack_group<5, 6>
                    : spec.winograd_tile == 4 ? pack_group<3, 6>
                                              : pack_group<3, 4>;
  for (int64_t group = 0; group < spec.groups; ++group) {
    pack(spec, weights, packed);
    weights += spec.group_out() * spec.depth();
    packed += group_floats(spec);
  }
}

WinogradConv::WinogradConv(const ConvShape& shape) : shape_(shape) {
  const int64_t tile = shape.winograd_tile;
  tile_columns_ = ceil_div(shape.out[2], tile);
  tiles_ = ceil_div(shape.out[1], tile) * tile_columns_;
  const int64_t panels = ceil_div<int64_t>(shape.group_out(), kPanel);
  const int64_t chunks = ceil_div(tiles_, kBlockTiles) * shape.groups * shape.batch;
  const int64_t slices =
      std::clamp(panels / kLeastPanels, int64_t{1},
                 std::max(kWantedChunks / std::max(chunks, int64_t{1}), int64_t{1}));
  slice_panels_ = ceil_div(panels, slices);
  threads_ = static_cast<int>(std::clamp<int64_t>(chunks * slices, 1, threads_wanted()));
  thread_floats_ =
      points(shape) * (point_stride(shape.group_in()) + point_stride(slice_panels_ * kPanel));
}

Status WinogradConv::run(const float* x, const float* packed, const float* bias, const float* add,
                         const Activation& activation, float* y, float* scratch) const {
  const ConvShape& s = shape_;
  const int64_t panels = ceil_div<int64_t>(s.group_out(), kPanel);
  const int64_t blocks = ceil_div(tiles_, kBlockTiles), slices = ceil_div(panels, slice_panels_);
  const int64_t in_image = channel_blocks(s.group_in()) * s.in_plane() * 4;
  const int64_t out_image = channel_blocks(s.group_out()) * s.out_plane() * 4;
  const int64_t tile_outputs = int64_t{s.winograd_tile} * s.winograd_tile;
  const double ns = kNsPerMultiplyAdd * static_cast<double>(kBlockTiles * tile_outputs * s.depth() *
                                                            slice_panels_ * kPanel);
  const auto run = s.kernel[1] == 5       ? run_chunk<2, 6>
                   : s.winograd_tile == 4 ? run_chunk<4, 6>
                                          : run_chunk<2, 4>;
  return parallel_for(
      s.batch * s.groups * slices * blocks, grain_for(ns), threads_,
      [&](int64_t begin, int64_t end, int thread) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t image = i / (slices * blocks), group = image % s.groups;
          const int64_t slice = i / blocks % slices, block = i % blocks;
          const Chunk chunk{
              .shape = s,
              .tile_columns = tile_columns_,
              .tile_begin = block * kBlockTiles,
              .tile_end = std::min((block + 1) * kBlockTiles, tiles_),
              .panel_begin = slice * slice_panels_,
              .panel_end = std::min((slice + 1) * slice_panels_, panels),
              .v_stride = static_cast<size_t>(point_stride(s.group_in())),
              .m_stride = static_cast<size_t>(point_stride(slice_panels_ * kPanel)),
          };
          run(chunk, x + image * in_image, packed + group * group_floats(s),
              {bias + group * s.group_out(), add ? add + image * out_image : nullptr, activation,
               y + image * out_image},
              scratch + thread * thread_floats_);
        }
      });
}

}  // namespace sardonyx::simd
