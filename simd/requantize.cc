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
  const i32x4 start[2] = {load(first), load(first + 4)};
  const f32x4 scales[4] = {load(scale), load(scale + 4), load(scale), load(scale + 4)};
  const f32x4 biases[4] = {load(bias), load(bias + 4), load(bias), load(bias + 4)};
  SX_ROLLED
  for (int64_t r = 0; r < rows; r += 2) {
    const i32x4 two[4] = {load(sums) + start[0], load(sums + 4) + start[1],
                          load(sums + 8) + start[0], load(sums + 12) + start[1]};
    wasm_v128_store(out, requantize.bytes(two, scales, biases));
    sums += 2 * kLanes;
    out += 2 * kLanes;
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
  constexpr int64_t kBytes = 16;
  const Requantizer requantize(to);
  const f32x4 scale = splat(to.scale[column]), bias = splat(to.bias[column]);
  const f32x4 scales[4] = {scale, scale, scale, scale}, biases[4] = {bias, bias, bias, bias};
  const i32x4 start = splat(first);
  SX_ROLLED
  for (; count > 0; count -= kBytes) {
    const i32x4 all[4] = {load(sums) + start, load(sums + 4) + start, load(sums + 8) + start,
                          load(sums + 12) + start};
    const v128_t bytes = requantize.bytes(all, scales, biases);
    if (count >= kBytes) {
      wasm_v128_store(out, bytes);
    } else {
      uint8_t rest[kBytes];
      wasm_v128_store(rest, bytes);
      std::memcpy(out, rest, static_cast<size_t>(count));
    }
    sums += kBytes;
    out += kBytes;
  }
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
