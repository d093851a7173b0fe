#include "simd/integer_tile.h"

#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

template <int kRows>
void run_tile(const int16_t* a, const int16_t* b, size_t b_step, size_t pairs, int32_t* sums,
              size_t stride) {
  i32x4 acc[kRows][2];
  SX_UNROLLED
  for (int r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = splat(0);
  SX_ROLLED
  do {
    const i16x8 low = load(b), high = load(b + 8);
    SX_UNROLLED
    for (int r = 0; r < kRows; ++r) {
      const i16x8 x = load_splat_pair(a + 2 * r);
      acc[r][0] = acc[r][0] + dot(x, low);
      acc[r][1] = acc[r][1] + dot(x, high);
    }
    a += 2 * kRows;
    b += b_step;
  } while (--pairs > 0);
  SX_UNROLLED
  for (int r = 0; r < kRows; ++r) {
    store(sums, acc[r][0]);
    store(sums + 4, acc[r][1]);
    sums += stride;
  }
}

}  // namespace

void integer_tile(int64_t rows, const int16_t* a, const int16_t* b, size_t b_step, size_t pairs,
                  int32_t* sums, size_t stride) {
  if (rows == 5) return run_tile<5>(a, b, b_step, pairs, sums, stride);
  if (rows == 4) return run_tile<4>(a, b, b_step, pairs, sums, stride);
  if (rows == 3) return run_tile<3>(a, b, b_step, pairs, sums, stride);
  if (rows == 2) return run_tile<2>(a, b, b_step, pairs, sums, stride);
  run_tile<1>(a, b, b_step, pairs, sums, stride);
}

}  // namespace sardonyx::simd
