#include "simd/integer_depthwise.h"

#include <algorithm>
#include <cstring>

namespace sardonyx::simd {
namespace {

constexpr int64_t kLanes = 8;
constexpr int64_t kSegment = 256;  // outputs whose sums are kept at once

// Elements p[0], p[stride], … for eight outputs. Strides 1 and 2 read 8 and 16 elements, others
// those of the first `outputs` only.
template <int kStride>
SX_INLINE i16x8 load_strided(const int16_t* p, int64_t stride, int64_t outputs) {
  if constexpr (kStride == 1) return load(p);
  if constexpr (kStride == 2) {
    return {wasm_i16x8_shuffle(load(p).v, load(p + kLanes).v, 0, 2, 4, 6, 8, 10, 12, 14)};
  }
  int16_t lanes[kLanes] = {};
  for (int64_t i = 0; i < outputs; ++i) lanes[i] = p[i * stride];
  return load(lanes);
}

// Sums of outputs [begin, begin + count), in whole vectors.
template <int kStride>
void sum_outputs(const ConvShape& shape, const int16_t* image, int64_t columns,
                 const int16_t* weights, int32_t first, int64_t begin, int64_t count,
                 int32_t* sums) {
  const int64_t stride = shape.stride[2];
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t outputs = std::min(kLanes, count - i);
    i32x4 low = splat(first), high = splat(first);
    const int16_t* tap = weights;
    for (int64_t y = 0; y < shape.kernel[1]; ++y) {
      const int16_t* x = image + y * shape.dilation[1] * columns + (begin + i) * stride;
      for (int64_t k = 0; k < shape.kernel[2]; ++k, x += shape.dilation[2]) {
        const i16x8 values = load_strided<kStride>(x, stride, outputs), weight = splat(*tap++);
        low = low + multiply_low(values, weight);
        high = high + multiply_high(values, weight);
      }
    }
    store(sums + i, low);
    store(sums + i + 4, high);
  }
}

void requantize_row(const Requantization& quantize, const int32_t* sums, int64_t count,
                    int64_t channel, uint8_t* out) {
  const Quantizer quantizer(quantize.range);
  const f32x4 scale = splat(quantize.scale[channel]), bias = splat(quantize.bias[channel]);
  for (int64_t i = 0; i < count; i += kLanes) {
    const f32x4 low = to_float(load(sums + i)) * scale + bias;
    const f32x4 high = to_float(load(sums + i + 4)) * scale + bias;
    store_low_bytes(out + i, narrow(quantizer(low), quantizer(high)));
  }
}

}  // namespace

bool is_integer_depthwise(const ConvSpec& spec) {
  return spec.groups > 1 && spec.groups == spec.in_channels && spec.groups == spec.out_channels;
}

void integer_depthwise_row(const ConvShape& shape, const int16_t* image, int64_t columns,
                           const int16_t* weights, const IntegerOutput& output, int64_t channel,
                           int64_t row, void* out) {
  const auto sum = shape.stride[2] == 1   ? sum_outputs<1>
                   : shape.stride[2] == 2 ? sum_outputs<2>
                                          : sum_outputs<0>;
  const int16_t* first_row = image + row * shape.stride[1] * columns;
  int32_t sums[kSegment];
  uint8_t bytes[kSegment];
  for (int64_t begin = 0; begin < shape.out[2]; begin += kSegment) {
    const int64_t count = std::min(kSegment, shape.out[2] - begin);
    sum(shape, first_row, columns, weights, output.first[channel], begin, count, sums);
    if (!output.quantize) {
      std::memcpy(static_cast<int32_t*>(out) + begin, sums,
                  static_cast<size_t>(count) * sizeof(int32_t));
      continue;
    }
    requantize_row(*output.quantize, sums, count, channel, bytes);
    std::memcpy(static_cast<uint8_t*>(out) + begin, bytes, static_cast<size_t>(count));
  }
}

}  // namespace sardonyx::simd
