#include "simd/transpose.h"

#include <cstring>

#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

// Through memory, not a float register: a signalling NaN keeps its bits.
SX_INLINE void copy_one(const float* from, float* to) {
  std::memcpy(to, from, sizeof(float));
}

}  // namespace

void transpose_tile(const float* from, int64_t from_stride, int64_t rows, int64_t columns,
                    float* to, int64_t to_stride) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float* source = from + r * from_stride;
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4) {
      f32x4 x0 = load(source + c);
      f32x4 x1 = load(source + from_stride + c);
      f32x4 x2 = load(source + 2 * from_stride + c);
      f32x4 x3 = load(source + 3 * from_stride + c);
      transpose(x0, x1, x2, x3);
      float* target = to + c * to_stride + r;
      store(target, x0);
      store(target + to_stride, x1);
      store(target + 2 * to_stride, x2);
      store(target + 3 * to_stride, x3);
    }
    for (; c < columns; ++c) {
      for (int64_t i = 0; i < 4; ++i) {
        copy_one(source + i * from_stride + c, to + c * to_stride + r + i);
      }
    }
  }
  for (; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      copy_one(from + r * from_stride + c, to + c * to_stride + r);
    }
  }
}

}  // namespace sardonyx::simd
