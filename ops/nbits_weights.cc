#include "ops/nbits_weights.h"

#include <algorithm>

#include "simd/elementwise.h"
#include "simd/quantize.h"
#include "simd/unpack_bits.h"

namespace sardonyx::ops {
namespace {

constexpr int64_t kLargestBlock = 256;

bool has(std::span<const TensorView> inputs, size_t i) {
  return i < inputs.size() && inputs[i].present();
}

int32_t packed_zero(const NBitsWeights& w, const TensorView& zeros, int64_t column, int64_t block) {
  const int64_t bit = block * w.bits;
  const uint8_t byte = zeros.as<const uint8_t>()[column * w.zero_row() + bit / 8];
  return byte >> (bit % 8) & ((1 << w.bits) - 1);
}

}  // namespace

Result<NBitsWeights> nbits_weights(const Attributes& attributes) {
  const NBitsWeights out{
      attributes.get_int("K", 0), attributes.get_int("N", 0), attributes.get_int("block_size", 0),
      static_cast<int>(std::clamp<int64_t>(attributes.get_int("bits", 4), 0, 9))};
  constexpr int64_t kMost = int64_t{1} << 31;
  const bool power =
      out.block >= 16 && out.block <= kLargestBlock && (out.block & (out.block - 1)) == 0;
  const bool fits = out.bits == 2 || out.bits == 4 || out.bits == 8;
  if (fits && power && out.k > 0 && out.n > 0 && out.k < kMost && out.n < kMost) return out;
  return error(ErrorCode::ATTRIBUTE_INVALID, "K %lld, N %lld, block_size %lld, bits %d",
               static_cast<long long>(out.k), static_cast<long long>(out.n),
               static_cast<long long>(out.block), out.bits);
}

Status check_nbits_weights(const InferContext& context, const NBitsWeights& w) {
  const auto elements_are = [&](size_t i, std::optional<int64_t> count) {
    if (!context.has_input(i) || !context.inputs[i].is_static()) return true;
    return count && context.inputs[i].shape.elements() == *count;
  };
  const bool packed_zeros =
      context.has_input(kZeros) && context.inputs[kZeros].dtype == DType::kUint8;
  if (elements_are(kB, checked_mul(w.n * w.blocks(), w.blob())) &&
      elements_are(kScales, w.n * w.blocks()) &&
      elements_are(kZeros, w.n * (packed_zeros ? w.zero_row() : w.blocks())) &&
      elements_are(kGroups, w.k) && elements_are(kBias, w.n)) {
    return {};
  }
  return error(ErrorCode::SHAPE_MISMATCH,
               "weights of shape %s, or what goes with them, are not %lld x %lld in blocks of %lld",
               context.inputs[kB].shape.to_string().c_str(), static_cast<long long>(w.n),
               static_cast<long long>(w.k), static_cast<long long>(w.block));
}

const float* NBitsWeights::zeros(std::span<const TensorView> inputs, int64_t first, int64_t count,
                                 float* memory) const {
  if (!has(inputs, kZeros)) return nullptr;
  if (inputs[kZeros].dtype != DType::kUint8) {
    return inputs[kZeros].as<const float>() + first * blocks();
  }
  for (int64_t i = 0; i < count * blocks(); ++i) {
    memory[i] =
        static_cast<float>(packed_zero(*this, inputs[kZeros], first + i / blocks(), i % blocks()));
  }
  return memory;
}

void NBitsWeights::dequantize(std::span<const TensorView> inputs, int64_t column,
                              int64_t block_index, int64_t count, float* to) const {
  const int64_t at = column * blocks() + block_index;
  const uint8_t* from = inputs[kB].as<const uint8_t>() + at * blob();
  const float scale = inputs[kScales].as<const float>()[at];
  uint8_t bytes[kLargestBlock];
  if (bits != 8) {
    simd::unpack_bits(from, bits, count, bytes);
    from = bytes;
  }
  if (has(inputs, kZeros) && inputs[kZeros].dtype != DType::kUint8) {
    simd::dequantize(from, count, 1.0f, 0, to);
    const float zero = inputs[kZeros].as<const float>()[at];
    simd::scale_offset(to, scale, -zero * scale, to, count);
    return;
  }
  const int32_t zero = has(inputs, kZeros) ? packed_zero(*this, inputs[kZeros], column, block_index)
                                           : 1 << (bits - 1);
  simd::dequantize(from, count, scale, zero, to);
}

}  // namespace sardonyx::ops
