#include "simd/requantize.h"

#include <cstring>

#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

constexpr int64_t kLanes = 8;

}  // namespace

void requantize_panel(const IntegerOutput& to, const int32_t* sums, int64_t rows, int64_t column,
                      uint8_t* out) {
  const Requantizer requantize(*to.quantize);
  const float *scale = to.quantize->scale + column, *bias = to.quantize->bias + column;
  const int32_t* first = to.first + column;
  SX_ROLLED
  for (int64_t r = 0; r < rows; ++r) {
    const i32x4 low = requantize(load(sums) + load(first), load(scale), load(bias));
    const i32x4 high =
        requantize(load(sums + 4) + load(first + 4), load(scale + 4), load(bias + 4));
    store_low_bytes(out, narrow(low, high));
    sums += kLanes;
    out += kLanes;
  }
}

void requantize_row(const Requantization& to, int64_t column, int32_t first, const int32_t* sums,
                    int64_t count, uint8_t* out) {
  const Requantizer requantize(to);
  const f32x4 scale = splat(to.scale[column]), bias = splat(to.bias[column]);
  const i32x4 start = splat(first);
  const auto eight = [&](uint8_t* bytes) {
    const i32x4 low = requantize(load(sums) + start, scale, bias);
    const i32x4 high = requantize(load(sums + 4) + start, scale, bias);
    store_low_bytes(bytes, narrow(low, high));
    sums += kLanes;
  };
  SX_ROLLED
  for (; count >= kLanes; count -= kLanes) {
    eight(out);
    out += kLanes;
  }
  if (count == 0) return;
  uint8_t rest[kLanes];
  eight(rest);
  std::memcpy(out, rest, static_cast<size_t>(count));
}

}  // namespace sardonyx::simd
