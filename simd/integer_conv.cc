#include "simd/integer_conv.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/byte_transpose.h"
#include "simd/chunk_work.h"
#include "simd/integer_depthwise.h"
#include "simd/parallel.h"
#include "simd/transpose.h"
#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

constexpr int64_t kBlock = 8;  // channels
// Pixels whose rows of A one chunk keeps in the second-level cache.
constexpr int64_t kPixelBlock = 48;
// Multiply-adds per chunk: about 25 us.
constexpr int64_t kChunkWork = 1'000'000;
constexpr double kNsPerStaged = 0.3;
constexpr double kNsPerDepthwiseTap = 0.2;

// The elements of K in the order of the packed weights, cut into runs that lie together in the
// image. Runs of the last, partial block of channels come last.
struct Runs {
  int64_t blocks, full_blocks, lanes, tail;  // lanes: channels of a full block
  bool merges;                               // a run is a whole row of taps

  explicit Runs(const ConvSpec& spec) {
    const int64_t channels = spec.group_in();
    const bool compact = channels < kBlock;
    lanes = compact ? channels : kBlock;
    full_blocks = channels / lanes;
    tail = channels % lanes;
    blocks = full_blocks + (tail > 0 ? 1 : 0);
    merges = spec.dilation[2] == 1;
  }
  int64_t lanes_of(int64_t block) const { return block < full_blocks ? lanes : tail; }
  // Taps of a run: a whole row where a pixel has no other channels.
  int64_t taps_of(const ConvSpec& spec, int64_t block) const {
    return merges && block < full_blocks ? spec.kernel[2] : 1;
  }
  // Calls fn(block, y, x, taps, lanes) for each run.
  template <typename Fn>
  void for_each(const ConvSpec& spec, Fn&& fn) const {
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t taps = taps_of(spec, block);
      for (int64_t y = 0; y < spec.kernel[1]; ++y) {
        for (int64_t x = 0; x < spec.kernel[2]; x += taps) fn(block, y, x, taps, lanes_of(block));
      }
    }
  }
};

std::optional<int64_t> product(std::initializer_list<int64_t> factors) {
  int64_t total = 1;
  for (int64_t factor : factors) {
    const auto next = checked_mul(total, factor);
    if (!next) return std::nullopt;
    total = *next;
  }
  return total;
}

int64_t pairs_of(const ConvSpec& spec) {
  int64_t pairs = 0;
  Runs(spec).for_each(spec, [&](int64_t, int64_t, int64_t, int64_t taps, int64_t lanes) {
    pairs += (taps * lanes + 1) / 2;
  });
  return pairs;
}

int64_t reach(const ConvShape& shape, int axis) {
  return (shape.out[axis] - 1) * shape.stride[axis] +
         (shape.kernel[axis] - 1) * shape.dilation[axis] + 1;
}

void pack_depthwise(const ConvSpec& spec, const ByteMatrix& weights, const int32_t* zeros,
                    int16_t* packed) {
  const int64_t taps = spec.taps();
  for (int64_t i = 0; i < spec.groups; ++i) {
    const ByteWidener widen(weights.is_signed, zeros[i]);
    widen_bytes(weights.data + i * taps, taps, widen, packed + i * taps);
  }
}

// `count` pixels of eight channels that are `stride` apart.
void interleave_block(const uint8_t* from, int64_t stride, int64_t count, const ByteWidener& widen,
                      int16_t* to) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint8_t pixels[8 * kBlock];
    const Bytes8x8 block = transpose_bytes(from + i, stride);
    for (int j = 0; j < 4; ++j) wasm_v128_store(pixels + 16 * j, block.rows[j]);
    widen_bytes(pixels, 8 * kBlock, widen, to + i * kBlock);
  }
  SX_SCALAR
  for (int64_t j = i * kBlock; j < count * kBlock; ++j) {
    to[j] = widen.one(from[j % kBlock * stride + j / kBlock]);
  }
}

// The same with `lanes` channels in pixels of `pixel` elements; what is left of a pixel stays.
void interleave_few(const uint8_t* from, int64_t stride, int64_t lanes, int64_t count,
                    const ByteWidener& widen, int64_t pixel, int16_t* to) {
  if (pixel == 1) return widen_bytes(from, count, widen, to);
  for (int64_t c = 0; c < lanes; ++c) {
    const uint8_t* channel = from + c * stride;
    SX_SCALAR
    for (int64_t i = 0; i < count; ++i) to[i * pixel + c] = widen.one(channel[i]);
  }
}

// Columns of bytes [row][8] become rows of `plane` bytes.
void put_bytes(const uint8_t* bytes, int64_t rows, int64_t columns, int64_t plane, uint8_t* out) {
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    uint8_t transposed[8 * kIntegerPanel];
    const Bytes8x8 block = transpose_bytes(bytes + r * kIntegerPanel, kIntegerPanel);
    for (int j = 0; j < 4; ++j) wasm_v128_store(transposed + 16 * j, block.rows[j]);
    for (int64_t c = 0; c < columns; ++c) std::memcpy(out + c * plane + r, transposed + 8 * c, 8);
  }
  for (; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) out[c * plane + r] = bytes[r * kIntegerPanel + c];
  }
}

}  // namespace

std::optional<int64_t> integer_conv_packed_size(const ConvSpec& spec) {
  const auto taps = product({spec.kernel[1], spec.kernel[2], spec.group_in() + 1});
  if (!taps || *taps > 2 * kIntegerDepthLimit) return std::nullopt;
  if (is_integer_depthwise(spec)) return product({spec.groups, spec.taps()});
  return product({spec.groups, round_up(spec.group_out(), kIntegerPanel), 2 * pairs_of(spec)});
}

void integer_conv_pack(const ConvSpec& spec, const ByteMatrix& weights, const int32_t* zeros,
                       int16_t* packed) {
  if (is_integer_depthwise(spec)) return pack_depthwise(spec, weights, zeros, packed);
  const Runs runs(spec);
  const int64_t depth = spec.depth(), taps_all = spec.taps();
  // Element i of a run of the filter in `column` of a group.
  struct Run {
    int64_t channel, tap, lanes, length;
  };
  const auto element = [&](const Run& run, int64_t group, int64_t column, int64_t i) {
    if (column >= spec.group_out() || i >= run.length) return int16_t{0};
    const int64_t filter = group * spec.group_out() + column;
    const int64_t at = (run.channel + i % run.lanes) * taps_all + run.tap + i / run.lanes;
    return ByteWidener(weights.is_signed, zeros[filter]).one(weights.data[filter * depth + at]);
  };
  for (int64_t group = 0; group < spec.groups; ++group) {
    for (int64_t panel = 0; panel < spec.group_out(); panel += kIntegerPanel) {
      runs.for_each(spec, [&](int64_t block, int64_t y, int64_t x, int64_t taps, int64_t lanes) {
        const Run run{block * runs.lanes, y * spec.kernel[2] + x, lanes, taps * lanes};
        for (int64_t p = 0; p < run.length; p += 2) {
          SX_SCALAR
          for (int64_t i = 0; i < 2 * kIntegerPanel; ++i) {
            *packed++ = element(run, group, panel + i / 2, p + i % 2);
          }
        }
      });
    }
  }
}

Result<IntegerConv> IntegerConv::make(const ConvShape& shape) {
  IntegerConv conv;
  conv.shape_ = shape;
  const Runs runs(shape);
  conv.pixel_ = runs.lanes;
  conv.blocks_ = runs.blocks;
  conv.rows_ = reach(shape, 1);
  conv.columns_ = reach(shape, 2);
  const auto stride = product({conv.blocks_, conv.rows_, conv.columns_, conv.pixel_});
  const auto total = product({stride.value_or(-1), shape.groups});
  if (!stride || !total || *total > static_cast<int64_t>(kMaxTensorBytes / sizeof(int16_t)) - 64) {
    return error(ErrorCode::LIMIT_EXCEEDED,
                 "the padded input of a convolution is above the limit of 2 GiB");
  }
  conv.group_stride_ = *stride;

  SX_ASSIGN(conv.pixels_, conv_pixel_offsets(shape, conv.columns_, conv.pixel_));
  const int64_t runs_per_row = shape.kernel[2] / runs.taps_of(shape, 0);
  conv.full_runs_ = runs.full_blocks * shape.kernel[1] * runs_per_row;
  conv.full_pairs_ = (runs.taps_of(shape, 0) * runs.lanes + 1) / 2;
  conv.tail_runs_ = runs.tail > 0 ? shape.kernel[1] * shape.kernel[2] : 0;
  conv.tail_pairs_ = (runs.tail + 1) / 2;
  SX_ASSIGN(conv.runs_, Block::allocate(static_cast<uint64_t>(conv.full_runs_ + conv.tail_runs_) *
                                        sizeof(int32_t)));
  auto* run = conv.runs_.as<int32_t>();
  runs.for_each(shape, [&](int64_t block, int64_t y, int64_t x, int64_t, int64_t) {
    const int64_t row = block * conv.rows_ + y * shape.dilation[1];
    *run++ = static_cast<int32_t>((row * conv.columns_ + x * shape.dilation[2]) * conv.pixel_);
  });
  return conv;
}

// One row of one channel block of the image.
void IntegerConv::stage_row(const uint8_t* x, const ByteWidener& widen, int64_t group,
                            int64_t block, int64_t row, int16_t* scratch) const {
  int16_t* to = scratch + group * group_stride_ + (block * rows_ + row) * columns_ * pixel_;
  const int64_t y = row - shape_.pad[1];
  const bool outside = y < 0 || y >= shape_.in[1];
  const int64_t left = outside ? columns_ : std::min(shape_.pad[2], columns_);
  const int64_t count = std::min(shape_.in[2], columns_ - left);
  const int64_t lanes = std::min(pixel_, shape_.group_in() - block * pixel_);
  const auto clear = [&](int16_t* at, int64_t pixels) {
    if (pixels > 0) std::memset(at, 0, static_cast<size_t>(pixels * pixel_) * sizeof(int16_t));
  };
  // A partial block has lanes that nobody writes: its pairs may read them.
  clear(to, lanes < pixel_ ? columns_ : left);
  clear(to + (left + count) * pixel_, columns_ - left - count);
  if (count == 0) return;
  const int64_t channel = group * shape_.group_in() + block * pixel_;
  const uint8_t* from = x + (channel * shape_.in[1] + y) * shape_.in[2];
  to += left * pixel_;
  if (lanes == kBlock) {
    interleave_block(from, shape_.in_plane(), count, widen, to);
  } else {
    interleave_few(from, shape_.in_plane(), lanes, count, widen, pixel_, to);
  }
}

Status IntegerConv::stage(const uint8_t* x, const ByteWidener& widen, int16_t* scratch) const {
  const int64_t grain = grain_for(kNsPerStaged * static_cast<double>(columns_ * pixel_));
  return parallel_for(shape_.groups * blocks_ * rows_, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t block = i / rows_;
      stage_row(x, widen, block / blocks_, block % blocks_, i % rows_, scratch);
    }
  });
}

struct IntegerConv::Image {
  const int16_t* x;
  const int16_t* packed;
  const IntegerOutput& output;
  int64_t at;  // element of the output where the image starts
};

void IntegerConv::chunk(const Image& image, int64_t group, int64_t pixel_begin, int64_t pixel_end,
                        int64_t panel_begin, int64_t panel_end) const {
  int32_t sums[kPixelBlock * kIntegerPanel];
  uint8_t bytes[kPixelBlock * kIntegerPanel];
  const int64_t plane = shape_.out_plane(), count = shape_.group_out();
  const int64_t pixels = pixel_end - pixel_begin;
  const IntegerRows rows{.image = image.x + group * group_stride_,
                         .rows = pixels_.as<int32_t>(),
                         .runs = runs_.as<int32_t>(),
                         .full_runs = full_runs_,
                         .tail_runs = tail_runs_,
                         .full_pairs = full_pairs_,
                         .tail_pairs = tail_pairs_};
  const int64_t panel_size = 2 * kIntegerPanel * rows.pairs();
  const int16_t* weights = image.packed + group * ceil_div(count, kIntegerPanel) * panel_size;
  for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
    const int64_t channel = group * count + panel * kIntegerPanel;
    const int64_t columns = std::min(kIntegerPanel, count - panel * kIntegerPanel);
    integer_tiles(rows, pixel_begin, pixel_end, weights + panel * panel_size,
                  image.output.first + channel, sums);
    const int64_t at = image.at + channel * plane + pixel_begin;
    if (image.output.quantize) {
      requantize_panel(*image.output.quantize, sums, pixels, channel, bytes);
      put_bytes(bytes, pixels, columns, plane, static_cast<uint8_t*>(image.output.data) + at);
    } else {
      // Bits are kept.
      transpose_tile(reinterpret_cast<const float*>(sums), kIntegerPanel, pixels, columns,
                     static_cast<float*>(image.output.data) + at, plane);
    }
  }
}

// One filter per channel: the rows of all channels, each by itself.
Status IntegerConv::filter_channels(const Image& image) const {
  const int64_t rows = shape_.out[1], width = shape_.out[2], taps = shape_.taps();
  const int64_t bytes = image.output.quantize ? 1 : int64_t{sizeof(int32_t)};
  const double ns = kNsPerDepthwiseTap * static_cast<double>(taps * (width + 8));
  return parallel_for(shape_.groups * rows, grain_for(ns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t channel = i / rows;
      auto* out = static_cast<uint8_t*>(image.output.data) + (image.at + i * width) * bytes;
      integer_depthwise_row(shape_, image.x + channel * group_stride_, columns_,
                            image.packed + channel * taps, image.output, channel, i % rows, out);
    }
  });
}

Status IntegerConv::multiply(const Image& image) const {
  if (is_integer_depthwise(shape_)) return filter_channels(image);
  const int64_t plane = shape_.out_plane(), depth = shape_.depth();
  const int64_t panels = ceil_div(shape_.group_out(), kIntegerPanel);
  const int64_t height = std::min(kPixelBlock, plane);
  const int64_t work = chunk_work(plane * shape_.out_channels * depth, kChunkWork);
  const int64_t panel_work = std::max<int64_t>(height * depth * kIntegerPanel, 1);
  const int64_t width = std::clamp<int64_t>(work / panel_work, 1, panels);
  const int64_t grain = std::max<int64_t>(1, work / (width * panel_work));
  const int64_t pixel_blocks = ceil_div(plane, height), panel_groups = ceil_div(panels, width);
  return parallel_for(
      shape_.groups * pixel_blocks * panel_groups, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t group = i / (pixel_blocks * panel_groups);
          const int64_t rest = i % (pixel_blocks * panel_groups);
          const int64_t block = rest / panel_groups, panel = rest % panel_groups * width;
          chunk(image, group, block * height, std::min(plane, (block + 1) * height), panel,
                std::min(panels, panel + width));
        }
      });
}

Status IntegerConv::run(const ByteMatrix& x, int32_t x_zero, const int16_t* packed,
                        const IntegerOutput& output, int16_t* scratch) const {
  const int64_t in_image = shape_.in_channels * shape_.in_plane();
  const int64_t out_image = shape_.out_channels * shape_.out_plane();
  if (out_image == 0) return {};
  for (int64_t n = 0; n < shape_.batch; ++n) {
    SX_TRY(stage(x.data + n * in_image, ByteWidener(x.is_signed, x_zero), scratch));
    SX_TRY(multiply({scratch, packed, output, n * out_image}));
  }
  return {};
}

}  // namespace sardonyx::simd
