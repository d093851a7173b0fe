#include "simd/integer_depthwise.h"

#include <algorithm>

#include "simd/byte_pairs.h"
#include "simd/parallel.h"
#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

constexpr int64_t kLanes = 8;
constexpr int64_t kSegment = 256;  // outputs whose sums are kept at once
constexpr double kNsPerTap = 0.05;

// What a row of outputs is made of.
struct Taps {
  const int32_t* offsets;
  const int16_t* weights;
  int64_t pairs;
  uint8_t flip;
};

// Sums of `count` outputs whose windows start at x, in whole vectors.
template <int kStride>
void sum_outputs(const Taps& taps, const uint8_t* x, int64_t count, int32_t* sums) {
  const v128_t flip = wasm_i8x16_splat(static_cast<int8_t>(taps.flip));
  const int16_t* end = taps.weights + 2 * taps.pairs;
  for (int64_t i = 0; i < count; i += kLanes) {
    i32x4 low = splat(0), high = splat(0);
    const int32_t* offset = taps.offsets;
    SX_ROLLED
    for (const int16_t* weight = taps.weights; weight != end; weight += 2) {
      const v128_t bytes =
          wasm_v128_xor(zip_bytes<kStride>(x + offset[0], x + offset[1], kStride, kLanes), flip);
      const i16x8 factor = load_splat_pair(weight);
      low = low + dot(widen_low_bytes(bytes), factor);
      high = high + dot(widen_high_bytes(bytes), factor);
      offset += 2;
    }
    store(sums, low);
    store(sums + 4, high);
    sums += kLanes;
    x += kLanes * kStride;
  }
}

// --- 3x3 -----------------------------------------------------------------------------------------
// Two rows of the input are a line of pairs. The two lines from a window's first row on hold all of
// it and, with stride 1, the window below it too.

constexpr int64_t kSide = 3;
constexpr int64_t kKeptSums = 2 * kSegment;  // of rows that are put together
// Pairs of a plane of a line. With stride 2 even and odd columns are planes of their own.
constexpr int64_t kPlane = kSegment + 2 * kLanes;

struct Line {
  int16_t planes[2][2 * kPlane];
};

// Pairs of a line that one tap of all windows reads, in whole vectors: the first in its plane is
// that of column x.
template <int kStride>
void widen_plane(const uint8_t* a, const uint8_t* b, int64_t count, v128_t flip, int16_t* to) {
  SX_ROLLED
  for (int64_t i = 0; i < count; i += kLanes) {
    const v128_t bytes = wasm_v128_xor(zip_bytes<kStride>(a, b, kStride, kLanes), flip);
    store(to, widen_low_bytes(bytes));
    store(to + 8, widen_high_bytes(bytes));
    a += kLanes * kStride;
    b += kLanes * kStride;
    to += 2 * kLanes;
  }
}

void widen_line(const uint8_t* a, const uint8_t* b, int64_t stride, int64_t count, v128_t flip,
                Line& line) {
  if (stride == 1) return widen_plane<1>(a, b, count + 2, flip, line.planes[0]);
  widen_plane<2>(a, b, count + 1, flip, line.planes[0]);
  widen_plane<2>(a + 1, b + 1, count, flip, line.planes[1]);
}

// What pairs are multiplied by: those of three columns of the upper line, then of the lower one.
struct WindowTaps {
  i16x8 pairs[2 * kSide];

  // Three weights of each of four rows.
  WindowTaps(const int16_t* a, const int16_t* b, const int16_t* c, const int16_t* d) {
    for (int64_t i = 0; i < kSide; ++i) {
      const int16_t upper[2] = {a[i], b[i]}, lower[2] = {c[i], d[i]};
      pairs[i] = load_splat_pair(upper);
      pairs[kSide + i] = load_splat_pair(lower);
    }
  }
};

// Sums of `count` windows, in whole vectors.
template <int kStride>
void sum_lines(const Line& upper, const Line& lower, const WindowTaps& taps, int64_t count,
               int32_t* sums) {
  constexpr int64_t kAt[kSide] = {0, kStride == 1 ? 2 : 2 * kPlane, kStride == 1 ? 4 : 2};
  const int16_t *a = upper.planes[0], *b = lower.planes[0];
  const i16x8 w0 = taps.pairs[0], w1 = taps.pairs[1], w2 = taps.pairs[2];
  const i16x8 w3 = taps.pairs[3], w4 = taps.pairs[4], w5 = taps.pairs[5];
  const auto four = [&](int64_t at) {
    return ((dot(load(a + at), w0) + dot(load(b + at), w3)) +
            (dot(load(a + kAt[1] + at), w1) + dot(load(b + kAt[1] + at), w4))) +
           (dot(load(a + kAt[2] + at), w2) + dot(load(b + kAt[2] + at), w5));
  };
  SX_ROLLED
  for (int64_t i = 0; i < count; i += kLanes) {
    store(sums, four(0));
    store(sums + 4, four(8));
    sums += kLanes;
    a += 2 * kLanes;
    b += 2 * kLanes;
  }
}

bool is_3x3(const ConvSpec& spec) {
  const bool strides = spec.stride[1] == spec.stride[2] && spec.stride[1] <= 2;
  return strides && spec.kernel[1] == kSide && spec.kernel[2] == kSide && spec.dilation[1] == 1 &&
         spec.dilation[2] == 1;
}

// A plane of an image, of which outputs are computed.
struct Plane {
  const uint8_t* x;
  int64_t rows, columns;
  uint8_t flip;
};

// Outputs [column, column + count) of rows [begin, end): put(row, rows, sums) gets those of at most
// `most_rows` rows behind each other.
template <typename Put>
void convolve_3x3(const Plane& plane, int64_t stride, const int16_t* w, int64_t begin, int64_t end,
                  int64_t column, int64_t count, int64_t most_rows, const Put& put) {
  constexpr int16_t kNone[kSide] = {};
  const WindowTaps taps[2] = {{w, w + 3, w + 6, kNone}, {kNone, w, w + 3, w + 6}};
  const v128_t flip = wasm_i8x16_splat(static_cast<int8_t>(plane.flip));
  const auto sum = stride == 1 ? sum_lines<1> : sum_lines<2>;
  Line lines[2];
  const uint8_t* x = plane.x + begin * stride * plane.columns + column * stride;
  const uint8_t* last_row = plane.x + (plane.rows - 1) * plane.columns;
  int32_t sums[kKeptSums + 2 * kLanes];
  int64_t kept = 0, line = 0;
  for (int64_t row = begin; row < end;) {
    for (; line < (row - begin) * stride / 2 + 2; ++line) {
      const uint8_t* below = x < last_row ? x + plane.columns : x;  // times 0
      widen_line(x, below, stride, count, flip, lines[line % 2]);
      x += 2 * plane.columns;
    }
    const Line &upper = lines[line % 2], &lower = lines[(line - 1) % 2];
    const int64_t windows = std::min(2 / stride, end - row);
    for (int64_t i = 0; i < windows; ++i) {
      sum(upper, lower, taps[i], count, sums + kept * count);
      ++row;
      if (++kept < most_rows && row < end) continue;
      put(row - kept, kept, sums);
      kept = 0;
    }
  }
}

}  // namespace

bool is_integer_depthwise(const ConvSpec& spec) {
  return spec.groups > 1 && spec.group_in() == 1 && spec.group_out() == 1 && spec.stride[2] <= 2;
}

Status integer_depthwise(const ConvShape& shape, const IntegerImage& image, const int32_t* offsets,
                         const IntegerOperand& operand, const IntegerFilters& filters,
                         const IntegerOutput& output, int64_t out) {
  const int64_t rows = shape.out[1], width = shape.out[2], stride = shape.stride[2];
  const int64_t pairs = integer_row(shape.taps()) / 2;
  const auto sum = stride == 1 ? sum_outputs<1> : sum_outputs<2>;
  const double ns = kNsPerTap * static_cast<double>(shape.taps() * (width + kLanes));
  const bool lines = is_3x3(shape);
  return parallel_for(shape.groups * rows, grain_for(ns), [&](int64_t begin, int64_t end) {
    int32_t sums[kSegment];
    for (int64_t i = begin; i < end;) {
      const int64_t channel = i / rows, row = i % rows;
      const int64_t last = lines ? std::min(rows, row + end - i) : row + 1;
      const int16_t* weights = filters.weights + channel * 2 * pairs;
      const uint8_t* x = operand.image + channel * image.plane();
      const int32_t start = operand.start(output.first[channel], filters, channel);
      for (int64_t first = 0; first < width; first += kSegment) {
        const int64_t count = std::min(kSegment, width - first);
        const auto put = [&](int64_t at, int64_t many, const int32_t* of_rows) {
          put_integer_row(output, channel, start, of_rows, many * count,
                          out + (channel * rows + at) * width + first);
        };
        if (lines) {
          const Plane plane{x, image.rows(), image.columns(), operand.flip};
          const int64_t most_rows = count == width ? kKeptSums / count : 1;
          convolve_3x3(plane, stride, weights, row, last, first, count, most_rows, put);
        } else {
          const Taps taps{offsets, weights, pairs, operand.flip};
          sum(taps, x + row * shape.stride[1] * image.columns() + first * stride, count, sums);
          put(row, 1, sums);
        }
      }
      i += last - row;
    }
  });
}

}  // namespace sardonyx::simd
