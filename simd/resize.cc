#include "simd/resize.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/parallel.h"
#include "simd/v128.h"

namespace sardonyx::simd {
namespace {

constexpr double kNsPerTap = 0.3;     // of one float in a row
constexpr double kNsPerGather = 1.0;  // of one float alone
constexpr double kNsPerByte = 0.1;

// inner > 1: a weighted sum of rows. Two taps, which all linear resizing has, take half as long in
// a loop of their own.
void sum_rows(const float* x, int64_t inner, const int32_t* indices, const float* weights,
              int64_t taps, float* y) {
  const auto row = [&](int64_t tap) { return x + indices[tap] * inner; };
  const float* a = row(0);
  const f32x4 of_a = load_splat(weights);
  int64_t i = 0;
  if (taps == 2) {
    const float* b = row(1);
    const f32x4 of_b = load_splat(weights + 1);
    for (; i + 4 <= inner; i += 4) store(y + i, madd(load(b + i), of_b, load(a + i) * of_a));
  }
  for (; i + 4 <= inner; i += 4) {
    f32x4 sum = load(a + i) * of_a;
    for (int64_t t = 1; t < taps; ++t) sum = madd(load(row(t) + i), load_splat(weights + t), sum);
    store(y + i, sum);
  }
  for (; i < inner; ++i) {
    float sum = a[i] * weights[0];
    for (int64_t t = 1; t < taps; ++t) sum += row(t)[i] * weights[t];
    y[i] = sum;
  }
}

// Rows of four floats: one pixel of a channel block.
void resample_pixels(const Resampling& axis, const float* x, float* y) {
  const int32_t* index = axis.indices;
  const float* weight = axis.weights;
  const float* end = y + 4 * axis.out;
  if (axis.taps == 2) {
    for (; y != end; y += 4, index += 2, weight += 2) {
      const f32x4 a = load(x + 4 * index[0]) * load_splat(weight);
      store(y, madd(load(x + 4 * index[1]), load_splat(weight + 1), a));
    }
  }
  for (; y != end; y += 4, index += axis.taps, weight += axis.taps) {
    f32x4 sum = load(x + 4 * index[0]) * load_splat(weight);
    for (int64_t t = 1; t < axis.taps; ++t) {
      sum = madd(load(x + 4 * index[t]), load_splat(weight + t), sum);
    }
    store(y, sum);
  }
}

void resample_line(const Resampling& axis, const float* x, float* y) {
  const int32_t* index = axis.indices;
  const float* weight = axis.weights;
  if (axis.taps == 2) {
    for (int64_t o = 0; o < axis.out; ++o, index += 2, weight += 2) {
      y[o] = x[index[0]] * weight[0] + x[index[1]] * weight[1];
    }
    return;
  }
  for (int64_t o = 0; o < axis.out; ++o, index += axis.taps, weight += axis.taps) {
    float sum = 0.0f;
    for (int64_t t = 0; t < axis.taps; ++t) sum += x[index[t]] * weight[t];
    y[o] = sum;
  }
}

template <typename T>
void gather_line(const Resampling& axis, const void* x, void* y) {
  const auto* from = static_cast<const T*>(x);
  auto* to = static_cast<T*>(y);
  for (int64_t o = 0; o < axis.out; ++o) to[o] = from[axis.indices[o]];
}

void gather_bytes(const Resampling& axis, size_t bytes, const uint8_t* x, uint8_t* y) {
  switch (bytes) {
    case 1:
      return gather_line<uint8_t>(axis, x, y);
    case 2:
      return gather_line<uint16_t>(axis, x, y);
    case 4:
      return gather_line<uint32_t>(axis, x, y);
    case 8:
      return gather_line<uint64_t>(axis, x, y);
    default:
      for (int64_t o = 0; o < axis.out; ++o) {
        std::memcpy(y + static_cast<size_t>(o) * bytes,
                    x + static_cast<size_t>(axis.indices[o]) * bytes, bytes);
      }
  }
}

void gather_pixels(const Resampling& axis, const uint8_t* x, uint8_t* y) {
  const auto* from = reinterpret_cast<const float*>(x);
  auto* to = reinterpret_cast<float*>(y);
  for (int64_t o = 0; o < axis.out; ++o) store(to + 4 * o, load(from + 4 * axis.indices[o]));
}

}  // namespace

Status resample(const Resampling& axis, int64_t outer, int64_t inner, const float* x, float* y) {
  if (!axis.weights) {
    SX_TRY(resample_nearest(axis, outer, inner, sizeof(float), x, y));
  }
  const double ns =
      (inner == 1 ? kNsPerGather : kNsPerTap) * static_cast<double>(axis.taps * inner * axis.out);
  if (outer * inner * axis.out == 0) return {};
  // Rows of the output, or whole lines when a row is one element or pixel.
  const bool by_line = inner == 1 || inner == 4;
  const int64_t parts = by_line ? 1 : axis.out;
  const int64_t grain = grain_for(ns / static_cast<double>(parts));
  return parallel_for(outer * parts, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* from = x + i / parts * axis.in * inner;
      if (by_line) {
        float* line = y + i * axis.out * inner;
        if (axis.weights) (inner == 1 ? resample_line : resample_pixels)(axis, from, line);
        for (int64_t o = 0; axis.outside && o < axis.out; ++o) {
          if (axis.outside[o]) std::fill_n(line + o * inner, inner, axis.fill);
        }
        continue;
      }
      const int64_t o = i % parts;
      float* row = y + i * inner;
      if (axis.outside && axis.outside[o]) {
        std::fill_n(row, inner, axis.fill);
      } else if (axis.weights) {
        sum_rows(from, inner, axis.indices + o * axis.taps, axis.weights + o * axis.taps, axis.taps,
                 row);
      }
    }
  });
}

Status resample_nearest(const Resampling& axis, int64_t outer, int64_t inner, size_t element_bytes,
                        const void* x, void* y) {
  const auto* from = static_cast<const uint8_t*>(x);
  auto* to = static_cast<uint8_t*>(y);
  const size_t row_bytes = static_cast<size_t>(inner) * element_bytes;
  const size_t in_bytes = static_cast<size_t>(axis.in) * row_bytes;
  if (outer * inner * axis.out == 0) return {};
  if (inner == 1 || row_bytes == 4 * sizeof(float)) {
    const int64_t grain = grain_for(kNsPerGather * static_cast<double>(axis.out));
    const size_t out_bytes = static_cast<size_t>(axis.out) * row_bytes;
    return parallel_for(outer, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const uint8_t* line = from + static_cast<size_t>(i) * in_bytes;
        uint8_t* out = to + static_cast<size_t>(i) * out_bytes;
        if (row_bytes == 4 * sizeof(float)) {
          gather_pixels(axis, line, out);
        } else {
          gather_bytes(axis, element_bytes, line, out);
        }
      }
    });
  }
  const int64_t grain = grain_for(kNsPerByte * static_cast<double>(row_bytes));
  return parallel_for(outer * axis.out, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto index = static_cast<size_t>(axis.indices[i % axis.out]);
      std::memcpy(to + static_cast<size_t>(i) * row_bytes,
                  from + static_cast<size_t>(i / axis.out) * in_bytes + index * row_bytes,
                  row_bytes);
    }
  });
}

}  // namespace sardonyx::simd
