#include "simd/integer_tile.h"

#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

template <int kRows>
void run_tile(const int16_t* a, const int16_t* b, size_t b_step, size_t pairs, int32_t* sums,
              size_t stride, int64_t columns) {
  SX_ROLLED
  do {
    i32x4 acc[kRows][2];
    SX_UNROLLED
    for (int r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = splat(0);
    const int16_t *left = a, *right = b;
    size_t left_pairs = pairs;
    SX_ROLLED
    do {
      const i16x8 low = load(right), high = load(right + 8);
      SX_UNROLLED
      for (int r = 0; r < kRows; ++r) {
        const i16x8 x = load_splat_pair(left + 2 * r);
        acc[r][0] = acc[r][0] + dot(x, low);
        acc[r][1] = acc[r][1] + dot(x, high);
      }
      left += 2 * kRows;
      right += b_step;
    } while (--left_pairs > 0);
    int32_t* to = sums;
    SX_UNROLLED
    for (int r = 0; r < kRows; ++r) {
      store(to, acc[r][0]);
      store(to + 4, acc[r][1]);
      to += stride;
    }
    b += 2 * kIntegerPanel;
    sums += kIntegerPanel;
    columns -= kIntegerPanel;
  } while (columns > 0);
}

}  // namespace

void integer_tile(int64_t rows, const int16_t* a, const int16_t* b, size_t b_step, size_t pairs,
                  int32_t* sums, size_t stride, int64_t columns) {
  const auto run = rows == 5   ? run_tile<5>
                   : rows == 4 ? run_tile<4>
                   : rows == 3 ? run_tile<3>
                   : rows == 2 ? run_tile<2>
                               : run_tile<1>;
  run(a, b, b_step, pairs, sums, stride, columns);
}

}  // namespace sardonyx::simd
