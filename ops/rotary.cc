#include "ops/rotary.h"

#include <cstring>

#include "simd/parallel.h"

namespace sardonyx::ops {
namespace {

void turn_head(const Rotary& rotary, int64_t position, const float* x, float* y, int64_t size) {
  const float* c = rotary.cos + position * rotary.half;
  const float* s = rotary.sin + position * rotary.half;
  const int64_t step = rotary.interleaved ? 2 : 1;
  const int64_t other = rotary.interleaved ? 1 : rotary.half;
  for (int64_t i = 0; i < rotary.half; ++i) {
    const float a = x[i * step], b = x[i * step + other];
    y[i * step] = c[i] * a - s[i] * b;
    y[i * step + other] = s[i] * a + c[i] * b;
  }
  const int64_t turned = 2 * rotary.half;
  if (x == y || turned == size) return;
  std::memcpy(y + turned, x + turned, static_cast<size_t>(size - turned) * sizeof(float));
}

}  // namespace

Status Rotary::turn(const Tokens& tokens, const HeadRows& x, float* y,
                    const HeadSteps& y_steps) const {
  const int64_t count = tokens.batch * tokens.length;
  for (int64_t i = 0; i < count; ++i) {
    if (tokens.where[i] >= 0 && tokens.where[i] < positions) continue;
    return error(ErrorCode::INDEX_RANGE, "position %lld is not in tables for %lld positions",
                 static_cast<long long>(tokens.where[i]), static_cast<long long>(positions));
  }
  const double ns_per_token = static_cast<double>(tokens.heads) * static_cast<double>(tokens.size);
  return simd::parallel_for(count, simd::grain_for(ns_per_token), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t batch = i / tokens.length, row = i % tokens.length;
      float* to = y + batch * y_steps.batch + row * y_steps.row;
      for (int64_t head = 0; head < tokens.heads; ++head) {
        turn_head(*this, tokens.where[i], x.at(batch, head, row), to + head * y_steps.head,
                  tokens.size);
      }
    }
  });
}

}  // namespace sardonyx::ops
