// The convolution kernels against a naive one, in the tile shapes of the module they are built for.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "simd/conv_direct.h"
#include "simd/conv_indirect.h"
#include "simd/depthwise.h"
#include "simd/layout.h"
#include "simd/parallel.h"
#include "simd/winograd_line.h"
#include "simd/winograd_rows.h"
#include "tests/cpp/simd/conv_reference.h"
#include "tests/cpp/simd/random_floats.h"

namespace sardonyx::simd {
namespace {

using namespace conv_reference;
using test::random_floats;

std::vector<float> run_indirect(const ConvShape& s, const Operands& o,
                                const Activation& activation = kRelu) {
  std::vector<float> packed(static_cast<size_t>(*indirect_packed_size(s)), kNan);
  indirect_pack(s, o.w.data(), packed.data());
  const auto x = stored(o.x, s.in_channels, s.in_plane(), s.in_layout);
  const auto add = stored(o.add, s.out_channels, s.out_plane(), s.out_layout);
  std::vector<float> y(add.size(), kNan);
  auto conv = IndirectConv::make(s);
  REQUIRE(conv.ok());
  std::vector<float> scratch(static_cast<size_t>(conv->scratch_floats()), kNan);
  REQUIRE(conv->run(x.data(), packed.data(), o.bias.data(), add.data(), activation, y.data(),
                    scratch.data())
              .ok());
  return y;
}

std::vector<float> run_depthwise(const ConvShape& s, const Operands& o) {
  std::vector<float> packed(static_cast<size_t>(depthwise_packed_size(s)), kNan);
  depthwise_pack(s, o.w.data(), packed.data());
  const auto x = stored(o.x, s.in_channels, s.in_plane(), Layout::kNC4HW4);
  const auto add = stored(o.add, s.out_channels, s.out_plane(), Layout::kNC4HW4);
  std::vector<float> y(add.size(), kNan);
  const DepthwiseConv conv(s);
  REQUIRE(conv.run(x.data(), packed.data(), o.bias.data(), add.data(), kRelu, y.data()).ok());
  return y;
}

std::vector<float> run_direct(const ConvShape& s, const Operands& o) {
  std::vector<float> packed(static_cast<size_t>(*direct_packed_size(s)), kNan);
  direct_pack(s, o.w.data(), packed.data());
  std::vector<float> y(o.expected.size(), kNan);
  auto conv = DirectConv::make(s);
  REQUIRE(conv.ok());
  std::vector<float> scratch(static_cast<size_t>(conv->scratch_floats()), kNan);
  REQUIRE(conv->run(o.x.data(), packed.data(), o.bias.data(), o.add.data(), kRelu, y.data(),
                    scratch.data())
              .ok());
  return y;
}

// Two axes as three, with one plane.
ConvShape rows_shape(const Case& c) {
  ConvShape s = shape_of(c);
  s.spatial_axes = 3;
  s.winograd_tile = kRowsTile;
  return s;
}

std::vector<float> run_winograd_rows(const ConvShape& s, const Operands& o,
                                     const Activation& activation = kRelu) {
  REQUIRE(winograd_rows_takes(s));
  std::vector<float> packed(static_cast<size_t>(*winograd_rows_packed_size(s)), kNan);
  winograd_rows_pack(s, o.w.data(), packed.data());
  std::vector<float> y(o.expected.size(), kNan);
  auto conv = WinogradRows::make(s);
  REQUIRE(conv.ok());
  std::vector<float> scratch(static_cast<size_t>(conv->scratch_floats()), kNan);
  REQUIRE(conv->run(o.x.data(), packed.data(), o.bias.data(), o.add.data(), activation, y.data(),
                    scratch.data())
              .ok());
  return y;
}

std::vector<float> run_winograd_line(const ConvShape& s, const Operands& o,
                                     const Activation& activation = kRelu) {
  REQUIRE(winograd_line_takes(s));
  std::vector<float> packed(static_cast<size_t>(*winograd_line_packed_size(s)), kNan);
  winograd_line_pack(s, o.w.data(), packed.data());
  const auto x = stored(o.x, s.in_channels, s.in_plane(), Layout::kNC4HW4);
  const auto add = stored(o.add, s.out_channels, s.out_plane(), Layout::kNC4HW4);
  std::vector<float> y(add.size(), kNan);
  auto conv = WinogradLine::make(s);
  REQUIRE(conv.ok());
  std::vector<float> scratch(static_cast<size_t>(conv->scratch_floats()), kNan);
  REQUIRE(conv->run(x.data(), packed.data(), o.bias.data(), add.data(), activation, y.data(),
                    scratch.data())
              .ok());
  return y;
}

TEST_CASE("Indirect convolution in every layout", "[conv]") {
  const Case cases[] = {
      {1, 1, 1, 3, 3, 1, 1, 1, 0},   {3, 5, 1, 7, 9, 3, 2, 1, 1},    {4, 8, 1, 5, 6, 3, 1, 1, 1},
      {5, 9, 1, 6, 7, 3, 1, 2, 2},   {7, 16, 1, 1, 1, 1, 1, 1, 0},   {8, 33, 1, 1, 2, 1, 1, 1, 0},
      {9, 12, 1, 11, 5, 5, 1, 1, 2}, {6, 70, 1, 13, 13, 1, 1, 1, 0}, {8, 16, 2, 5, 5, 3, 1, 1, 0},
      {16, 8, 1, 9, 31, 3, 1, 1, 0}, {2, 4, 1, 8, 8, 7, 3, 1, 3},    {12, 20, 1, 7, 7, 1, 2, 1, 0},
      {6, 9, 1, 8, 8, 1, 2, 1, 0},   {16, 8, 2, 8, 10, 1, 3, 1, 0},
  };
  for (const Case& c : cases) {
    for (Layout in : {Layout::kRowMajor, Layout::kNC4HW4}) {
      for (Layout out : {Layout::kRowMajor, Layout::kNC4HW4}) {
        const ConvShape s = shape_of(c, in, out);
        INFO("channels " << c.channels << " filters " << c.filters << " kernel " << c.kernel
                         << " layouts " << static_cast<int>(in) << static_cast<int>(out));
        const Operands o(s);
        check_close(run_indirect(s, o), o.expected, s.out_channels, s.out_plane(), out);
      }
    }
  }
}

TEST_CASE("Convolution of one tap, of every plane and around its limits of channels", "[conv]") {
  for (int64_t plane : {1, 3, 4, 5, 6, 7, 11, 47, 48, 51, 52, 53, 54, 55, 101, 256}) {
    for (int64_t channels : {1, 6, 33, 64, 65, 128, 129}) {
      for (int64_t filters : {15, 16, 20, 21}) {
        const ConvShape s = shape_of({channels, filters, 1, 1, plane, 1, 1, 1, 0}, Layout::kNC4HW4,
                                     Layout::kNC4HW4);
        INFO(channels << " channels, " << filters << " filters, " << plane << " pixels");
        const Operands o(s);
        check_close(run_indirect(s, o), o.expected, filters, plane, Layout::kNC4HW4);
      }
    }
  }
}

TEST_CASE("Convolution of one tap applies activations that are no clamps", "[conv]") {
  const ConvShape s = shape_of({9, 20, 1, 5, 11, 1, 1, 1, 0}, Layout::kNC4HW4, Layout::kNC4HW4);
  const Operands o(s);
  auto y = run_indirect(s, o, {ActivationKind::kLeakyRelu, 0.25f});
  for (float& v : y) v = v < 0 ? 4 * v : v;
  CHECK(y == run_indirect(s, o, {}));
}

TEST_CASE("Depthwise convolution of every width", "[conv]") {
  for (int64_t kernel : {1, 3, 5, 7}) {
    for (int64_t stride : {1, 2, 3}) {
      for (int64_t dilation : {1, 2}) {
        for (int64_t width : {1, 2, 4, 5, 7, 8, 13, 16, 24}) {
          for (int64_t channels : {3, 8}) {
            const Case c{channels, channels, channels,
                         6,        width,    kernel,
                         stride,   dilation, kernel / 2 * dilation};
            const ConvShape s = shape_of(c, Layout::kNC4HW4, Layout::kNC4HW4);
            INFO("kernel " << kernel << " stride " << stride << " dilation " << dilation
                           << " width " << width);
            const Operands o(s);
            check_close(run_depthwise(s, o), o.expected, channels, s.out_plane(), Layout::kNC4HW4);
          }
        }
      }
    }
  }
}

TEST_CASE("Depthwise convolution with windows partly and wholly in the padding", "[conv]") {
  for (int64_t kernel : {3, 5}) {
    for (int64_t stride : {1, 2}) {
      for (int64_t before = 0; before <= kernel; ++before) {
        for (int64_t after = 0; after <= kernel; ++after) {
          for (int64_t width : {kernel, 9 + kernel}) {
            ConvShape s = shape_of({4, 4, 4, width, width, kernel, stride, 1, 0}, Layout::kNC4HW4,
                                   Layout::kNC4HW4);
            for (int axis = 1; axis < 3; ++axis) {
              s.pad[axis] = before;
              s.out[axis] = (width + before + after - kernel) / stride + 1;
            }
            INFO("kernel " << kernel << " stride " << stride << " padding " << before << " and "
                           << after << " width " << width);
            const Operands o(s);
            check_close(run_depthwise(s, o), o.expected, 4, s.out_plane(), Layout::kNC4HW4);
          }
        }
      }
    }
  }
}

TEST_CASE("Depthwise convolution keeps what is not finite within its windows", "[conv]") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (int64_t kernel : {3, 5, 7}) {
    for (int64_t stride : {1, 2}) {
      const ConvShape s = shape_of({1, 1, 1, 13, 17, kernel, stride, 1, kernel / 2},
                                   Layout::kNC4HW4, Layout::kNC4HW4);
      Operands o(s);
      o.x.front() = kNan;
      o.x[8 * 17 + 9] = -infinity;
      o.x[10 * 17] = 1e-40f;
      o.x[13 * 17 - 1] = infinity;
      o.w[1] = infinity;
      o.expected = reference(s, o.x, o.w, o.bias, o.add);
      const std::vector<float> y = run_depthwise(s, o);
      for (size_t i = 0; i < o.expected.size(); ++i) {
        INFO("kernel " << kernel << " stride " << stride << " element " << i);
        const float got = y[4 * i], want = o.expected[i];
        if (std::isfinite(want)) {
          REQUIRE(std::fabs(got - want) <= 1e-4f * (1 + std::fabs(want)));
        } else {
          REQUIRE((got == want || (std::isnan(got) && std::isnan(want))));
        }
      }
    }
  }
}

TEST_CASE("Direct convolution of every tile, stride and dilation", "[conv]") {
  for (int64_t filters : {1, 2, 3, 4, 5, 6, 7, 13}) {
    for (int64_t width : {1, 5, 12, 33, 100}) {
      for (int64_t stride : {1, 2, 3}) {
        for (int64_t dilation : {1, 2, 9}) {
          const Case c{3, filters, 1, 6, width, 3, stride, dilation, dilation};
          const ConvShape s = shape_of(c, Layout::kRowMajor, Layout::kRowMajor);
          INFO("filters " << filters << " width " << width << " stride " << stride << " dilation "
                          << dilation);
          const Operands o(s);
          check_close(run_direct(s, o), o.expected, filters, s.out_plane(), Layout::kRowMajor);
        }
      }
    }
  }
}

TEST_CASE("Direct convolution in groups, without padding, and 1x1", "[conv]") {
  for (const Case& c : {Case{6, 9, 3, 5, 7, 3, 1, 1, 1}, Case{4, 4, 4, 6, 9, 3, 2, 2, 2},
                        Case{8, 16, 4, 9, 40, 5, 1, 1, 0}, Case{3, 2, 1, 4, 4, 1, 1, 1, 0},
                        Case{2, 3, 1, 4, 6, 2, 4, 1, 3}}) {
    const ConvShape s = shape_of(c, Layout::kRowMajor, Layout::kRowMajor);
    const Operands o(s);
    check_close(run_direct(s, o), o.expected, s.out_channels, s.out_plane(), Layout::kRowMajor);
  }
}

TEST_CASE("Winograd along a line, of every length, width and axis", "[conv]") {
  for (int64_t kernel : {4, 5, 6, 8, 9, 13}) {
    for (int64_t width : {1, 4, 7, 18, 45}) {
      for (int along : {1, 2}) {
        for (int64_t filters : {8, 11}) {
          ConvShape s = shape_of({8, filters, 1, width, width, kernel, 1, 1, kernel / 2},
                                 Layout::kNC4HW4, Layout::kNC4HW4);
          const int across = 3 - along;
          s.kernel[across] = 3;
          s.stride[across] = s.dilation[across] = 2;
          s.in[across] = 6;
          s.pad[across] = 2;
          s.out[across] = 3;
          INFO("kernel " << kernel << " width " << width << " axis " << along);
          const Operands o(s);
          check_close(run_winograd_line(s, o), o.expected, filters, s.out_plane(), Layout::kNC4HW4);
        }
      }
    }
  }
}

TEST_CASE("Winograd along a line of three taps", "[conv]") {
  for (int64_t width : {1, 5, 6, 7, 23, 24, 64, 65}) {
    for (int along : {1, 2}) {
      for (int64_t pad : {0, 1, 2}) {
        if (width + 2 * pad < 3) continue;
        ConvShape s =
            shape_of({8, 11, 1, width, width, 3, 1, 1, pad}, Layout::kNC4HW4, Layout::kNC4HW4);
        const int across = 3 - along;
        s.kernel[across] = 1;
        s.stride[across] = 2;
        s.in[across] = 5;
        s.pad[across] = 0;
        s.out[across] = 3;
        INFO("width " << width << " axis " << along << " padding " << pad);
        const Operands o(s);
        check_close(run_winograd_line(s, o), o.expected, 11, s.out_plane(), Layout::kNC4HW4);
      }
    }
  }
}

TEST_CASE("Winograd along a line is as exact as a sum", "[conv]") {
  const auto kernel = GENERATE(int64_t{3}, int64_t{5});
  for (int64_t channels : {16, 64, 256}) {
    ConvShape s = shape_of({channels, 8, 1, 40, 1, kernel, 1, 1, kernel / 2}, Layout::kNC4HW4,
                           Layout::kNC4HW4);
    s.kernel[2] = 1;
    s.pad[2] = 0;
    s.out[2] = 1;
    s.batch = 1;
    const Operands o(s);
    const auto y = run_winograd_line(s, o);
    double error = 0, largest = 0;
    for (int64_t i = 0; i < static_cast<int64_t>(o.expected.size()); ++i) {
      const int64_t c = i / s.out_plane(), at = (c / 4 * s.out_plane() + i % s.out_plane()) * 4;
      const auto want = static_cast<double>(o.expected[static_cast<size_t>(i)]);
      error = std::max(error,
                       std::fabs(static_cast<double>(y[static_cast<size_t>(at + c % 4)]) - want));
      largest = std::max(largest, want);
    }
    INFO(kernel << " taps, " << channels << " channels: largest error " << error << " of "
                << largest);
    CHECK(error <= 4e-6 * largest);
  }
}

TEST_CASE("Winograd along a line keeps what is not finite within its tiles", "[conv]") {
  const ConvShape s = shape_of({4, 8, 1, 9, 60, 5, 1, 1, 2}, Layout::kNC4HW4, Layout::kNC4HW4);
  for (float special : {kNan, std::numeric_limits<float>::infinity(), -0.0f, 1e-42f}) {
    Operands o(s);
    const size_t at = 4 * 60 + 30;  // row 4, column 30 of channel 0
    o.x[at] = special;
    const auto y = run_winograd_line(s, o, Activation());
    o.x[at] = 0.0f;
    const auto without = run_winograd_line(s, o, Activation());
    for (int64_t i = 0; i < static_cast<int64_t>(y.size()); ++i) {
      const int64_t pixel = i / 4 % s.out_plane(), image = i / 4 / s.out_plane() / 2;
      const int64_t row = pixel / 60, column = pixel % 60;
      const auto from = static_cast<size_t>(i);
      if (image == 0 && row >= 2 && row <= 6 && column >= 24 && column < 36) {
        if (std::isnan(special) && row == 4 && column == 30) CHECK(std::isnan(y[from]));
      } else {
        REQUIRE(y[from] == without[from]);
      }
    }
  }
}

TEST_CASE("Winograd along rows, of every tile, width and dilation", "[conv]") {
  for (int64_t filters : {4, 5, 8, 10}) {
    for (int64_t width : {1, 5, 16, 17, 33, 48, 100}) {
      for (int64_t dilation : {1, 2, 4}) {
        for (int64_t height : {1, 6, 7}) {
          const Case c{3, filters, 1, height, width, 3, 1, dilation, dilation};
          const ConvShape s = rows_shape(c);
          INFO("filters " << filters << " width " << width << " dilation " << dilation << " height "
                          << height);
          const Operands o(s);
          check_close(run_winograd_rows(s, o), o.expected, filters, s.out_plane(),
                      Layout::kRowMajor);
        }
      }
    }
  }
  for (int64_t pad : {0, 3, 9}) {
    const ConvShape s = rows_shape({5, 5, 1, 9, 21, 3, 1, 1, pad});
    INFO("padding " << pad);
    const Operands o(s);
    check_close(run_winograd_rows(s, o), o.expected, 5, s.out_plane(), Layout::kRowMajor);
  }
}

TEST_CASE("Winograd along rows applies activations that are no clamps", "[conv]") {
  const ConvShape s = rows_shape({3, 5, 1, 7, 21, 3, 1, 2, 2});
  const Operands o(s);
  auto y = run_winograd_rows(s, o, {ActivationKind::kLeakyRelu, 0.25f});
  for (float& v : y) v = v < 0 ? 4 * v : v;
  CHECK(y == run_winograd_rows(s, o, {}));
}

TEST_CASE("Winograd along rows is about as exact as a sum", "[conv]") {
  for (int64_t channels : {5, 64}) {
    const ConvShape s = rows_shape({channels, 5, 1, 20, 48, 3, 1, 1, 1});
    const Operands o(s);
    const auto y = run_winograd_rows(s, o);
    float error = 0, largest = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      error = std::max(error, std::fabs(y[i] - o.expected[i]));
      largest = std::max(largest, o.expected[i]);
    }
    INFO(channels << " channels: largest error " << error << " of " << largest);
    CHECK(error <= 3e-6f * largest);
  }
}

TEST_CASE("Winograd along rows keeps what is not finite within its tiles", "[conv]") {
  const ConvShape s = rows_shape({3, 4, 1, 9, 60, 3, 1, 1, 1});
  for (float special : {kNan, std::numeric_limits<float>::infinity(), -0.0f, 1e-42f}) {
    Operands o(s);
    const size_t at = 4 * 60 + 30;  // row 4, column 30 of channel 0
    o.x[at] = special;
    const auto y = run_winograd_rows(s, o, {});
    o.x[at] = 0.0f;
    const auto without = run_winograd_rows(s, o, {});
    for (int64_t i = 0; i < static_cast<int64_t>(y.size()); ++i) {
      const int64_t row = i / 60 % 9, column = i % 60, image = i / s.out_plane() / 4;
      const auto from = static_cast<size_t>(i);
      if (image == 0 && row >= 3 && row <= 5 && column >= 28 && column < 32) {
        if (std::isnan(special) && row == 4 && column == 30) CHECK(std::isnan(y[from]));
      } else {
        REQUIRE(y[from] == without[from]);
      }
    }
  }
}

TEST_CASE("Convolution gives the same bits with any number of threads", "[conv]") {
  const Case wide{32, 48, 1, 40, 41, 3, 1, 1, 1}, deep{40, 40, 40, 64, 60, 3, 1, 1, 1};
  const ConvShape a = shape_of(wide, Layout::kNC4HW4, Layout::kNC4HW4);
  const ConvShape b = shape_of(deep, Layout::kNC4HW4, Layout::kNC4HW4);
  const ConvShape c =
      shape_of({9, 5, 1, 50, 130, 3, 1, 2, 2}, Layout::kRowMajor, Layout::kRowMajor);
  const ConvShape d = shape_of({8, 12, 1, 90, 70, 5, 1, 1, 2}, Layout::kNC4HW4, Layout::kNC4HW4);
  const ConvShape e = rows_shape({9, 5, 1, 51, 130, 3, 1, 2, 2});
  const ConvShape f = shape_of({30, 200, 1, 33, 35, 1, 1, 1, 0}, Layout::kNC4HW4, Layout::kNC4HW4);
  const Operands oa(a), ob(b), oc(c), od(d), oe(e), of(f);
  set_threads(1);
  const auto yd = run_winograd_line(d, od), ye = run_winograd_rows(e, oe);
  const auto yf = run_indirect(f, of);
  const auto ya = run_indirect(a, oa), yb = run_depthwise(b, ob), yc = run_direct(c, oc);
  set_threads(3);
  CHECK(run_indirect(a, oa) == ya);
  CHECK(run_depthwise(b, ob) == yb);
  CHECK(run_direct(c, oc) == yc);
  CHECK(run_winograd_line(d, od) == yd);
  CHECK(run_winograd_rows(e, oe) == ye);
  CHECK(run_indirect(f, of) == yf);
  set_threads(1);
}

TEST_CASE("Channels are copied between any offsets", "[layout]") {
  for (int64_t channels : {1, 3, 4, 6, 9}) {
    for (int64_t first : {0, 1, 4, 7}) {
      const int64_t plane = 5, total = first + channels + 2;
      const auto x = random_floats(channels * plane, 1);
      const auto from = stored(x, channels, plane, Layout::kNC4HW4);
      auto y = random_floats(total * plane, 2);
      auto to = stored(y, total, plane, Layout::kNC4HW4);
      copy_channels(from.data(), channels, plane, to.data(), first);
      std::copy(x.begin(), x.end(), y.begin() + static_cast<std::ptrdiff_t>(first * plane));
      check_close(to, y, total, plane, Layout::kNC4HW4);
    }
  }
}

TEST_CASE("Layouts convert both ways", "[layout]") {
  for (int64_t channels : {1, 2, 3, 4, 5, 11}) {
    for (int64_t plane : {1, 3, 4, 10}) {
      const auto x = random_floats(2 * channels * plane, 1);
      std::vector<float> blocks(static_cast<size_t>(2 * channel_blocks(channels) * plane * 4),
                                kNan);
      std::vector<float> back(x.size(), kNan);
      REQUIRE(to_nc4hw4(x.data(), 2, channels, plane, sizeof(float), blocks.data()).ok());
      check_close(blocks, x, channels, plane, Layout::kNC4HW4);
      REQUIRE(to_row_major(blocks.data(), 2, channels, plane, sizeof(float), back.data()).ok());
      CHECK(back == x);
    }
  }
}

}  // namespace
}  // namespace sardonyx::simd
