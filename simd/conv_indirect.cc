#include "simd/conv_indirect.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/chunk_work.h"
#include "simd/conv_rows.h"
#include "simd/elementwise.h"
#include "simd/gemm_tile.h"
#include "simd/layout.h"
#include "simd/parallel.h"
#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

constexpr int kTileRows = kRelaxed ? 6 : 4;
// The rows of A of a chunk's kPixelBlock pixels stay in the second-level cache.
static_assert(kPixelBlock % kTileRows == 0);
// Multiply-adds per chunk: about 25 us.
constexpr int64_t kChunkWork = 600'000;
constexpr double kNsPerStagedFloat = 0.4;

struct TileCall {
  const float* image;
  const int32_t* pixels;
  const int32_t* runs;
  int64_t full_runs, tail_runs;
  size_t full_length, tail_length;
  const float* weights;
  size_t panel_stride;
  const float* bias;
  const float* add;  // like out, or null
  float* out;
  size_t out_plane;
  int columns;
  bool blocked;
  ClampBounds clamp;
};

// Rows that are evenly spaced (pixels of one image row) are found by adding the distance, others by
// adding a shared offset to each row's start. GFLOP/s in Chromium 156, runs of 12 / of 4: spaced
// 57 / 57, rows and offset 57 / 53, a pointer per row 57 / 51.
template <int MR, int NP, bool kSpaced>
SX_INLINE void accumulate(Tile<MR, NP>& tile, const TileCall& call) {
  const float* rows[MR];
  SX_UNROLLED
  for (int r = 0; r < MR; ++r) rows[r] = call.image + call.pixels[r];
  const size_t distance = kSpaced ? static_cast<size_t>(call.pixels[1] - call.pixels[0]) : 0;
  const float* b = call.weights;
  const int32_t* run = call.runs;
  const int32_t* full_end = run + call.full_runs;
  const int32_t* runs_end = full_end + call.tail_runs;  // at least one: groups have channels
  SX_ROLLED
  do {
    const size_t length = run < full_end ? call.full_length : call.tail_length;
    auto offset = static_cast<size_t>(*run);
    const size_t end = offset + length;
    SX_ROLLED
    do {
      f32x4 columns[2 * NP];
      SX_UNROLLED
      for (int v = 0; v < 2 * NP; ++v) {
        columns[v] = load(b + static_cast<size_t>(v / 2) * call.panel_stride + 4 * (v % 2));
      }
      const float* spaced = rows[0] + offset;
      SX_UNROLLED
      for (int r = 0; r < MR; ++r) {
        const f32x4 x = load_splat(kSpaced ? spaced : rows[r] + offset);
        SX_UNROLLED
        for (int v = 0; v < 2 * NP; ++v) tile.acc[r][v] = madd(x, columns[v], tile.acc[r][v]);
        spaced += distance;
      }
      b += kPanel;
    } while (++offset != end);
  } while (++run != runs_end);
}

// Channel blocks: vector v of the tile is the block v of the panel.
template <int MR, int NP>
SX_INLINE void put_blocked(Tile<MR, NP>& tile, const TileCall& call) {
  const size_t block = call.out_plane * kChannelBlock;
  if (call.add) {
    SX_UNROLLED
    for (int v = 0; v < 2 * NP; ++v) {
      if (4 * v >= call.columns) continue;
      SX_UNROLLED
      for (int r = 0; r < MR; ++r) tile.acc[r][v] += load(call.add + v * block + 4 * r);
    }
  }
  const f32x4 low = splat(call.clamp.low), high = splat(call.clamp.high);
  SX_UNROLLED
  for (int v = 0; v < 2 * NP; ++v) {
    if (4 * v >= call.columns) continue;
    SX_UNROLLED
    for (int r = 0; r < MR; ++r) {
      store(call.out + v * block + 4 * r, pmin(pmax(tile.acc[r][v], low), high));
    }
  }
}

// The same from a tile in memory, `width` floats per pixel, for all tile shapes: four pixels of
// each channel by transposing, the others one by one.
void put_row_major(const float* tile, int rows, int width, const TileCall& call) {
  const f32x4 low = splat(call.clamp.low), high = splat(call.clamp.high);
  const int transposed = rows / 4 * 4;
  for (int column = 0; column < call.columns; column += 4) {
    const int columns = std::min(call.columns - column, 4);
    const size_t first = static_cast<size_t>(column) * call.out_plane;
    for (int r = 0; r < transposed; r += 4) {
      const float* in = tile + r * width + column;
      f32x4 x[4] = {load(in), load(in + width), load(in + 2 * width), load(in + 3 * width)};
      transpose(x[0], x[1], x[2], x[3]);
      size_t offset = first + static_cast<size_t>(r);
      for (int c = 0; c < columns; ++c, offset += call.out_plane) {
        if (call.add) x[c] += load(call.add + offset);
        store(call.out + offset, pmin(pmax(x[c], low), high));
      }
    }
    for (int r = transposed; r < rows; ++r) {
      size_t offset = first + static_cast<size_t>(r);
      for (int c = 0; c < columns; ++c, offset += call.out_plane) {
        float x = tile[r * width + column + c];
        if (call.add) x += call.add[offset];
        x = x < call.clamp.low ? call.clamp.low : x;
        call.out[offset] = call.clamp.high < x ? call.clamp.high : x;
      }
    }
  }
}

template <int MR, int NP, bool kSpaced>
SX_INLINE void run_tile(const TileCall& call) {
  Tile<MR, NP> tile;
  SX_UNROLLED
  for (int v = 0; v < 2 * NP; ++v) {
    const f32x4 bias = load(call.bias + 4 * v);
    SX_UNROLLED
    for (int r = 0; r < MR; ++r) tile.acc[r][v] = bias;
  }
  accumulate<MR, NP, kSpaced>(tile, call);
  if (call.blocked) {
    put_blocked(tile, call);
  } else {
    float lanes[MR][8 * NP];
    SX_UNROLLED
    for (int r = 0; r < MR; ++r) {
      SX_UNROLLED
      for (int v = 0; v < 2 * NP; ++v) store(lanes[r] + 4 * v, tile.acc[r][v]);
    }
    put_row_major(lanes[0], MR, 8 * NP, call);
  }
}

// Tiles that follow each other; the call ends up behind them. With few products per tile a call for
// each would take a third of the time.
template <int MR, int NP, bool kSpaced = false>
void run_tiles(TileCall& call, int64_t tiles) {
  const int64_t step = MR * (call.blocked ? kChannelBlock : 1);
  SX_ROLLED
  for (; tiles > 0; --tiles) {
    run_tile<MR, NP, kSpaced>(call);
    call.pixels += MR;
    call.out += step;
    if (call.add) call.add += step;
  }
}

using TileFn = void (*)(TileCall&, int64_t tiles);

bool evenly_spaced(const int32_t* pixels) {
  const int32_t distance = pixels[1] - pixels[0];
  for (int r = 2; r < kTileRows; ++r) {
    if (pixels[r] - pixels[r - 1] != distance) return false;
  }
  return true;
}

// Tiles of one panel and that many rows: 1, 2, 4 or kTileRows.
TileFn tiles_of(const int32_t* pixels, int64_t rows) {
  if (rows == 1) return run_tiles<1, 1>;
  if (rows == 2) return run_tiles<2, 1>;
  if (rows != kTileRows) return run_tiles<4, 1>;
  return evenly_spaced(pixels) ? run_tiles<kTileRows, 1, true> : run_tiles<kTileRows, 1>;
}

// Pixels that one call computes.
struct Strip {
  TileFn fn;
  int64_t tiles;
};
constexpr int64_t kMostStrips = kPixelBlock / kTileRows + 2;

// Divides up to kPixelBlock pixels; returns how many strips that are.
int64_t make_strips(const int32_t* pixels, int64_t count, Strip* strips) {
  int64_t made = 0;
  while (count > 0) {
    const int64_t rows = count >= kTileRows ? kTileRows : count >= 4 ? 4 : count >= 2 ? 2 : 1;
    const TileFn fn = tiles_of(pixels, rows);
    if (made > 0 && strips[made - 1].fn == fn) {
      ++strips[made - 1].tiles;
    } else {
      strips[made++] = {fn, 1};
    }
    pixels += rows;
    count -= rows;
  }
  return made;
}

struct TileChoice {
  TileFn fn;
  int panels;
};

// For one or two pixels in all, which take several of the panels that are left at once.
TileChoice choose_wide_tile(int64_t rows, int64_t panels) {
  if (rows == 1 && panels >= 4) return {run_tiles<1, 4>, 4};
  if (panels < 2) return {rows == 1 ? run_tiles<1, 1> : run_tiles<2, 1>, 1};
  return {rows == 1 ? run_tiles<1, 2> : run_tiles<2, 2>, 2};
}

// Pixels of one to three channels, `stride` floats apart, into pixels of so many floats.
void interleave_compact(const float* from, int64_t stride, int64_t channels, int64_t count,
                        float* to) {
  if (channels == 1) {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  int64_t i = 0;
  // Each store spills into the next pixel, which the next store overwrites.
  for (; i + 4 < count; i += 4) {
    f32x4 a = load(from + i), b = load(from + stride + i);
    f32x4 c = load(from + (channels - 1) * stride + i), d = zero();
    transpose(a, b, c, d);
    float* out = to + i * channels;
    store(out, a);
    store(out + channels, b);
    store(out + 2 * channels, c);
    store(out + 3 * channels, d);
  }
  for (; i < count; ++i) {
    for (int64_t c = 0; c < channels; ++c) to[i * channels + c] = from[c * stride + i];
  }
}

// Whether every element that a convolution reads is inside the input.
[[clang::minsize]] bool reads_inside(const ConvShape& shape) {
  for (int axis = 1; axis < 3; ++axis) {
    const int64_t last = (shape.out[axis] - 1) * shape.stride[axis] +
                         (shape.kernel[axis] - 1) * shape.dilation[axis] - shape.pad[axis];
    if (shape.pad[axis] > 0 || last >= shape.in[axis]) return false;
  }
  return true;
}

int64_t reach(const ConvShape& shape, int axis) {
  return (shape.out[axis] - 1) * shape.stride[axis] +
         (shape.kernel[axis] - 1) * shape.dilation[axis] + 1;
}

std::optional<int64_t> product(std::initializer_list<int64_t> factors) {
  int64_t total = 1;
  for (int64_t factor : factors) {
    const auto next = checked_mul(total, factor);
    if (!next) return std::nullopt;
    total = *next;
  }
  return total;
}

}  // namespace

std::optional<int64_t> indirect_packed_size(const ConvSpec& spec) {
  return product({spec.groups, round_up<int64_t>(spec.group_out(), kPanel), spec.depth()});
}

[[clang::minsize]] void indirect_pack(const ConvSpec& spec, const float* weights, float* packed) {
  const int64_t channels = spec.group_in(), taps = spec.taps(), depth = spec.depth();
  for (int64_t group = 0; group < spec.groups; ++group) {
    const float* from = weights + group * spec.group_out() * depth;
    for (int64_t first = 0; first < spec.group_out(); first += kPanel) {
      const int64_t count = std::min<int64_t>(kPanel, spec.group_out() - first);
      if (count < kPanel)
        std::memset(packed, 0, static_cast<size_t>(depth * kPanel) * sizeof(float));
      for (int64_t column = 0; column < count; ++column) {
        const float* filter = from + (first + column) * depth;
        float* to = packed + column;
        for (int64_t block = 0; block < channels; block += kChannelBlock) {
          const int64_t lanes = std::min(kChannelBlock, channels - block);
          for (int64_t tap = 0; tap < taps; ++tap) {
            for (int64_t lane = 0; lane < lanes; ++lane, to += kPanel) {
              *to = filter[(block + lane) * taps + tap];
            }
          }
        }
      }
      packed += depth * kPanel;
    }
  }
}

int64_t conv_bias_size(const ConvSpec& spec) {
  // The last panel of the last group may start in the middle of a panel.
  return spec.out_channels + kPanel;
}

[[clang::minsize]] Result<IndirectConv> IndirectConv::make(const ConvShape& shape) {
  IndirectConv conv;
  conv.shape_ = shape;
  const int64_t channels = shape.group_in();
  const bool row_major = shape.in_layout == Layout::kRowMajor;
  const bool inside = reads_inside(shape);
  conv.gathers_ = !row_major && inside && shape.taps() == 1 && shape.stride[2] > 1;
  conv.stages_ = row_major || !inside || conv.gathers_;
  conv.compact_ = row_major && channels < kChannelBlock;
  conv.blocks_ = conv.compact_ ? 1 : channel_blocks(channels);
  ConvShape read = shape;  // the convolution over the image that is read
  if (conv.gathers_) read.stride[1] = read.stride[2] = 1;
  conv.rows_ = conv.stages_ ? reach(read, 1) : shape.in[1];
  conv.columns_ = conv.stages_ ? reach(read, 2) : shape.in[2];
  const int64_t pixel = conv.compact_ ? channels : kChannelBlock;
  const auto stride = product({conv.blocks_, conv.rows_, conv.columns_, pixel});
  const auto bytes = product({stride.value_or(-1), shape.groups, int64_t{sizeof(float)}});
  if (!stride || !bytes || *bytes > static_cast<int64_t>(kMaxTensorBytes)) {
    return error(ErrorCode::LIMIT_EXCEEDED,
                 "the padded input of a convolution is above the limit of 2 GiB");
  }
  conv.groups_stride_ = *stride;

  SX_ASSIGN(conv.pixels_, conv_pixel_offsets(read, conv.columns_, pixel));

  // Neighbouring taps are one run where nothing lies between them.
  const bool merges = shape.dilation[2] == 1;
  const int64_t lanes = conv.compact_ ? channels : kChannelBlock;
  const int64_t tail = conv.compact_ ? 0 : channels % kChannelBlock;
  const int64_t full_blocks = conv.blocks_ - (tail > 0 ? 1 : 0);
  const int64_t runs_per_row = merges ? 1 : shape.kernel[2];
  conv.full_runs_ = full_blocks * shape.kernel[1] * runs_per_row;
  conv.full_length_ = merges ? shape.kernel[2] * lanes : lanes;
  conv.tail_runs_ = tail > 0 ? shape.kernel[1] * shape.kernel[2] : 0;
  conv.tail_length_ = tail;
  SX_ASSIGN(conv.runs_, Block::allocate(static_cast<uint64_t>(conv.full_runs_ + conv.tail_runs_) *
                                        sizeof(int32_t)));
  auto* run = conv.runs_.as<int32_t>();
  for (int64_t block = 0; block < conv.blocks_; ++block) {
    const int64_t per_row = block < full_blocks ? runs_per_row : shape.kernel[2];
    for (int64_t y = 0; y < shape.kernel[1]; ++y) {
      for (int64_t x = 0; x < per_row; ++x) {
        const int64_t row = block * conv.rows_ + y * shape.dilation[1];
        *run++ = static_cast<int32_t>((row * conv.columns_ + x * shape.dilation[2]) * pixel);
      }
    }
  }
  return conv;
}

// One row of one channel block of the image that is read.
void IndirectConv::stage_row(const float* x, int64_t group, int64_t block, int64_t row,
                             float* scratch) const {
  const int64_t channels = shape_.group_in();
  const int64_t pixel = compact_ ? channels : kChannelBlock;
  float* to = scratch + group * groups_stride_ + (block * rows_ + row) * columns_ * pixel;
  if (gathers_) {
    const int64_t first = (group * blocks_ + block) * shape_.in[1] + row * shape_.stride[1];
    const float* from = x + first * shape_.in[2] * kChannelBlock;
    SX_ROLLED
    for (int64_t i = 0; i < columns_; ++i, from += shape_.stride[2] * kChannelBlock) {
      store(to + i * kChannelBlock, load(from));
    }
    return;
  }
  const int64_t y = row - shape_.pad[1];
  const bool outside = y < 0 || y >= shape_.in[1];
  const int64_t left = outside ? columns_ : std::min(shape_.pad[2], columns_);
  const int64_t count = std::min(shape_.in[2], columns_ - left);
  const int64_t right = columns_ - left - count;
  const auto clear = [&](float* at, int64_t pixels) {
    if (pixels > 0) std::memset(at, 0, static_cast<size_t>(pixels * pixel) * sizeof(float));
  };
  clear(to, left);
  clear(to + (left + count) * pixel, right);
  if (count == 0) return;
  to += left * pixel;
  if (shape_.in_layout == Layout::kNC4HW4) {
    const int64_t first = group * blocks_ + block;
    std::memcpy(to, x + (first * shape_.in[1] + y) * shape_.in[2] * kChannelBlock,
                static_cast<size_t>(count * kChannelBlock) * sizeof(float));
    return;
  }
  const int64_t channel = group * channels + block * kChannelBlock;
  const float* from = x + (channel * shape_.in[1] + y) * shape_.in[2];
  const int64_t lanes = std::min(kChannelBlock, channels - block * kChannelBlock);
  const auto interleave = compact_ ? interleave_compact : interleave_channels;
  interleave(from, shape_.in_plane(), lanes, count, to);
}

Status IndirectConv::stage(const float* x, float* scratch) const {
  const int64_t pixel = compact_ ? shape_.group_in() : kChannelBlock;
  const int64_t grain = grain_for(kNsPerStagedFloat * static_cast<double>(columns_ * pixel));
  return parallel_for(shape_.groups * blocks_ * rows_, grain,
                      [=, this](int64_t begin, int64_t end) {
                        for (int64_t i = begin; i < end; ++i) {
                          const int64_t block = i / rows_;
                          stage_row(x, block / blocks_, block % blocks_, i % rows_, scratch);
                        }
                      });
}

void IndirectConv::chunk(const ConvImage& image, int64_t group, int64_t pixel_begin,
                         int64_t pixel_end, int64_t panel_begin, int64_t panel_end) const {
  const int64_t plane = shape_.out_plane(), depth = shape_.depth(), count = shape_.group_out();
  const bool blocked = shape_.out_layout == Layout::kNC4HW4;
  const int64_t pixel_step = blocked ? kChannelBlock : 1;
  const float* weights = image.packed + group * round_up<int64_t>(count, kPanel) * depth;
  TileCall call{.image = image.x + group * groups_stride_,
                .pixels = nullptr,
                .runs = runs_.as<int32_t>(),
                .full_runs = full_runs_,
                .tail_runs = tail_runs_,
                .full_length = static_cast<size_t>(full_length_),
                .tail_length = static_cast<size_t>(tail_length_),
                .weights = nullptr,
                .panel_stride = static_cast<size_t>(depth * kPanel),
                .bias = nullptr,
                .add = nullptr,
                .out = nullptr,
                .out_plane = static_cast<size_t>(plane),
                .columns = 0,
                .blocked = blocked,
                .clamp = clamp_bounds(image.activation)};
  const int32_t* pixels = pixels_.as<int32_t>() + pixel_begin;
  const int64_t pixel_count = pixel_end - pixel_begin;
  Strip strips[kMostStrips];
  const int64_t strip_count = make_strips(pixels, pixel_count, strips);
  int64_t taken = 1;
  for (int64_t panel = panel_begin; panel < panel_end; panel += taken) {
    if (pixel_count <= 2) {
      const TileChoice choice = choose_wide_tile(pixel_count, panel_end - panel);
      strips[0].fn = choice.fn;
      taken = choice.panels;
    }
    const int64_t column = panel * kPanel;
    const int64_t offset = (group * count + column) * plane + pixel_begin * pixel_step;
    call.pixels = pixels;
    call.weights = weights + column * depth;
    call.bias = image.bias + group * count + column;
    call.add = image.add ? image.add + offset : nullptr;
    call.out = image.y + offset;
    call.columns = static_cast<int>(std::min(taken * kPanel, count - column));
    for (int64_t i = 0; i < strip_count; ++i) strips[i].fn(call, strips[i].tiles);
    if (is_clamp(image.activation.kind)) continue;
    for (int64_t c = 0; c < call.columns; c += pixel_step) {
      activate(image.activation, image.y + offset + c * plane, pixel_count * pixel_step);
    }
  }
}

Status IndirectConv::multiply(const ConvImage& image) const {
  const int64_t plane = shape_.out_plane(), depth = shape_.depth();
  const int64_t panels = ceil_div<int64_t>(shape_.group_out(), kPanel);
  const int64_t height = std::min(kPixelBlock, plane);
  const int64_t work = chunk_work(plane * shape_.out_channels * depth, kChunkWork);
  const int64_t panel_work = std::max<int64_t>(height * depth * kPanel, 1);
  const int64_t width = std::clamp<int64_t>(work / panel_work, 1, panels);
  const int64_t grain = std::max<int64_t>(1, work / (width * panel_work));
  const bool by_rows = conv_rows_takes(shape_);
  const int64_t pixel_blocks = by_rows ? conv_rows_blocks(plane) : ceil_div(plane, height);
  const int64_t panel_groups = ceil_div(panels, width);
  // What is larger, weights or image, is walked through once.
  const bool panels_outside = panels * kPanel * depth > groups_stride_;
  return parallel_for(
      shape_.groups * pixel_blocks * panel_groups, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t group = i / (pixel_blocks * panel_groups);
          const int64_t rest = i % (pixel_blocks * panel_groups);
          const int64_t block = panels_outside ? rest % pixel_blocks : rest / panel_groups;
          const int64_t panel = panels_outside ? rest / pixel_blocks : rest % panel_groups;
          const int64_t pixel = block * height, panel_begin = panel * width;
          const int64_t pixel_end = block + 1 == pixel_blocks ? plane : pixel + height;
          const int64_t panel_end = std::min(panels, panel_begin + width);
          if (by_rows) {
            conv_rows_chunk(shape_, image, pixel, pixel_end - pixel, panel_begin, panel_end);
          } else {
            chunk(image, group, pixel, pixel_end, panel_begin, panel_end);
          }
        }
      });
}

Status IndirectConv::run(const float* x, const float* packed, const float* bias, const float* add,
                         const Activation& activation, float* y, float* scratch) const {
  const auto stored = [](int64_t channels, Layout layout) {
    return layout == Layout::kNC4HW4 ? round_up(channels, kChannelBlock) : channels;
  };
  return run_images(
      shape_.batch,
      {stored(shape_.in_channels, shape_.in_layout) * shape_.in_plane(),
       stored(shape_.out_channels, shape_.out_layout) * shape_.out_plane()},
      {x, packed, bias, add, y, activation}, stages_ ? scratch : nullptr,
      [&](const float* from) { return stage(from, scratch); },
      [&](const ConvImage& image) { return multiply(image); });
}

}  // namespace sardonyx::simd
