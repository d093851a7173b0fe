#include "simd/integer_depthwise.h"

#include <algorithm>

#include "simd/byte_pairs.h"
#include "simd/parallel.h"
#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

constexpr int64_t kLanes = 8;
constexpr int64_t kSegment = 256;  // outputs whose sums are kept at once
constexpr double kNsPerTap = 0.05;

// What a row of outputs is made of.
struct Taps {
  const int32_t* offsets;
  const int16_t* weights;
  int64_t pairs;
  int64_t stride;
  uint8_t flip;
};

// Sums of `count` outputs whose windows start at x, in whole vectors.
template <int kStride>
void sum_outputs(const Taps& taps, const uint8_t* x, int64_t count, int32_t* sums) {
  const v128_t flip = wasm_i8x16_splat(static_cast<int8_t>(taps.flip));
  const int16_t* end = taps.weights + 2 * taps.pairs;
  for (int64_t i = 0; i < count; i += kLanes) {
    i32x4 low = splat(0), high = splat(0);
    const int32_t* offset = taps.offsets;
    SX_ROLLED
    for (const int16_t* weight = taps.weights; weight != end; weight += 2) {
      const v128_t bytes = wasm_v128_xor(
          zip_bytes<kStride>(x + offset[0], x + offset[1], taps.stride, count - i), flip);
      const i16x8 factor = load_splat_pair(weight);
      low = low + dot(widen_low_bytes(bytes), factor);
      high = high + dot(widen_high_bytes(bytes), factor);
      offset += 2;
    }
    store(sums, low);
    store(sums + 4, high);
    sums += kLanes;
    x += kLanes * taps.stride;
  }
}

}  // namespace

bool is_integer_depthwise(const ConvSpec& spec) {
  return spec.groups > 1 && spec.groups == spec.in_channels && spec.groups == spec.out_channels;
}

Status integer_depthwise(const ConvShape& shape, const IntegerImage& image, const int32_t* offsets,
                         const IntegerOperand& operand, const IntegerFilters& filters,
                         const IntegerOutput& output, int64_t out) {
  const int64_t rows = shape.out[1], width = shape.out[2], stride = shape.stride[2];
  const int64_t pairs = integer_row(shape.taps()) / 2;
  const auto sum = stride == 1 ? sum_outputs<1> : stride == 2 ? sum_outputs<2> : sum_outputs<0>;
  const double ns = kNsPerTap * static_cast<double>(shape.taps() * (width + kLanes));
  return parallel_for(shape.groups * rows, grain_for(ns), [&](int64_t begin, int64_t end) {
    int32_t sums[kSegment];
    for (int64_t i = begin; i < end; ++i) {
      const int64_t channel = i / rows;
      const Taps taps{offsets, filters.weights + channel * 2 * pairs, pairs, stride, operand.flip};
      const uint8_t* x =
          operand.image + channel * image.plane() + i % rows * shape.stride[1] * image.columns();
      const int32_t start = operand.start(output.first[channel], filters, channel);
      for (int64_t first = 0; first < width; first += kSegment) {
        const int64_t count = std::min(kSegment, width - first);
        sum(taps, x + first * stride, count, sums);
        put_integer_row(output, channel, start, sums, count, out + i * width + first);
      }
    }
  });
}

}  // namespace sardonyx::simd
