// Winograd convolution against a direct one in double precision.
#include "simd/winograd.h"

#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "simd/parallel.h"
#include "tests/cpp/simd/conv_reference.h"

namespace sardonyx::simd {
namespace {

using namespace conv_reference;

// Tile and kernel.
struct Kind {
  int tile;
  int64_t kernel;
};
constexpr Kind kKinds[] = {{2, 3}, {4, 3}, {2, 5}};

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The case with the kernel and the same size of padding beyond what keeps the size.
ConvShape winograd_shape(Case c, const Kind& kind) {
  c.pad += (kind.kernel - c.kernel) / 2;
  c.kernel = kind.kernel;
  ConvShape shape = shape_of(c, Layout::kNC4HW4, Layout::kNC4HW4);
  shape.winograd_tile = kind.tile;
  return shape;
}

// Row-major in `o`, channel blocks out.
std::vector<float> run_winograd(const ConvShape& s, const Operands& o,
                                const Activation& activation = kRelu) {
  std::vector<float> packed(static_cast<size_t>(winograd_packed_size(s)), kNan);
  winograd_pack(s, o.w.data(), packed.data());
  const auto x = stored(o.x, s.in_channels, s.in_plane(), s.in_layout);
  const auto add = stored(o.add, s.out_channels, s.out_plane(), s.out_layout);
  std::vector<float> y(add.size(), kNan);
  const WinogradConv conv(s);
  std::vector<float> scratch(static_cast<size_t>(conv.scratch_floats()), kNan);
  REQUIRE(conv.run(x.data(), packed.data(), o.bias.data(), add.data(), activation, y.data(),
                   scratch.data())
              .ok());
  return y;
}

// Element (image, channel, row, column) of channel blocks.
float at(const ConvShape& s, const std::vector<float>& y, int64_t channel, int64_t row,
         int64_t column) {
  const int64_t pixel = row * s.out[2] + column;
  return y[static_cast<size_t>((channel / 4 * s.out_plane() + pixel) * 4 + channel % 4)];
}

TEST_CASE("Winograd convolution of every map, channel remainder and padding", "[conv]") {
  const Case cases[] = {
      {4, 8, 1, 8, 8, 3, 1, 1, 1},    {1, 1, 1, 3, 3, 3, 1, 1, 0},    {5, 9, 1, 1, 1, 3, 1, 1, 1},
      {7, 3, 1, 4, 9, 3, 1, 1, 1},    {16, 20, 1, 13, 5, 3, 1, 1, 0}, {8, 16, 2, 6, 7, 3, 1, 1, 1},
      {24, 12, 3, 5, 5, 3, 1, 1, 2},  {3, 70, 1, 10, 11, 3, 1, 1, 1}, {6, 200, 1, 2, 3, 3, 1, 1, 3},
      {9, 17, 1, 30, 41, 3, 1, 1, 1},
  };
  for (const Case& c : cases) {
    for (const Kind& kind : kKinds) {
      INFO("tile " << kind.tile << " kernel " << kind.kernel << " channels " << c.channels
                   << " filters " << c.filters << " map " << c.height << "x" << c.width << " pad "
                   << c.pad);
      const ConvShape s = winograd_shape(c, kind);
      const Operands o(s);
      check_close(run_winograd(s, o), o.expected, s.out_channels, s.out_plane(), Layout::kNC4HW4);
    }
  }
}

TEST_CASE("Winograd convolution applies activations that are no clamps", "[conv]") {
  const ConvShape s = winograd_shape({8, 12, 1, 7, 6, 3, 1, 1, 1}, {4, 3});
  const Operands o(s);
  auto y = run_winograd(s, o, {ActivationKind::kLeakyRelu, 0.25f});
  for (float& v : y) v = v < 0 ? 4 * v : v;
  const auto sums = run_winograd(s, o, {});
  for (size_t i = 0; i < y.size(); ++i) REQUIRE(y[i] == sums[i]);
}

// The largest error in units of the largest output. Measured for 16 to 256 channels: F(4,3) 6e-7 to
// 1.8e-6, F(2,3) 2e-7 to 7e-7, F(2,5) 5e-7 to 1.7e-6.
TEST_CASE("Winograd convolution loses few bits", "[conv]") {
  for (int64_t channels : {16, 32, 64, 128, 256}) {
    for (const Kind& kind : kKinds) {
      const ConvShape s = winograd_shape({channels, 8, 1, 16, 16, 3, 1, 1, 1}, kind);
      const Operands o(s);
      const auto y = run_winograd(s, o);
      float error = 0, largest = 0;
      for (int64_t i = 0; i < s.out_channels * s.out_plane(); ++i) {
        const int64_t pixel = i % s.out_plane();
        const float expected = o.expected[static_cast<size_t>(i)];
        const float actual = at(s, y, i / s.out_plane(), pixel / s.out[2], pixel % s.out[2]);
        error = std::max(error, std::fabs(actual - expected));
        largest = std::max(largest, std::fabs(expected));
      }
      CAPTURE(kind.tile, kind.kernel, channels, error / largest);
      CHECK(error / largest < (kind.tile + kind.kernel > 5 ? 5e-6f : 1.5e-6f));
    }
  }
}

TEST_CASE("Winograd convolution keeps NaN and infinity among the tiles that read them", "[conv]") {
  for (const float value : {kNan, kInfinity, -kInfinity}) {
    for (const Kind& kind : kKinds) {
      const ConvShape s = winograd_shape({8, 8, 1, 17, 19, 3, 1, 1, 1}, kind);
      Operands o(s);
      const auto clean = run_winograd(s, o);
      const int64_t row = 9, column = 7;
      o.x[static_cast<size_t>(row * s.in[2] + column)] = value;
      const auto y = run_winograd(s, o, {});
      for (int64_t i = 0; i < s.out_channels * s.out_plane(); ++i) {
        const int64_t channel = i / s.out_plane(), r = i % s.out_plane() / s.out[2];
        const int64_t c = i % s.out[2];
        CAPTURE(kind.tile, kind.kernel, value, channel, r, c);
        const int64_t distance = std::max(std::abs(r - row), std::abs(c - column));
        const float v = at(s, y, channel, r, c);
        if (distance <= kind.kernel / 2) REQUIRE(!std::isfinite(v));
        if (distance > kind.tile + kind.kernel / 2 - 1)
          REQUIRE(std::max(v, 0.0f) == at(s, clean, channel, r, c));
      }
    }
  }
}

TEST_CASE("Winograd convolution of signed zeros and denormals", "[conv]") {
  for (const Kind& kind : kKinds) {
    const ConvShape s = winograd_shape({4, 4, 1, 9, 9, 3, 1, 1, 1}, kind);
    Operands o(s);
    std::fill(o.add.begin(), o.add.end(), 0.0f);
    std::fill(o.x.begin(), o.x.end(), -0.0f);
    auto y = run_winograd(s, o, {});
    for (int64_t i = 0; i < s.out_plane(); ++i) {
      REQUIRE(at(s, y, 1, i / s.out[2], i % s.out[2]) == o.bias[1]);
    }
    // A sum of 36 or 100 products of denormals, each right to a few units of the smallest.
    constexpr float kTiny = 1e-40f;
    std::fill(o.x.begin(), o.x.end(), kTiny);
    std::fill(o.w.begin(), o.w.end(), 1.0f);
    std::fill(o.bias.begin(), o.bias.end(), 0.0f);
    y = run_winograd(s, o, {});
    const auto terms = static_cast<float>(s.depth());
    REQUIRE(std::fabs(at(s, y, 1, 4, 4) - terms * kTiny) < 1e-42f);
  }
}

TEST_CASE("Winograd convolution gives the same bits with any number of threads", "[conv]") {
  for (const Case& c : {Case{24, 48, 1, 40, 41, 3, 1, 1, 1}, Case{32, 192, 1, 8, 8, 3, 1, 1, 1}}) {
    const ConvShape s = winograd_shape(c, {4, 3});
    const Operands o(s);
    set_threads(1);
    const auto y = run_winograd(s, o);
    set_threads(3);
    CHECK(run_winograd(s, o) == y);
    set_threads(1);
  }
}

}  // namespace
}  // namespace sardonyx::simd
