#include "ops/rotary.h"

#include <cstring>

namespace sardonyx::ops {

void Rotary::turn(int64_t position, const float* x, float* y, int64_t size) const {
  const float* c = cos + position * half;
  const float* s = sin + position * half;
  const int64_t step = interleaved ? 2 : 1, other = interleaved ? 1 : half;
  for (int64_t i = 0; i < half; ++i) {
    const float a = x[i * step], b = x[i * step + other];
    y[i * step] = c[i] * a - s[i] * b;
    y[i * step + other] = s[i] * a + c[i] * b;
  }
  if (x != y) {
    std::memcpy(y + 2 * half, x + 2 * half, static_cast<size_t>(size - 2 * half) * sizeof(float));
  }
}

Status check_position(const Rotary& rotary, int64_t position) {
  if (position >= 0 && position < rotary.positions) return {};
  return error(ErrorCode::INDEX_RANGE, "position %lld is not in tables for %lld positions",
               static_cast<long long>(position), static_cast<long long>(rotary.positions));
}

}  // namespace sardonyx::ops
