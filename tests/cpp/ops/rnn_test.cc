#include <cmath>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

// Forward and, with two directions, backward too.
struct Expected {
  TestTensor y, last;
};

Expected reference_rnn(const TestTensor& x, const TestTensor& w, const TestTensor& r,
                       const TestTensor& bias) {
  const int64_t steps = x.shape[0], batch = x.shape[1], input = x.shape[2];
  const int64_t directions = r.shape[0], n = r.shape[2];
  Expected out{make_tensor(DType::kFloat32, {steps, directions, batch, n}),
               make_tensor(DType::kFloat32, {directions, batch, n})};
  for (int64_t d = 0; d < directions; ++d) {
    for (int64_t b = 0; b < batch; ++b) {
      std::vector<double> h(static_cast<size_t>(n), 0), next = h;
      for (int64_t step = 0; step < steps; ++step) {
        const int64_t t = d == 1 ? steps - 1 - step : step;
        for (int64_t j = 0; j < n; ++j) {
          double sum = element(bias, d * 2 * n + j) + element(bias, d * 2 * n + n + j);
          for (int64_t i = 0; i < input; ++i) {
            sum += element(w, (d * n + j) * input + i) * element(x, (t * batch + b) * input + i);
          }
          for (int64_t i = 0; i < n; ++i) {
            sum += element(r, (d * n + j) * n + i) * h[static_cast<size_t>(i)];
          }
          next[static_cast<size_t>(j)] = std::tanh(sum);
        }
        h = next;
        for (int64_t j = 0; j < n; ++j) {
          set_element(out.y, ((t * directions + d) * batch + b) * n + j, h[static_cast<size_t>(j)]);
          set_element(out.last, (d * batch + b) * n + j, h[static_cast<size_t>(j)]);
        }
      }
    }
  }
  return out;
}

TEST_CASE("RNN in both directions", "[rnn]") {
  for (int64_t directions : {1, 2}) {
    for (int64_t n : {1, 5, 8}) {
      const TestTensor x = random_f32({4, 3, 6}, 1);
      const TestTensor w = random_f32({directions, n, 6}, 2, -1, 1);
      const TestTensor r = random_f32({directions, n, n}, 3, -1, 1);
      const TestTensor bias = random_f32({directions, 2 * n}, 4, -1, 1);
      const Expected expected = reference_rnn(x, w, r, bias);
      OpTest test("RNN", 14);
      if (directions == 2) test.set("direction", "bidirectional");
      test.input(x).weight(w).weight(r).weight(bias).tolerance(1e-4, 1e-5);
      test.expect(expected.y).expect(expected.last).run();
    }
  }
}

TEST_CASE("RNN in float16", "[rnn]") {
  const TestTensor x = random_tensor(DType::kFloat16, {2, 1, 3}, 1);
  const TestTensor w = random_tensor(DType::kFloat16, {1, 4, 3}, 2, -1, 1);
  const TestTensor r = random_tensor(DType::kFloat16, {1, 4, 4}, 3, -1, 1);
  const TestTensor bias = random_tensor(DType::kFloat16, {1, 8}, 4, -1, 1);
  const Expected wide = reference_rnn(x, w, r, bias);
  TestTensor y = make_tensor(DType::kFloat16, wide.y.shape);
  for (int64_t i = 0; i < y.size(); ++i) set_element(y, i, element(wide.y, i));
  OpTest("RNN", 14).input(x).weight(w).weight(r).weight(bias).tolerance(1e-2, 1e-2).expect(y).run();
}

TEST_CASE("RNN refuses what does not fit", "[rnn]") {
  const TestTensor x = random_f32({4, 3, 6}, 1), r = random_f32({1, 5, 5}, 3);
  OpTest("RNN")
      .input(x)
      .weight(random_f32({1, 5, 7}, 2))
      .weight(r)
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("RNN")
      .set("direction", "up")
      .input(x)
      .weight(random_f32({1, 5, 6}, 2))
      .weight(r)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("RNN").input(x).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace
}  // namespace sardonyx::test
