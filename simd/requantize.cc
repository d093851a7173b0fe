#include "simd/requantize.h"

#include <cstring>

#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

constexpr int64_t kLanes = 8;

// Rows of a panel as bytes, eight and eight.
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

// Outputs of four bytes, in place.
void finish_panel(const IntegerOutput& to, int32_t* sums, int64_t rows, int64_t column) {
  const SumFinisher finish(to.scaling != nullptr);
  for (int64_t half = column; half < column + kLanes; half += 4) {
    const i32x4 first = load(to.first + half);
    const f32x4 scale = to.scaling ? load(to.scaling->scale + half) : zero();
    const f32x4 bias = to.scaling ? load(to.scaling->bias + half) : zero();
    int32_t* at = sums + (half - column);
    SX_ROLLED
    for (int64_t r = 0; r < rows; ++r) {
      store(at, finish(load(at) + first, scale, bias));
      at += kLanes;
    }
  }
}

// Rows that are kBytes apart to rows that are `stride` bytes apart.
template <size_t kBytes>
void copy_rows(const uint8_t* from, int64_t rows, size_t bytes, uint8_t* to, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    if (bytes == kBytes) {
      std::memcpy(to, from, kBytes);  // as vectors
    } else {
      std::memcpy(to, from, bytes);
    }
    from += kBytes;
    to += stride;
  }
}

}  // namespace

void put_integer_panel(const IntegerOutput& to, int32_t* sums, int64_t rows, int64_t column,
                       int64_t columns, int64_t stride, int64_t at) {
  auto* bytes = reinterpret_cast<uint8_t*>(sums);
  auto* out = static_cast<uint8_t*>(to.data) + at * to.element_bytes();
  const auto count = static_cast<size_t>(columns);
  if (to.quantize) {
    requantize_panel(to, sums, rows, column, bytes);
    copy_rows<kLanes>(bytes, rows, count, out, stride);
  } else {
    finish_panel(to, sums, rows, column);
    copy_rows<kLanes * sizeof(int32_t)>(bytes, rows, count * sizeof(int32_t), out,
                                        stride * int64_t{sizeof(int32_t)});
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

void finish_row(const IntegerOutput& to, int64_t column, int32_t first, const int32_t* sums,
                int64_t count, int32_t* out) {
  const SumFinisher finish(to.scaling != nullptr);
  const i32x4 start = splat(first);
  const f32x4 scale = splat(to.scaling ? to.scaling->scale[column] : 0.0f);
  const f32x4 bias = splat(to.scaling ? to.scaling->bias[column] : 0.0f);
  int64_t i = 0;
  SX_ROLLED
  for (; i + 4 <= count; i += 4) store(out + i, finish(load(sums + i) + start, scale, bias));
  if (i == count) return;
  int32_t rest[4];
  store(rest, finish(load(sums + i) + start, scale, bias));
  std::memcpy(out + i, rest, static_cast<size_t>(count - i) * sizeof(int32_t));
}

}  // namespace sardonyx::simd
