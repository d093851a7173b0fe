#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

struct Expected {
  TestTensor y, state;
};

// `past` and `bias` may be absent.
Expected convolve(const TestTensor& x, const TestTensor& w, const TestTensor& bias,
                  const TestTensor& past, bool silu) {
  const int64_t channels = x.shape[1], length = x.shape[2], taps = w.shape[2], old = taps - 1;
  Expected out{make_tensor(x.dtype, x.shape), make_tensor(x.dtype, {x.shape[0], channels, old})};
  const auto at = [&](int64_t row, int64_t i) {
    if (i >= old) return element(x, row * length + i - old);
    return past.dtype == DType::kUndefined ? 0.0 : element(past, row * old + i);
  };
  for (int64_t row = 0; row < x.shape[0] * channels; ++row) {
    for (int64_t i = 0; i < length; ++i) {
      double sum = bias.dtype == DType::kUndefined ? 0 : element(bias, row % channels);
      for (int64_t tap = 0; tap < taps; ++tap) {
        sum += element(w, row % channels * taps + tap) * at(row, i + tap);
      }
      set_element(out.y, row * length + i, silu ? sum / (1 + std::exp(-sum)) : sum);
    }
    for (int64_t i = 0; i < old; ++i) set_element(out.state, row * old + i, at(row, length + i));
  }
  return out;
}

TEST_CASE("CausalConvWithState over lengths and filters", "[causal_conv]") {
  for (int64_t length : {1, 2, 9}) {
    for (int64_t taps : {1, 4}) {
      for (bool past : {false, true}) {
        const TestTensor x = random_f32({2, 3, length}, 1), w = random_f32({3, 1, taps}, 2);
        const TestTensor bias = past ? random_f32({3}, 3) : TestTensor();
        const TestTensor state = past ? random_f32({2, 3, taps - 1}, 4) : TestTensor();
        const Expected expected = convolve(x, w, bias, state, past);
        for (const char* domain : {"", "com.microsoft"}) {
          OpTest test("CausalConvWithState", *domain ? 1 : 27, domain);
          test.input(x).weight(w);
          if (past) test.set("activation", "silu").weight(bias).input(state);
          test.expect(expected.y).expect(expected.state).run();
        }
      }
    }
  }
}

TEST_CASE("CausalConvWithState of 16-bit floats", "[causal_conv]") {
  const TestTensor x = random_tensor(DType::kFloat16, {2, 3, 5}, 1);
  const TestTensor w = random_tensor(DType::kFloat16, {3, 1, 3}, 2);
  const Expected expected = convolve(x, w, {}, {}, true);
  OpTest("CausalConvWithState", 27)
      .set("activation", "swish")
      .input(x)
      .weight(w)
      .tolerance(1e-2, 1e-3)
      .expect(expected.y)
      .run();
}

TEST_CASE("CausalConvWithState refuses what does not fit", "[causal_conv]") {
  const TestTensor x = random_f32({2, 3, 5}, 1);
  const auto fails = [&](const Shape& w, const Shape& state) {
    OpTest("CausalConvWithState", 27)
        .input(x)
        .input(random_f32(w, 2))
        .absent()
        .input(random_f32(state, 3))
        .fails(ErrorCode::SHAPE_MISMATCH);
  };
  fails({4, 1, 2}, {2, 3, 1});
  fails({3, 2, 2}, {2, 3, 1});
  fails({3, 1, 0}, {2, 3, 0});
  fails({3, 1, 2}, {2, 3, 2});
  fails({3, 1, 2}, {1, 3, 1});
  OpTest("CausalConvWithState", 27)
      .set("activation", "relu")
      .input(x)
      .input(random_f32({3, 1, 2}, 2))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
