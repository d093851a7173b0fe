// A naive convolution of two axes, in double precision, and operands for kernels to be compared
// with it.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "simd/activation.h"
#include "simd/conv.h"
#include "simd/conv_indirect.h"
#include "simd/layout.h"
#include "tests/cpp/simd/random_floats.h"

namespace sardonyx::simd::conv_reference {

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Case {
  int64_t channels, filters, groups, height, width, kernel, stride, dilation, pad;
};

inline ConvShape shape_of(const Case& c, Layout in = Layout::kRowMajor,
                          Layout out = Layout::kRowMajor) {
  ConvShape shape;
  shape.groups = c.groups;
  shape.in_channels = c.channels;
  shape.out_channels = c.filters;
  shape.in_layout = in;
  shape.out_layout = out;
  shape.batch = 2;
  shape.in[1] = c.height;
  shape.in[2] = c.width;
  for (int axis = 1; axis < 3; ++axis) {
    shape.kernel[axis] = c.kernel;
    shape.stride[axis] = c.stride;
    shape.dilation[axis] = c.dilation;
    shape.pad[axis] = c.pad;
    shape.out[axis] = (shape.in[axis] + 2 * c.pad - (c.kernel - 1) * c.dilation - 1) / c.stride + 1;
  }
  return shape;
}

// Row-major, in double precision; with bias, add and ReLU.
inline std::vector<float> reference(const ConvShape& s, const std::vector<float>& x,
                                    const std::vector<float>& w, const std::vector<float>& bias,
                                    const std::vector<float>& add) {
  std::vector<float> y;
  for (int64_t i = 0; i < s.batch * s.out_channels * s.out_plane(); ++i) {
    const int64_t column = i % s.out[2], row = i / s.out[2] % s.out[1];
    const int64_t filter = i / s.out_plane() % s.out_channels;
    const int64_t image = i / s.out_plane() / s.out_channels;
    double sum = bias[static_cast<size_t>(filter)] + add[static_cast<size_t>(i)];
    for (int64_t k = 0; k < s.depth(); ++k) {
      const int64_t tap = k % s.taps();
      const int64_t channel = filter / s.group_out() * s.group_in() + k / s.taps();
      const int64_t h = row * s.stride[1] - s.pad[1] + tap / s.kernel[2] * s.dilation[1];
      const int64_t v = column * s.stride[2] - s.pad[2] + tap % s.kernel[2] * s.dilation[2];
      if (h < 0 || h >= s.in[1] || v < 0 || v >= s.in[2]) continue;
      const int64_t at = ((image * s.in_channels + channel) * s.in[1] + h) * s.in[2] + v;
      sum += static_cast<double>(x[static_cast<size_t>(at)]) *
             static_cast<double>(w[static_cast<size_t>(filter * s.depth() + k)]);
    }
    y.push_back(static_cast<float>(std::max(sum, 0.0)));
  }
  return y;
}

// Channel blocks with NaN in the padding lanes.
inline std::vector<float> stored(const std::vector<float>& from, int64_t channels, int64_t plane,
                                 Layout layout) {
  if (layout == Layout::kRowMajor) return from;
  const int64_t images = static_cast<int64_t>(from.size()) / std::max<int64_t>(channels * plane, 1);
  const int64_t blocks = channel_blocks(channels);
  std::vector<float> to(static_cast<size_t>(images * blocks * plane * 4), kNan);
  for (int64_t i = 0; i < static_cast<int64_t>(from.size()); ++i) {
    const int64_t c = i / plane % channels, n = i / plane / channels;
    to[static_cast<size_t>(((n * blocks + c / 4) * plane + i % plane) * 4 + c % 4)] =
        from[static_cast<size_t>(i)];
  }
  return to;
}

inline void check_close(const std::vector<float>& y, const std::vector<float>& expected,
                        int64_t channels, int64_t plane, Layout layout) {
  const int64_t blocks = channel_blocks(channels);
  for (int64_t i = 0; i < static_cast<int64_t>(expected.size()); ++i) {
    const int64_t c = i / plane % channels, n = i / plane / channels;
    const int64_t at =
        layout == Layout::kRowMajor ? i : ((n * blocks + c / 4) * plane + i % plane) * 4 + c % 4;
    const float want = expected[static_cast<size_t>(i)];
    INFO("element " << i);
    REQUIRE(std::fabs(y[static_cast<size_t>(at)] - want) <= 1e-4f * (1 + std::fabs(want)));
  }
}

struct Operands {
  std::vector<float> x, w, bias, add, expected;
  explicit Operands(const ConvShape& s)
      : x(test::random_floats(s.batch * s.in_channels * s.in_plane(), 1)),
        w(test::random_floats(s.out_channels * s.depth(), 2)),
        bias(test::random_floats(s.out_channels, 3)),
        add(test::random_floats(s.batch * s.out_channels * s.out_plane(), 4)),
        expected(reference(s, x, w, bias, add)) {
    bias.resize(static_cast<size_t>(conv_bias_size(s)), 0.0f);
  }
};

inline constexpr Activation kRelu{ActivationKind::kRelu};

}  // namespace sardonyx::simd::conv_reference
