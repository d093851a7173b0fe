#include "simd/nbits_dot.h"

#include <algorithm>

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
              const float* scales, const float* zeros, f32x4 (&total)[kRows]) {
  constexpr int kMasked = masked(kBits), kShift = kBits * kMasked;
  constexpr int kChains = kRows == 1 ? 2 : 1;  // of a row, for latency
  constexpr int32_t kMask = (1 << kBits) - 1;
  i32x4 masks[4] = {constant<kMask>(), constant<(kMask << kBits)>(), i32x4{}, i32x4{}};
  if constexpr (kMasked == 4) {
    masks[2] = constant<(kMask << 2 * kBits)>();
    masks[3] = constant<(kMask << 3 * kBits)>();
  }
  const int64_t stride = format.ordered_floats();
  const float* sums = ordered + format.blocks() * format.block;
  for (int64_t block = format.blocks(); block > 0; --block) {
    f32x4 local[kRows][kChains];
    const f32x4 zero = -load_splat(zeros++);
    SX_UNROLLED
    for (int r = 0; r < kRows; ++r) {
      local[r][0] = zero * load(sums + r * stride);
      local[r][kChains - 1] = kChains > 1 ? simd::zero() : local[r][0];
    }
    const uint8_t* end = packed + format.block_bytes();
    SX_ROLLED
    do {
      i32x4 lanes{wasm_v128_load(packed)};
      SX_UNROLLED
      for (int part = 0; part < 32 / kShift; ++part) {
        SX_UNROLLED
        for (int i = 0; i < kMasked; ++i) {
          const f32x4 weight = to_float(lanes & masks[i]);
          SX_UNROLLED
          for (int r = 0; r < kRows; ++r) {
            f32x4& sum = local[r][i % kChains];
            sum = madd(weight, load(ordered + r * stride), sum);
          }
          ordered += 4;
          keep_order();
        }
        // Arithmetic, so that LLVM does not take the lanes for unsigned, whose conversion is slow.
        lanes = shift_right(lanes, kShift);
      }
      packed += 16;
    } while (packed != end);
    const f32x4 scale = load_splat(scales++);
    SX_UNROLLED
    for (int r = 0; r < kRows; ++r) {
      if (kChains > 1) local[r][0] += local[r][1];
      total[r] = madd(local[r][0], scale, total[r]);
    }
    sums += 4;
  }
}

template <int kBits, int kRows>
void put_rows(const NBitsFormat& format, const float* ordered, int64_t rows, const uint8_t* packed,
              const float* scales, const float* zeros, float start, float* out,
              int64_t out_stride) {
  f32x4 total[kRows];
  SX_UNROLLED
  for (int r = 0; r < kRows; ++r) total[r] = zero();
  dot_rows<kBits, kRows>(format, ordered, packed, scales, zeros, total);
  SX_UNROLLED
  for (int r = 0; r < kRows; ++r) {
    if (r < rows) out[r * out_stride] = start + reduce_add(total[r]);
  }
}

}  // namespace

void order_for_nbits(const NBitsFormat& format, const float* from, float* to) {
  const int64_t in_lane = 32 / format.bits, in_vector = 4 * in_lane;
  float* sums = to + format.blocks() * format.block;
  std::fill_n(sums, 4 * format.blocks(), 0.0f);
  for (int64_t first = 0; first < format.blocks() * format.block; first += in_vector) {
    float* sum = sums + first / format.block * 4;
    for (int64_t i = 0; i < in_lane; ++i) {
      const int64_t place = i % masked(format.bits) * format.bits;
      const float factor = 1.0f / static_cast<float>(1 << place);
      for (int64_t lane = 0; lane < 4; ++lane) {
        const int64_t at = first + lane * in_lane + i;
        const float value = at < format.k ? from[at] : 0.0f;
        *to++ = value * factor;
        sum[lane] += value;
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
