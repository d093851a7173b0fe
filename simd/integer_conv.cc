#include "simd/integer_conv.h"

#include <algorithm>

#include "base/checked.h"
#include "simd/byte_pairs.h"
#include "simd/integer_depthwise.h"
#include "simd/parallel.h"
#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

// Pixels of a block, and bytes of its panels, which stay near the core.
constexpr int64_t kMostPixels = 96, kFewestPixels = 16;
constexpr int64_t kPanelBytes = 64 << 10;
// Multiply-adds per chunk: about 25 us.
constexpr int64_t kChunkWork = 1'000'000;
// Whole vectors of pixels are written; what is too much is written over by the next.
constexpr int64_t kSlackPixels = kIntegerPanel;

int64_t reach(const ConvShape& shape, int axis) {
  return (shape.out[axis] - 1) * shape.stride[axis] +
         (shape.kernel[axis] - 1) * shape.dilation[axis] + 1;
}

// Panels of all pairs: [pair][pixel][2].
template <int kStride>
void widen(const uint8_t* image, const int32_t* offsets, int64_t pairs, int64_t stride, v128_t flip,
           const PixelRun* runs, int count, int64_t width, int16_t* panels) {
  for (int64_t p = 0; p < pairs; ++p) {
    const uint8_t *a = image + offsets[2 * p], *b = image + offsets[2 * p + 1];
    for (int run = 0; run < count; ++run) {
      const int64_t from = runs[run].from, pixels = runs[run].count;
      int16_t* to = panels + 2 * runs[run].to;
      SX_ROLLED
      for (int64_t i = 0; i < pixels; i += 8) {
        const int64_t at = from + i * stride;
        const v128_t bytes =
            wasm_v128_xor(zip_bytes<kStride>(a + at, b + at, stride, pixels - i), flip);
        store(to, widen_low_bytes(bytes));
        store(to + 8, widen_high_bytes(bytes));
        to += 16;
      }
    }
    panels += 2 * width;
  }
}

}  // namespace

std::optional<int64_t> integer_conv_packed_size(const ConvSpec& spec) {
  const auto taps = checked_mul(spec.kernel[1], spec.kernel[2]);
  const auto depth = taps ? checked_mul(*taps, spec.group_in()) : std::nullopt;
  if (!depth || *depth > kIntegerDepthLimit) return std::nullopt;
  const int64_t row = spec.winograd_tile > 0 ? integer_winograd_row(spec) : integer_row(*depth);
  const auto weights = checked_mul(spec.out_channels, row);
  return weights ? checked_add(*weights, IntegerFilters::head(spec)) : std::nullopt;
}

void integer_conv_pack(const ConvSpec& spec, const ByteMatrix& weights, const int32_t* zeros,
                       int16_t* packed) {
  const int64_t depth = spec.depth();
  auto* sums = reinterpret_cast<int32_t*>(packed);
  int16_t* to = packed + IntegerFilters::head(spec);
  SX_SCALAR
  for (int64_t i = 0; i < spec.out_channels; ++i) {
    int64_t sum = 0;
    for (int64_t k = 0; k < depth; ++k) sum += weights.at(i * depth + k) - zeros[i];
    sums[i] = static_cast<int32_t>(sum);
  }
  if (spec.winograd_tile > 0) return integer_winograd_pack(spec, weights, zeros, to);
  for (int64_t group = 0; group < spec.groups; ++group) {
    const int64_t end = (group + 1) * spec.group_out();
    for (int64_t first = group * spec.group_out(); first < end; first += kIntegerRows) {
      const int64_t rows = std::min(kIntegerRows, end - first);
      for (int64_t k = 0; k < integer_row(depth); k += 2) {
        SX_SCALAR
        for (int64_t i = 0; i < 2 * rows; ++i) {
          const int64_t filter = first + i / 2, at = k + i % 2;
          *to++ = at < depth ? static_cast<int16_t>(weights.at(filter * depth + at) - zeros[filter])
                             : int16_t{0};
        }
      }
    }
  }
}

Result<IntegerConv> IntegerConv::make(const ConvShape& shape) {
  IntegerConv conv;
  conv.shape_ = shape;
  if (shape.winograd_tile > 0) {
    SX_ASSIGN(conv.winograd_, IntegerWinograd::make(shape));
    return conv;
  }
  SX_ASSIGN(conv.image_, IntegerImage::make(shape, reach(shape, 1), reach(shape, 2)));
  const int64_t depth = shape.depth(), taps = shape.taps();
  conv.pairs_ = integer_row(depth) / 2;
  SX_ASSIGN(conv.offsets_,
            Block::allocate(static_cast<uint64_t>(2 * conv.pairs_) * sizeof(int32_t)));
  auto* offsets = conv.offsets_.as<int32_t>();
  for (int64_t k = 0; k < 2 * conv.pairs_; ++k) {
    const int64_t i = std::min(k, depth - 1), tap = i % taps;  // the last weight of an odd row is 0
    const int64_t row = tap / shape.kernel[2] * shape.dilation[1];
    offsets[k] = static_cast<int32_t>(i / taps * conv.image_.plane() + row * conv.image_.columns() +
                                      tap % shape.kernel[2] * shape.dilation[2]);
  }
  const int64_t pixel_bytes = 2 * conv.pairs_ * int64_t{sizeof(int16_t)};
  const int64_t fits = kPanelBytes / pixel_bytes / kIntegerPanel * kIntegerPanel;
  conv.block_ = std::clamp(fits, kFewestPixels, kMostPixels);
  conv.threads_ = is_integer_depthwise(shape) ? 0 : threads_wanted();
  return conv;
}

int64_t IntegerConv::scratch_bytes() const {
  if (winograd_) return winograd_->scratch_bytes();
  const int64_t panels = 2 * pairs_ * (block_ + kSlackPixels) * int64_t{sizeof(int16_t)};
  return round_up(image_.scratch_bytes(), int64_t{kBlockAlignment}) + threads_ * panels;
}

struct IntegerConv::Work {
  IntegerOperand operand;
  IntegerFilters filters;
  const IntegerOutput& output;
  int64_t at;  // element of the output where the image starts
};

void IntegerConv::widen_block(const Work& work, int64_t group, const PixelRun* runs, int count,
                              int16_t* panels) const {
  const int64_t stride = shape_.stride[2];
  const auto loop = stride == 1 ? widen<1> : stride == 2 ? widen<2> : widen<0>;
  loop(work.operand.image + group * shape_.group_in() * image_.plane(), offsets_.as<int32_t>(),
       pairs_, stride, wasm_i8x16_splat(static_cast<int8_t>(work.operand.flip)), runs, count,
       block_ + kSlackPixels, panels);
}

void IntegerConv::multiply_block(const Work& work, int64_t group, int64_t begin, int64_t end,
                                 int16_t* panels) const {
  const int64_t width = block_ + kSlackPixels, filters = shape_.group_out();
  PixelRun runs[kMostPixels];
  const int count = pixel_runs(begin, end, shape_.out[2], shape_.stride[1] * image_.columns(),
                               shape_.stride[2], runs);
  widen_block(work, group, runs, count, panels);
  int32_t sums[kIntegerRows * (kMostPixels + kSlackPixels)];
  for (int64_t first = 0; first < filters; first += kIntegerRows) {
    const int64_t rows = std::min(kIntegerRows, filters - first);
    const int64_t channel = group * filters + first;
    const int16_t* weights = work.filters.weights + channel * 2 * pairs_;
    integer_tile(rows, weights, panels, static_cast<size_t>(2 * width), static_cast<size_t>(pairs_),
                 sums, static_cast<size_t>(width), end - begin);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = channel + r;
      put_integer_row(work.output, at, work.operand.start(work.output.first[at], work.filters, at),
                      sums + r * width, end - begin, work.at + at * shape_.out_plane() + begin);
    }
  }
}

Status IntegerConv::multiply(const Work& work, uint8_t* scratch) const {
  const int64_t plane = shape_.out_plane();
  const int64_t blocks = ceil_div(plane, block_);
  const int64_t panels = 2 * pairs_ * (block_ + kSlackPixels);
  auto* memory = reinterpret_cast<int16_t*>(
      scratch + round_up(image_.scratch_bytes(), int64_t{kBlockAlignment}));
  const int64_t block_work = std::max<int64_t>(block_ * shape_.group_out() * shape_.depth(), 1);
  const int64_t grain = std::max<int64_t>(kChunkWork / block_work, 1);
  return parallel_for(shape_.groups * blocks, grain, threads_,
                      [&](int64_t begin, int64_t end, int thread) {
                        for (int64_t i = begin; i < end; ++i) {
                          const int64_t first = i % blocks * block_;
                          multiply_block(work, i / blocks, first, std::min(plane, first + block_),
                                         memory + thread * panels);
                        }
                      });
}

Status IntegerConv::run(const ByteMatrix& x, int32_t x_zero, const int16_t* packed,
                        const IntegerOutput& output, uint8_t* scratch) const {
  const int64_t in_image = shape_.in_channels * shape_.in_plane();
  const int64_t out_image = shape_.out_channels * shape_.out_plane();
  if (out_image == 0) return {};
  IntegerOperand operand(x.is_signed, x_zero);
  const IntegerFilters filters(shape_, packed);
  for (int64_t n = 0; n < shape_.batch; ++n) {
    const uint8_t* from = x.data + n * in_image;
    if (winograd_) {
      SX_TRY(winograd_->run(from, operand, filters, output, n * out_image, scratch));
      continue;
    }
    SX_ASSIGN(operand.image, image_.stage(from, operand.padding(), scratch));
    if (is_integer_depthwise(shape_)) {
      SX_TRY(integer_depthwise(shape_, image_, offsets_.as<int32_t>(), operand, filters, output,
                               n * out_image));
    } else {
      SX_TRY(multiply({operand, filters, output, n * out_image}, scratch));
    }
  }
  return {};
}

}  // namespace sardonyx::simd
