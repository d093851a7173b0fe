#include "simd/pool.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "base/checked.h"
#include "simd/layout.h"
#include "simd/parallel.h"
#include "simd/reduce.h"
#include "simd/unroll.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr double kNsPerTap = 0.5;  // and four lanes, or one float where a row is strided
constexpr double kNsPerByteTap = 0.04;
constexpr double kNsPerFloat = 0.1;

enum class Kind { kMax, kAverage };

// The taps [begin, end) of an axis that are inside the input at one output position, and how many
// count for an average.
struct Taps {
  int64_t start;  // input position of tap 0
  int64_t begin, end, counted;
};

Taps taps_at(const PoolShape& shape, int axis, int64_t at) {
  const int64_t step = shape.dilation[axis];
  const int64_t start = at * shape.stride[axis] - shape.pad_begin[axis];
  // Taps at positions below `limit`.
  const int64_t last = start + (shape.kernel[axis] - 1) * step;
  const auto below = [&](int64_t limit) {
    if (last < limit) return shape.kernel[axis];
    return start >= limit ? 0 : (limit - 1 - start) / step + 1;
  };
  const int64_t end = below(shape.in[axis]);
  const int64_t begin = std::min(start < 0 ? ceil_div(-start, step) : 0, end);
  const int64_t counted =
      shape.count_include_pad ? below(shape.in[axis] + shape.pad_end[axis]) : end - begin;
  return {start, begin, end, counted};
}

// One row of the output.
template <typename T>
struct RowOf {
  const PoolShape& shape;
  const T* x;  // the plane
  Taps depth, height;
  T* out;

  // Calls fn(input row) for each row of taps inside the input.
  template <typename Fn>
  void for_each_input_row(Fn&& fn) const {
    for (int64_t i = depth.begin; i < depth.end; ++i) {
      const int64_t z = depth.start + i * shape.dilation[0];
      for (int64_t j = height.begin; j < height.end; ++j) {
        const int64_t y = height.start + j * shape.dilation[1];
        fn((z * shape.in[1] + y) * shape.in[2]);
      }
    }
  }
};

using Row = RowOf<float>;

// pmax loses a NaN in its second operand, but a NaN has the largest bits without sign.
constexpr int32_t kMagnitude = 0x7fffffff, kInfinityBits = 0x7f800000;
template <Kind kKind>
struct Sum {
  f32x4 value;
  i32x4 largest;

  static SX_INLINE Sum start() {
    return {splat(kKind == Kind::kMax ? -kInfinity : 0.0f), splat(0)};
  }

  // `magnitude` is constant<kMagnitude>().
  SX_INLINE void add(f32x4 x, i32x4 magnitude) {
    if constexpr (kKind == Kind::kMax) {
      value = pmax(value, x);
      largest = max(largest, bits(x) & magnitude);
    } else {
      value += x;
    }
  }
  SX_INLINE f32x4 finish(int64_t count) const {
    if constexpr (kKind == Kind::kMax) {
      return from_bits(bits(value) | (largest > constant<kInfinityBits>()));
    }
    return value / splat(static_cast<float>(count));
  }
};

// kPixels outputs from `pixel` on, which read the same columns [begin, end) of their windows.
template <Kind kKind, int kPixels>
void pixels_blocked(const Row& row, int64_t pixel, const Taps& width) {
  const PoolShape& shape = row.shape;
  const int64_t step = shape.dilation[2] * kChannelBlock;
  const int64_t next = shape.stride[2] * kChannelBlock;
  const i32x4 magnitude = constant<kMagnitude>();
  Sum<kKind> sums[kPixels];
  SX_UNROLLED
  for (int p = 0; p < kPixels; ++p) sums[p] = Sum<kKind>::start();
  row.for_each_input_row([&](int64_t at) {
    const float* in = row.x + (at + width.start + width.begin * shape.dilation[2]) * kChannelBlock;
    for (int64_t k = width.begin; k < width.end; ++k, in += step) {
      SX_UNROLLED
      for (int p = 0; p < kPixels; ++p) sums[p].add(load(in + p * next), magnitude);
    }
  });
  const int64_t count = row.depth.counted * row.height.counted * width.counted;
  float* out = row.out + kChannelBlock * pixel;
  SX_UNROLLED
  for (int p = 0; p < kPixels; ++p) store(out + 4 * p, sums[p].finish(count));
}

template <Kind kKind>
void row_blocked(const Row& row) {
  constexpr int64_t kPixels = 4;
  const PoolShape& shape = row.shape;
  const int64_t outputs = shape.out[2], stride = shape.stride[2], kernel = shape.kernel[2];
  // Outputs whose windows are whole.
  const int64_t room = shape.in[2] - 1 - (kernel - 1) * shape.dilation[2] + shape.pad_begin[2];
  const int64_t begin = std::min(ceil_div(shape.pad_begin[2], stride), outputs);
  const int64_t end = std::clamp<int64_t>(room < 0 ? 0 : room / stride + 1, begin, outputs);
  for (int64_t pixel = 0; pixel < outputs;) {
    if (pixel < begin || pixel >= end || end - begin < kPixels) {
      pixels_blocked<kKind, 1>(row, pixel, taps_at(shape, 2, pixel));
      ++pixel;
      continue;
    }
    // The last ones are computed again where fewer are left.
    pixel = std::min(pixel, end - kPixels);
    pixels_blocked<kKind, kPixels>(row, pixel,
                                   {pixel * stride - shape.pad_begin[2], 0, kernel, kernel});
    pixel += kPixels;
  }
}

// Maxima of windows kWidth wide at every second column, from `pixel` on, each with its first or
// last column inside: an input is loaded once per row of taps.
constexpr int kMaxima = 4, kMaximaStride = 2;
template <int kWidth>
SX_INLINE void maxima_of(const Row& row, const float* x, ptrdiff_t rows, ptrdiff_t pixel) {
  constexpr int kStride = kMaximaStride, kInputs = (kMaxima - 1) * kStride + kWidth;
  const PoolShape& shape = row.shape;
  const auto step = static_cast<ptrdiff_t>(shape.dilation[1] * shape.in[2] * kChannelBlock);
  const ptrdiff_t first = pixel * kStride - static_cast<ptrdiff_t>(shape.pad_begin[2]);
  const ptrdiff_t end = static_cast<ptrdiff_t>(shape.in[2]) - first;
  const float* in = x + first * kChannelBlock;
  const i32x4 magnitude = constant<kMagnitude>();
  Sum<Kind::kMax> sums[kMaxima];
  SX_UNROLLED
  for (int p = 0; p < kMaxima; ++p) sums[p] = Sum<Kind::kMax>::start();
  SX_ROLLED
  for (; rows > 0; --rows, in += step) {
    SX_UNROLLED
    for (int i = 0; i < kInputs; ++i) {
      if (i < kWidth - 1 && i < -first) continue;
      if (i > kInputs - kWidth && i >= end) continue;
      const f32x4 value = load(in + 4 * i);
      SX_UNROLLED
      for (int p = 0; p < kMaxima; ++p) {
        if (i >= p * kStride && i < p * kStride + kWidth) sums[p].add(value, magnitude);
      }
    }
  }
  float* out = row.out + kChannelBlock * pixel;
  SX_UNROLLED
  for (int p = 0; p < kMaxima; ++p) store(out + 4 * p, sums[p].finish(1));
}

template <int kWidth>
void row_of_maxima(const Row& row) {
  const PoolShape& shape = row.shape;
  const int64_t top = row.height.start + row.height.begin * shape.dilation[1];
  const float* x = row.x + (row.depth.start * shape.in[1] + top) * shape.in[2] * kChannelBlock;
  const int64_t rows = row.depth.end > row.depth.begin ? row.height.end - row.height.begin : 0;
  const auto outputs = static_cast<ptrdiff_t>(shape.out[2]);
  // The last ones are computed again where fewer are left.
  for (ptrdiff_t pixel = 0; pixel < outputs; pixel += kMaxima) {
    pixel = std::min(pixel, outputs - kMaxima);
    maxima_of<kWidth>(row, x, static_cast<ptrdiff_t>(rows), pixel);
  }
}

using RowFn = void (*)(const Row&);
RowFn choose_row(const PoolShape& shape, Kind kind) {
  if (kind == Kind::kAverage) return row_blocked<Kind::kAverage>;
  const int64_t width = shape.kernel[2], pad = shape.pad_begin[2], outputs = shape.out[2];
  if (shape.kernel[0] == 1 && shape.stride[2] == kMaximaStride && shape.dilation[2] == 1 &&
      pad < width && outputs >= kMaxima && (outputs - 1) * kMaximaStride - pad < shape.in[2]) {
    if (width == 2) return row_of_maxima<2>;
    if (width == 3) return row_of_maxima<3>;
  }
  return row_blocked<Kind::kMax>;
}

SX_INLINE float keep_nan_max(float a, float b) {
  return b > a || b != b ? b : a;
}

// Tap k of the width adds to the outputs [begin, end).
template <Kind kKind>
void add_tap(const PoolShape& shape, const float* in, int64_t begin, int64_t end, float* out) {
  int64_t i = begin;
  const int64_t stride = shape.stride[2];
  if (stride == 1) {
    for (; i + 4 <= end; i += 4) {
      const f32x4 a = load(out + i), b = load(in + i - begin);
      store(out + i, kKind == Kind::kMax ? max_nan(a, b) : a + b);
    }
  }
  for (; i < end; ++i) {
    const float value = in[(i - begin) * stride];
    out[i] = kKind == Kind::kMax ? keep_nan_max(out[i], value) : out[i] + value;
  }
}

// Calls fn(input, begin, end) for each tap: it adds input, input + stride… to the outputs
// [begin, end).
template <typename T, typename Fn>
void for_each_tap(const RowOf<T>& row, Fn&& fn) {
  const PoolShape& shape = row.shape;
  const int64_t outputs = shape.out[2], stride = shape.stride[2];
  row.for_each_input_row([&](int64_t at) {
    for (int64_t k = 0; k < shape.kernel[2]; ++k) {
      const int64_t offset = k * shape.dilation[2] - shape.pad_begin[2];
      const int64_t begin = std::min(offset < 0 ? ceil_div(-offset, stride) : 0, outputs);
      const int64_t room = shape.in[2] - 1 - offset;
      const int64_t end = room < 0 ? 0 : std::min(room / stride + 1, outputs);
      if (begin < end) fn(row.x + at + offset + begin * stride, begin, end);
    }
  });
}

template <typename T>
SX_INLINE v128_t larger(v128_t a, v128_t b) {
  return std::is_signed_v<T> ? wasm_i8x16_max(a, b) : wasm_u8x16_max(a, b);
}

// to[i] = max(to[i], in[i]); the last eight again where fewer are left.
template <typename T>
void take_larger(const T* in, int64_t count, T* to) {
  if (count < 8) {
    for (int64_t i = 0; i < count; ++i) to[i] = std::max(to[i], in[i]);
    return;
  }
  for (int64_t i = 0; i < count; i += 8) {
    const int64_t at = std::min(i, count - 8);
    const v128_t best = larger<T>(wasm_v128_load64_zero(in + at), wasm_v128_load64_zero(to + at));
    wasm_v128_store64_lane(to + at, best, 0);
  }
}

// Bytes of a line that is kept while its windows are looked at.
constexpr int64_t kLine = 2048;

int64_t line_length(const PoolShape& shape) {
  return (shape.out[2] - 1) * shape.stride[2] + (shape.kernel[2] - 1) * shape.dilation[2] + 1;
}

// The largest of each column of taps, padded as the windows need it, then of each row of those.
template <typename T>
void row_of_byte_maxima(const RowOf<T>& row) {
  const PoolShape& shape = row.shape;
  const int64_t length = line_length(shape), pad = shape.pad_begin[2];
  T line[kLine + 32];
  std::fill_n(line, length, std::numeric_limits<T>::lowest());
  row.for_each_input_row([&](int64_t at) {
    take_larger(row.x + at, std::min(shape.in[2], length - pad), line + pad);
  });
  const int64_t step = shape.stride[2] == 1 ? 16 : 8;
  for (int64_t i = 0; i < shape.out[2]; i += step) {
    const T* from = line + i * shape.stride[2];
    v128_t best = wasm_v128_load(from);
    for (int64_t k = 1; k < shape.kernel[2]; ++k) {
      from += shape.dilation[2];
      best = larger<T>(best, wasm_v128_load(from));
    }
    if (step == 8) {
      best = wasm_i8x16_shuffle(best, best, 0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
    }
    T bytes[16];
    wasm_v128_store(bytes, best);
    std::copy_n(bytes, std::min(step, shape.out[2] - i), row.out + i);
  }
}

template <typename T>
void row_bytes(const RowOf<T>& row) {
  const int64_t stride = row.shape.stride[2];
  std::fill_n(row.out, row.shape.out[2], std::numeric_limits<T>::lowest());
  for_each_tap(row, [=, out = row.out](const T* in, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out[i] = std::max(out[i], in[(i - begin) * stride]);
  });
}

template <Kind kKind>
void row_flat(const Row& row) {
  const PoolShape& shape = row.shape;
  const int64_t outputs = shape.out[2];
  std::fill_n(row.out, outputs, kKind == Kind::kMax ? -kInfinity : 0.0f);
  for_each_tap(row, [&](const float* in, int64_t begin, int64_t end) {
    add_tap<kKind>(shape, in, begin, end, row.out);
  });
  if constexpr (kKind == Kind::kAverage) {
    for (int64_t pixel = 0; pixel < outputs; ++pixel) {
      const int64_t count =
          row.depth.counted * row.height.counted * taps_at(shape, 2, pixel).counted;
      row.out[pixel] /= static_cast<float>(count);
    }
  }
}

// Calls fn(row) for each row of the output, in parallel; `lanes` elements per pixel.
template <typename T, typename Fn>
Status for_each_row(const PoolShape& shape, int64_t lanes, double ns_per_tap, const T* x, T* y,
                    Fn&& fn) {
  const int64_t rows = shape.out[0] * shape.out[1], width = shape.out[2];
  if (shape.planes * rows * width == 0) return {};
  const double taps =
      static_cast<double>(shape.kernel[0] * shape.kernel[1]) * static_cast<double>(shape.kernel[2]);
  const int64_t grain = grain_for(ns_per_tap * taps * static_cast<double>(width));
  return parallel_for(shape.planes * rows, grain, [&](int64_t begin, int64_t end) {
    int64_t plane = begin / rows, z = begin % rows / shape.out[1], h = begin % shape.out[1];
    for (int64_t i = begin; i < end; ++i) {
      fn(RowOf<T>{shape, x + plane * shape.in_plane() * lanes, taps_at(shape, 0, z),
                  taps_at(shape, 1, h), y + i * width * lanes});
      if (++h < shape.out[1]) continue;
      h = 0;
      if (++z < shape.out[0]) continue;
      z = 0;
      ++plane;
    }
  });
}

template <Kind kKind>
Status pool(const PoolShape& shape, const float* x, float* y) {
  if (shape.layout == Layout::kNC4HW4) {
    return for_each_row(shape, kChannelBlock, kNsPerTap, x, y, choose_row(shape, kKind));
  }
  return for_each_row(shape, 1, kNsPerTap, x, y, row_flat<kKind>);
}

struct Maximum {
  float value;
  int64_t position[3];
  bool found;
};

Maximum find_maximum(const PoolShape& shape, const float* x, const Taps& depth, const Taps& height,
                     const Taps& width) {
  Maximum best{-kInfinity, {0, 0, 0}, false};
  for (int64_t i = depth.begin; i < depth.end; ++i) {
    const int64_t z = depth.start + i * shape.dilation[0];
    for (int64_t j = height.begin; j < height.end; ++j) {
      const int64_t row = height.start + j * shape.dilation[1];
      for (int64_t k = width.begin; k < width.end; ++k) {
        const int64_t column = width.start + k * shape.dilation[2];
        const float value = x[(z * shape.in[1] + row) * shape.in[2] + column];
        const bool first_nan = value != value && best.value == best.value;
        if (best.found && !(value > best.value) && !first_nan) continue;
        best = {value, {z, row, column}, true};
      }
    }
  }
  return best;
}

// A vector per plane: four interleaved chains, combined in a fixed order.
template <Kind kKind>
f32x4 reduce_blocked(const float* x, int64_t count) {
  f32x4 sums[4];
  for (f32x4& sum : sums) sum = splat(kKind == Kind::kMax ? -kInfinity : 0.0f);
  const auto combine = [](f32x4 a, f32x4 b) { return kKind == Kind::kMax ? max_nan(a, b) : a + b; };
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (int chain = 0; chain < 4; ++chain) {
      sums[chain] = combine(sums[chain], load(x + kChannelBlock * (i + chain)));
    }
  }
  for (; i < count; ++i) sums[0] = combine(sums[0], load(x + kChannelBlock * i));
  const f32x4 all = combine(combine(sums[0], sums[1]), combine(sums[2], sums[3]));
  return kKind == Kind::kMax ? all : all / splat(static_cast<float>(count));
}

template <Kind kKind>
Status global_pool(Layout layout, int64_t planes, int64_t count, const float* x, float* y) {
  const bool blocked = layout == Layout::kNC4HW4;
  const int64_t floats = blocked ? count * kChannelBlock : count;
  if (planes == 0) return {};
  const int64_t grain = grain_for(kNsPerFloat * static_cast<double>(floats));
  return parallel_for(planes, grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* plane = x + i * floats;
      if (blocked) {
        store(y + i * kChannelBlock, reduce_blocked<kKind>(plane, count));
      } else if (kKind == Kind::kMax) {
        y[i] = reduce_max(plane, count);
      } else {
        y[i] = reduce_sum(plane, count) / static_cast<float>(count);
      }
    }
  });
}

}  // namespace

Status max_pool(const PoolShape& shape, const float* x, float* y) {
  return pool<Kind::kMax>(shape, x, y);
}

template <typename T>
Status max_pool_bytes(const PoolShape& shape, const T* x, T* y) {
  const bool vectors =
      shape.stride[2] <= 2 && line_length(shape) <= kLine && shape.pad_begin[2] <= kLine;
  return for_each_row(shape, 1, kNsPerByteTap, x, y,
                      vectors ? row_of_byte_maxima<T> : row_bytes<T>);
}
template Status max_pool_bytes(const PoolShape&, const uint8_t*, uint8_t*);
template Status max_pool_bytes(const PoolShape&, const int8_t*, int8_t*);

Status average_pool(const PoolShape& shape, const float* x, float* y) {
  return pool<Kind::kAverage>(shape, x, y);
}

Status max_pool_indices(const PoolShape& shape, bool column_major, const float* x, float* y,
                        int64_t* indices) {
  const int64_t plane = shape.out_plane();
  if (shape.planes * plane == 0) return {};
  const double taps =
      static_cast<double>(shape.kernel[0] * shape.kernel[1]) * static_cast<double>(shape.kernel[2]);
  const int64_t grain = grain_for(4 * kNsPerTap * taps);
  return parallel_for(shape.planes * plane, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / plane * shape.in_plane(), at = i % plane;
      const int64_t row = at / shape.out[2];
      const Maximum best =
          find_maximum(shape, x + first, taps_at(shape, 0, row / shape.out[1]),
                       taps_at(shape, 1, row % shape.out[1]), taps_at(shape, 2, at % shape.out[2]));
      const auto& [z, h, w] = best.position;
      const int64_t index = column_major ? (w * shape.in[1] + h) * shape.in[0] + z
                                         : (z * shape.in[1] + h) * shape.in[2] + w;
      y[i] = best.value;
      indices[i] = best.found ? first + index : -1;
    }
  });
}

Status global_max_pool(Layout layout, int64_t planes, int64_t count, const float* x, float* y) {
  return global_pool<Kind::kMax>(layout, planes, count, x, y);
}

Status global_average_pool(Layout layout, int64_t planes, int64_t count, const float* x, float* y) {
  return global_pool<Kind::kAverage>(layout, planes, count, x, y);
}

}  // namespace sardonyx::simd
