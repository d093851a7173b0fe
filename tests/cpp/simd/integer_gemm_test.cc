// Integer products against plain loops: exact, in every module alike.
#include "simd/integer_gemm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/simd/random_bytes.h"

namespace sardonyx::simd {
namespace {

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

  void run(void* c, const Requantization* quantize, const FloatScaling* scaling = nullptr) const {
    std::vector<int16_t> packed(static_cast<size_t>(integer_packed_size(k, n)));
    std::vector<int16_t> rows(static_cast<size_t>(m * integer_row(k)));
    integer_pack_b({b.data(), b_signed}, k, n, n, 1, b_zeros.data(), packed.data());
    REQUIRE(integer_pack_a({a.data(), a_signed}, 1, m, k, a_zeros.data(), rows.data()).ok());
    const IntegerOutput output{c, first.data(), quantize, scaling};
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

TEST_CASE("integer_gemm scales sums like the scalar formula", "[integer]") {
  for (int64_t n : {3, 16, 19}) {
    const Problem p(53, n, 33, false, true);
    std::vector<float> scale, bias;
    for (int64_t i = 0; i < p.n + kIntegerPanel; ++i) {
      scale.push_back(0.1f + 0.3f * static_cast<float>(i));
      bias.push_back(static_cast<float>(i) / 3 - 7.5f);
    }
    const FloatScaling scaling{scale.data(), bias.data()};
    std::vector<float> c(static_cast<size_t>(p.m * p.n));
    p.run(c.data(), nullptr, &scaling);
    for (int64_t i = 0; i < p.m * p.n; ++i) {
      const auto column = static_cast<size_t>(i % p.n);
      const float scaled = static_cast<float>(p.sum(i / p.n, i % p.n)) * scale[column];
      INFO("element " << i);
      REQUIRE(c[static_cast<size_t>(i)] == scaled + bias[column]);
    }
  }
}

}  // namespace
}  // namespace sardonyx::simd
