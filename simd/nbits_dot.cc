#include "simd/nbits_dot.h"

#include <algorithm>
#include <bit>

#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

// Integers of a lane that are masked out of it before the lane is shifted down.
constexpr int masked(int bits) {
  return bits == 8 ? 2 : 4;
}

// Loads stay where they are written: moved together, they take more registers than there are.
SX_INLINE void keep_order() {
  __asm__ volatile("" ::: "memory");
}

template <int kBits, int kRows>
void dot_rows(const NBitsFormat& format, const float* ordered, const uint8_t* packed,
              const float* scales, f32x4 (&total)[kRows]) {
  constexpr int kMasked = masked(kBits), kShift = kBits * kMasked;
  // Of a row, for latency: with one sum the multiply-adds of a block wait for each other.
  constexpr int kChains = kRows == 1 ? kMasked : 1;
  constexpr int32_t kMask = (1 << kBits) - 1;
  i32x4 masks[4] = {constant<kMask>(), constant<(kMask << kBits)>(), i32x4{}, i32x4{}};
  if constexpr (kMasked == 4) {
    masks[2] = constant<(kMask << 2 * kBits)>();
    masks[3] = constant<(kMask << 3 * kBits)>();
  }
  const int64_t stride = format.ordered_floats();
  const int64_t in_block = format.block_bytes() / 16, vectors = format.blocks() * in_block;
  const int shift = std::countr_zero(static_cast<uint64_t>(in_block));
  SX_ROLLED
  for (int64_t v = 0; v < vectors; ++v) {
    f32x4 local[kRows][kChains];
    i32x4 lanes{wasm_v128_load(packed)};
    SX_UNROLLED
    for (int part = 0; part < 32 / kShift; ++part) {
      SX_UNROLLED
      for (int i = 0; i < kMasked; ++i) {
        const f32x4 weight = to_float(lanes & masks[i]);
        SX_UNROLLED
        for (int r = 0; r < kRows; ++r) {
          f32x4& sum = local[r][i % kChains];
          const f32x4 x = load(ordered + r * stride);
          sum = part == 0 && i < kChains ? weight * x : madd(weight, x, sum);
        }
        ordered += 4;
        keep_order();
      }
      // Arithmetic, so that LLVM does not take the lanes for unsigned, whose conversion is slow.
      lanes = shift_right(lanes, kShift);
    }
    packed += 16;
    const f32x4 scale = load_splat(scales + (v >> shift));
    SX_UNROLLED
    for (int r = 0; r < kRows; ++r) {
      SX_UNROLLED
      for (int i = 1; i < kChains; ++i) local[r][0] += local[r][i];
      total[r] = madd(local[r][0], scale, total[r]);
    }
  }
}

template <int kBits, int kRows>
void put_rows(const NBitsFormat& format, const float* ordered, int64_t rows, const uint8_t* packed,
              const float* scales, const float* zeros, float start, float* out,
              int64_t out_stride) {
  f32x4 total[kRows];
  SX_UNROLLED
  for (int r = 0; r < kRows; ++r) total[r] = zero();
  dot_rows<kBits, kRows>(format, ordered, packed, scales, total);
  const int64_t stride = format.ordered_floats();
  const float* sums = ordered + format.blocks() * format.block;
  SX_UNROLLED
  for (int r = 0; r < kRows; ++r) {
    if (r < rows) {
      const float shift = nbits_zero_part(format, zeros, scales, sums + r * stride);
      out[r * out_stride] = start + (reduce_add(total[r]) - shift);
    }
  }
}

}  // namespace

float nbits_zero_part(const NBitsFormat& format, const float* zeros, const float* scales,
                      const float* sums) {
  const int64_t blocks = format.blocks();
  const f32x4 centre = splat(format.centre());
  f32x4 four = zero();
  int64_t i = 0;
  SX_ROLLED
  for (; i + 4 <= blocks; i += 4) {
    const f32x4 points = zeros ? load(zeros + i) : centre;
    four = madd(points * load(scales + i), load(sums + i), four);
  }
  float out = reduce_add(four);
  SX_SCALAR
  for (; i < blocks; ++i) out += (zeros ? zeros[i] : format.centre()) * scales[i] * sums[i];
  return out;
}

void order_for_nbits(const NBitsFormat& format, const float* from, float* to) {
  const int64_t in_lane = 32 / format.bits, in_vector = 4 * in_lane;
  float* sums = to + format.blocks() * format.block;
  std::fill_n(sums, format.blocks(), 0.0f);
  for (int64_t first = 0; first < format.blocks() * format.block; first += in_vector) {
    float& sum = sums[first / format.block];
    for (int64_t i = 0; i < in_lane; ++i) {
      const int64_t place = i % masked(format.bits) * format.bits;
      const float factor = 1.0f / static_cast<float>(1 << place);
      for (int64_t lane = 0; lane < 4; ++lane) {
        const int64_t at = first + lane * in_lane + i;
        const float value = at < format.k ? from[at] : 0.0f;
        *to++ = value * factor;
        sum += value;
      }
    }
  }
}

void nbits_dot(const NBitsFormat& format, const float* ordered, int64_t rows, const uint8_t* packed,
               const float* scales, const float* zeros, float start, float* out,
               int64_t out_stride) {
  const auto put = format.bits == 4 ? (rows == 1 ? put_rows<4, 1> : put_rows<4, kNBitsRows>)
                                    : (rows == 1 ? put_rows<8, 1> : put_rows<8, kNBitsRows>);
  put(format, ordered, rows, packed, scales, zeros, start, out, out_stride);
}

}  // namespace sardonyx::simd
