// Integer convolutions against plain loops: exact, by every algorithm, in every module alike.
#include "simd/integer_conv.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "simd/parallel.h"
#include "tests/cpp/simd/conv_reference.h"
#include "tests/cpp/simd/random_bytes.h"

namespace sardonyx::simd {
namespace {

// Vectors of tensors may be loaded whole (base/block.h).
constexpr int64_t kReadableBehind = 32;

using conv_reference::Case;
using conv_reference::shape_of;

struct Zeros {
  int32_t x = 128, w = 3;
  bool x_signed = false;
};

std::vector<int32_t> reference(const ConvShape& s, const Zeros& zeros,
                               const std::vector<uint8_t>& x, const std::vector<uint8_t>& w) {
  std::vector<int32_t> y;
  for (int64_t i = 0; i < s.batch * s.out_channels * s.out_plane(); ++i) {
    const int64_t column = i % s.out[2], row = i / s.out[2] % s.out[1];
    const int64_t filter = i / s.out_plane() % s.out_channels;
    const int64_t image = i / s.out_plane() / s.out_channels;
    int64_t sum = filter;
    for (int64_t k = 0; k < s.depth(); ++k) {
      const int64_t tap = k % s.taps();
      const int64_t channel = filter / s.group_out() * s.group_in() + k / s.taps();
      const int64_t at_y = row * s.stride[1] - s.pad[1] + tap / s.kernel[2] * s.dilation[1];
      const int64_t at_x = column * s.stride[2] - s.pad[2] + tap % s.kernel[2] * s.dilation[2];
      if (at_y < 0 || at_x < 0 || at_y >= s.in[1] || at_x >= s.in[2]) continue;
      const int64_t at = ((image * s.in_channels + channel) * s.in[1] + at_y) * s.in[2] + at_x;
      sum += (value(x, at, zeros.x_signed) - zeros.x) *
             (value(w, filter * s.depth() + k, true) - zeros.w);
    }
    y.push_back(static_cast<int32_t>(sum));
  }
  return y;
}

struct Operands {
  std::vector<uint8_t> x, w;
  std::vector<int32_t> first;
  std::vector<int16_t> packed;

  Operands(const ConvShape& shape, const Zeros& zeros)
      : x(random_bytes(shape.batch * shape.in_channels * shape.in_plane() + kReadableBehind, 1)),
        w(random_bytes(shape.out_channels * shape.depth(), 2)) {
    for (int32_t i = 0; i < shape.out_channels; ++i) first.push_back(i);
    packed.resize(static_cast<size_t>(*integer_conv_packed_size(shape)));
    const std::vector<int32_t> weight_zeros(first.size(), zeros.w);
    integer_conv_pack(shape, {w.data(), true}, weight_zeros.data(), packed.data());
  }
};

void run(const ConvShape& shape, const Zeros& zeros, const Operands& operands,
         const IntegerOutput& output) {
  auto conv = IntegerConv::make(shape);
  REQUIRE(conv.ok());
  // What is not written must not matter.
  auto scratch = Block::allocate(static_cast<uint64_t>(conv->scratch_bytes()));
  REQUIRE(scratch.ok());
  std::fill_n(scratch->as<uint8_t>(), scratch->size(), uint8_t{0x7F});
  const ByteMatrix x{operands.x.data(), zeros.x_signed};
  REQUIRE(conv->run(x, zeros.x, operands.packed.data(), output, scratch->as<uint8_t>()).ok());
}

void check(const Case& c, const Zeros& zeros = {}) {
  INFO(c.channels << " to " << c.filters << " in " << c.groups << ", " << c.height << "x" << c.width
                  << ", kernel " << c.kernel << ", stride " << c.stride);
  const ConvShape shape = shape_of(c);
  const Operands operands(shape, zeros);
  const std::vector<int32_t> expected = reference(shape, zeros, operands.x, operands.w);
  std::vector<int32_t> y(expected.size(), -1);
  run(shape, zeros, operands, {y.data(), operands.first.data(), nullptr});
  REQUIRE(y == expected);
}

// A quantized output whose steps are so small that few sums are clamped, and none is rounded.
void check_quantized(ConvShape shape, const Zeros& zeros, int tile) {
  INFO(shape.in_channels << " to " << shape.out_channels << " in " << shape.groups << ", "
                         << shape.in[1] << "x" << shape.in[2] << ", tile " << tile);
  shape.winograd_tile = tile;
  const Operands operands(shape, zeros);
  const std::vector<int32_t> sums = reference(shape, zeros, operands.x, operands.w);
  const auto filters = static_cast<size_t>(shape.out_channels);
  const std::vector<float> scale(filters, 1.0f / 8192), bias(filters, 0.5f);
  const Requantization quantize{scale.data(), bias.data(), {-3, -128, 127}, 0.25f};
  std::vector<uint8_t> y(sums.size(), 77);
  run(shape, zeros, operands, {y.data(), operands.first.data(), &quantize});
  for (size_t i = 0; i < sums.size(); ++i) {
    const float scaled = static_cast<float>(sums[i]) * scale[0] + bias[0];
    const float code = std::nearbyint(scaled < 0 ? scaled * 0.25f : scaled) - 3.0f;
    INFO("element " << i << ", sum " << sums[i]);
    REQUIRE(static_cast<float>(static_cast<int8_t>(y[i])) == std::clamp(code, -128.0f, 127.0f));
  }
}

void check_scaled(const Case& c) {
  const ConvShape shape = shape_of(c);
  const Operands operands(shape, {});
  const std::vector<int32_t> sums = reference(shape, {}, operands.x, operands.w);
  std::vector<float> scale, bias, y(sums.size(), -1);
  for (int32_t i = 0; i < shape.out_channels; ++i) {
    scale.push_back(0.3f - 0.1f * static_cast<float>(i));
    bias.push_back(static_cast<float>(i) / 3);
  }
  const FloatScaling scaling{scale.data(), bias.data()};
  run(shape, {}, operands, {y.data(), operands.first.data(), nullptr, &scaling});
  const auto plane = static_cast<size_t>(shape.out_plane());
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t filter = i / plane % scale.size();
    const float scaled = static_cast<float>(sums[i]) * scale[filter];
    INFO("element " << i);
    REQUIRE(y[i] == scaled + bias[filter]);
  }
}

TEST_CASE("IntegerConv scales sums like the scalar formula", "[integer]") {
  check_scaled({5, 7, 1, 6, 9, 3, 1, 1, 1});
  check_scaled({6, 6, 6, 9, 21, 3, 2, 1, 1});
}

TEST_CASE("IntegerConv gives exact sums", "[integer]") {
  for (int64_t channels : {1, 3, 8, 12, 17}) {
    for (int64_t filters : {1, 8, 13}) {
      check({channels, filters, 1, 6, 9, 1, 1, 1, 0});
      check({channels, filters, 1, 6, 9, 3, 1, 1, 1}, {-128, 0, true});
      check({channels, filters, 1, 9, 8, 3, 2, 1, 1});
      check({channels, filters, 1, 9, 10, 2, 1, 3, 2}, {7, -9, true});
    }
  }
  check({8, 6, 2, 7, 7, 3, 1, 1, 1});
  check({18, 12, 2, 7, 7, 3, 1, 1, 1}, {0, 0, false});
  for (int64_t stride : {1, 2, 3}) {
    check({6, 6, 6, 9, 21, 3, stride, 1, 1});
    check({3, 3, 3, 11, 300, 5, stride, 2, 2}, {-5, 1, true});
    check({3, 3, 3, 11, 300, 3, stride, 1, 1}, {-5, 1, true});
    check({3, 3, 3, 8, 540, 3, stride, 1, 0}, {-5, 1, true});
    check({5, 5, 5, 3, 3, 3, stride, 1, 0});
    check({5, 7, 1, 12, 20, 1, stride, 1, 0});
  }
  check({2, 3, 1, 1, 1, 3, 10, 1, 3});
  check({16, 40, 1, 17, 15, 5, 1, 1, 2});
}

TEST_CASE("IntegerConv by Winograd's algorithm gives the same bytes", "[integer]") {
  for (const Zeros& zeros : {Zeros{}, Zeros{-20, 0, true}, Zeros{255, -128, false}}) {
    for (int tile : {0, 4}) {
      check_quantized(shape_of({8, 8, 1, 12, 12, 3, 1, 1, 1}), zeros, tile);
      check_quantized(shape_of({17, 13, 1, 9, 43, 3, 1, 1, 1}), zeros, tile);
      check_quantized(shape_of({34, 12, 2, 30, 5, 3, 1, 1, 0}), zeros, tile);
      check_quantized(shape_of({16, 9, 1, 61, 70, 3, 1, 1, 2}), zeros, tile);
    }
  }
}

TEST_CASE("Winograd's algorithm is exact up to its bound", "[integer]") {
  // All bytes and all weights at their largest, in both directions.
  const int64_t channels = 57;  // 255 * 9 * 57 * 255 < 2^25
  const ConvShape shape = shape_of({channels, 8, 1, 12, 12, 3, 1, 1, 1});
  const std::vector<uint8_t> weights(static_cast<size_t>(8 * channels * 9), 127);
  const std::vector<int32_t> low(8, -128), lower(8, -200), zero(8, 0);
  REQUIRE(integer_winograd_is_exact(shape, {weights.data(), true}, low.data()));
  REQUIRE(!integer_winograd_is_exact(shape, {weights.data(), true}, lower.data()));
  for (const auto& [byte, x_zero] : {std::pair{255, 0}, std::pair{0, 255}}) {
    ConvShape tiled = shape;
    tiled.winograd_tile = 4;
    const Zeros zeros{x_zero, -128, false};
    Operands operands(tiled, zeros);
    std::fill(operands.x.begin(), operands.x.end(), static_cast<uint8_t>(byte));
    operands.w = weights;
    integer_conv_pack(tiled, {weights.data(), true}, low.data(), operands.packed.data());
    const std::vector<int32_t> sums = reference(tiled, zeros, operands.x, operands.w);
    const std::vector<float> scale(8, 1.0f / (1 << 18)), bias(8, 0.0f);
    const Requantization quantize{scale.data(), bias.data(), {0, -128, 127}};
    std::vector<uint8_t> y(sums.size());
    run(tiled, zeros, operands, {y.data(), operands.first.data(), &quantize});
    for (size_t i = 0; i < sums.size(); ++i) {
      const float code = std::nearbyint(static_cast<float>(sums[i]) * scale[0]);
      REQUIRE(static_cast<float>(static_cast<int8_t>(y[i])) == std::clamp(code, -128.0f, 127.0f));
    }
  }
}

TEST_CASE("IntegerConv does not depend on the number of threads", "[integer]") {
  set_pool_limit(3);
  for (int threads : {1, 4}) {
    set_threads(threads);
    check({24, 72, 1, 31, 29, 3, 1, 1, 1});
    // Chunks that end within a channel.
    check({40, 40, 40, 57, 61, 3, 1, 1, 1});
    check({40, 40, 40, 57, 61, 3, 2, 1, 1});
    check_quantized(shape_of({24, 72, 1, 31, 29, 3, 1, 1, 1}), {}, 4);
  }
  set_threads(1);
}

}  // namespace
}  // namespace sardonyx::simd
