// Integer products against plain loops: exact, in every module alike.
#include "simd/integer_gemm.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "simd/integer_conv.h"
#include "simd/parallel.h"

namespace sardonyx::simd {
namespace {

std::vector<uint8_t> random_bytes(int64_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<uint8_t> out(static_cast<size_t>(count));
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(generator());
  return out;
}

int64_t value(const std::vector<uint8_t>& bytes, int64_t i, bool is_signed) {
  const uint8_t byte = bytes[static_cast<size_t>(i)];
  return is_signed ? static_cast<int8_t>(byte) : byte;
}

struct Problem {
  int64_t m, n, k;
  bool a_signed, b_signed;
  std::vector<uint8_t> a = random_bytes(m * k, 1), b = random_bytes(k * n, 2);
  std::vector<int32_t> a_zeros = std::vector<int32_t>(static_cast<size_t>(m), 17);
  std::vector<int32_t> b_zeros = {}, first = {};

  Problem(int64_t rows, int64_t columns, int64_t depth, bool left, bool right)
      : m(rows), n(columns), k(depth), a_signed(left), b_signed(right) {
    for (int64_t i = 0; i < n + kIntegerPanel; ++i) {
      b_zeros.push_back(static_cast<int32_t>(i % 5));
      first.push_back(static_cast<int32_t>(1000 * i));
    }
  }

  int32_t sum(int64_t row, int64_t column) const {
    int64_t total = first[static_cast<size_t>(column)];
    for (int64_t p = 0; p < k; ++p) {
      total += (value(a, row * k + p, a_signed) - 17) *
               (value(b, p * n + column, b_signed) - b_zeros[static_cast<size_t>(column)]);
    }
    return static_cast<int32_t>(total);
  }

  void run(void* c, const Requantization* quantize) const {
    std::vector<int16_t> packed(static_cast<size_t>(integer_packed_size(k, n)));
    std::vector<int16_t> rows(static_cast<size_t>(m * integer_row(k)));
    integer_pack_b({b.data(), b_signed}, k, n, n, 1, b_zeros.data(), packed.data());
    REQUIRE(integer_widen_rows({a.data(), a_signed}, m, k, a_zeros.data(), 1, rows.data()).ok());
    const IntegerOutput output{c, first.data(), quantize};
    REQUIRE(integer_gemm(m, n, k, rows.data(), packed.data(), output).ok());
  }
};

TEST_CASE("integer_gemm gives exact sums", "[integer]") {
  for (int64_t m : {1, 2, 3, 4, 7, 50}) {
    for (int64_t n : {1, 7, 8, 9, 40}) {
      for (int64_t k : {1, 2, 9, 64}) {
        const bool a_signed = (m + n) % 2 == 0, b_signed = k % 2 == 0;
        const Problem p(m, n, k, a_signed, b_signed);
        std::vector<int32_t> c(static_cast<size_t>(m * n), -1);
        p.run(c.data(), nullptr);
        for (int64_t i = 0; i < m * n; ++i) {
          INFO(m << "x" << n << "x" << k << " element " << i);
          REQUIRE(c[static_cast<size_t>(i)] == p.sum(i / n, i % n));
        }
      }
    }
  }
}

TEST_CASE("integer_gemm quantizes like the scalar formula", "[integer]") {
  const Problem p(53, 19, 33, false, true);
  std::vector<float> scale, bias;
  for (int64_t i = 0; i < p.n + kIntegerPanel; ++i) {
    scale.push_back(0.001f + 0.0003f * static_cast<float>(i));
    bias.push_back(static_cast<float>(i) - 7.5f);
  }
  for (bool is_signed : {false, true}) {
    const QuantizedRange range{
        .zero = 11, .low = is_signed ? -128 : 20, .high = is_signed ? 90 : 255};
    const Requantization quantize{scale.data(), bias.data(), range};
    std::vector<uint8_t> c(static_cast<size_t>(p.m * p.n));
    p.run(c.data(), &quantize);
    for (int64_t i = 0; i < p.m * p.n; ++i) {
      const auto column = static_cast<size_t>(i % p.n);
      const float scaled = static_cast<float>(p.sum(i / p.n, i % p.n)) * scale[column];
      const float code = std::nearbyint(scaled + bias[column]) + 11.0f;
      INFO("element " << i);
      REQUIRE(static_cast<float>(value(c, i, is_signed)) ==
              std::clamp(code, static_cast<float>(range.low), static_cast<float>(range.high)));
    }
  }
}

struct Case {
  int64_t channels, filters, groups, height, width, kernel, stride, dilation, pad;
};

ConvShape shape_of(const Case& c) {
  ConvShape shape;
  shape.groups = c.groups;
  shape.in_channels = c.channels;
  shape.out_channels = c.filters;
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

constexpr int32_t kZero = 128, kWeightZero = 3;

std::vector<int32_t> reference(const ConvShape& s, const std::vector<uint8_t>& x,
                               const std::vector<uint8_t>& w) {
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
      sum += (value(x, at, false) - kZero) * (value(w, filter * s.depth() + k, true) - kWeightZero);
    }
    y.push_back(static_cast<int32_t>(sum));
  }
  return y;
}

void check(const Case& c) {
  INFO(c.channels << " to " << c.filters << " in " << c.groups << ", " << c.height << "x" << c.width
                  << ", kernel " << c.kernel);
  const ConvShape shape = shape_of(c);
  const std::vector<uint8_t> x =
      random_bytes(shape.batch * shape.in_channels * shape.in_plane(), 1);
  const std::vector<uint8_t> w = random_bytes(shape.out_channels * shape.depth(), 2);
  const auto columns = static_cast<size_t>(integer_conv_columns(shape));
  const std::vector<int32_t> zeros(columns, kWeightZero);
  std::vector<int32_t> first(columns);
  for (size_t i = 0; i < columns; ++i) first[i] = static_cast<int32_t>(i);
  std::vector<int16_t> packed(static_cast<size_t>(*integer_conv_packed_size(shape)));
  integer_conv_pack(shape, {w.data(), true}, zeros.data(), packed.data());
  auto conv = IntegerConv::make(shape);
  REQUIRE(conv.ok());
  // What is not written must not matter.
  std::vector<int16_t> scratch(static_cast<size_t>(conv->scratch_elements()), INT16_MAX);
  const std::vector<int32_t> expected = reference(shape, x, w);
  std::vector<int32_t> y(expected.size(), -1);
  const IntegerOutput output{y.data(), first.data(), nullptr};
  REQUIRE(conv->run({x.data(), false}, kZero, packed.data(), output, scratch.data()).ok());
  REQUIRE(y == expected);
}

TEST_CASE("IntegerConv gives exact sums", "[integer]") {
  for (int64_t channels : {1, 3, 8, 12, 17}) {
    for (int64_t filters : {1, 8, 13}) {
      check({channels, filters, 1, 6, 9, 1, 1, 1, 0});
      check({channels, filters, 1, 6, 9, 3, 1, 1, 1});
      check({channels, filters, 1, 9, 8, 3, 2, 1, 1});
      check({channels, filters, 1, 9, 10, 2, 1, 3, 2});
    }
  }
  check({8, 6, 2, 7, 7, 3, 1, 1, 1});
  check({18, 12, 2, 7, 7, 3, 1, 1, 1});
  for (int64_t stride : {1, 2, 3}) {
    check({6, 6, 6, 9, 21, 3, stride, 1, 1});
    check({3, 3, 3, 11, 300, 5, stride, 2, 2});
  }
  check({16, 40, 1, 17, 15, 5, 1, 1, 2});
}

TEST_CASE("IntegerConv does not depend on the number of threads", "[integer]") {
  set_pool_limit(3);
  for (int threads : {1, 4}) {
    set_threads(threads);
    check({24, 72, 1, 31, 29, 3, 1, 1, 1});
  }
  set_threads(1);
}

}  // namespace
}  // namespace sardonyx::simd
