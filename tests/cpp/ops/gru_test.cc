#include <cmath>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

struct Gru {
  int64_t steps, batch, input, hidden;
  int directions = 1;
  bool reverse = false, batch_first = false, linear_before_reset = false;
  bool with_bias = false, with_state = false;
  std::vector<int32_t> lengths = {};
  double clip = 0;

  TestTensor x() const {
    return random_f32(batch_first ? Shape{batch, steps, input} : Shape{steps, batch, input}, 1);
  }
  TestTensor w() const { return random_f32({directions, 3 * hidden, input}, 2, -1, 1); }
  TestTensor r() const { return random_f32({directions, 3 * hidden, hidden}, 3, -1, 1); }
  TestTensor bias() const { return random_f32({directions, 6 * hidden}, 4, -1, 1); }
  Shape state_shape() const {
    return batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  }
  TestTensor state() const { return random_f32(state_shape(), 5, -1, 1); }
};

double clipped(const Gru& g, double x) {
  return g.clip > 0 ? std::fmin(std::fmax(x, -g.clip), g.clip) : x;
}

// One step of one row: h is replaced.
void advance(const Gru& g, int d, const std::vector<double>& x, std::vector<double>& h) {
  const TestTensor w = g.w(), r = g.r(), bias = g.bias();
  const int64_t n = g.hidden;
  const auto own = [&](int gate, int64_t j) {
    double sum = g.with_bias ? element(bias, d * 6 * n + gate * n + j) : 0;
    for (int64_t i = 0; i < g.input; ++i) {
      sum += element(w, (d * 3 * n + gate * n + j) * g.input + i) * x[static_cast<size_t>(i)];
    }
    return sum;
  };
  const auto recurrent = [&](int gate, int64_t j, const std::vector<double>& from) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      sum += element(r, (d * 3 * n + gate * n + j) * n + i) * from[static_cast<size_t>(i)];
    }
    return sum;
  };
  const auto recurrent_bias = [&](int gate, int64_t j) {
    return g.with_bias ? element(bias, d * 6 * n + (3 + gate) * n + j) : 0;
  };
  std::vector<double> z(h.size()), reset(h.size()), scaled(h.size()), next(h.size());
  for (int64_t j = 0; j < n; ++j) {
    const auto k = static_cast<size_t>(j);
    z[k] = sigmoid(clipped(g, own(0, j) + recurrent(0, j, h) + recurrent_bias(0, j)));
    reset[k] = sigmoid(clipped(g, own(1, j) + recurrent(1, j, h) + recurrent_bias(1, j)));
    scaled[k] = reset[k] * h[k];
  }
  for (int64_t j = 0; j < n; ++j) {
    const auto k = static_cast<size_t>(j);
    const double from_state = g.linear_before_reset
                                  ? reset[k] * (recurrent(2, j, h) + recurrent_bias(2, j))
                                  : recurrent(2, j, scaled) + recurrent_bias(2, j);
    const double candidate = std::tanh(clipped(g, own(2, j) + from_state));
    next[k] = (1 - z[k]) * candidate + z[k] * h[k];
  }
  h = next;
}

void check(const Gru& g) {
  const Shape y_shape = g.batch_first ? Shape{g.batch, g.steps, g.directions, g.hidden}
                                      : Shape{g.steps, g.directions, g.batch, g.hidden};
  TestTensor y = make_tensor(DType::kFloat32, y_shape);
  TestTensor last = make_tensor(DType::kFloat32, g.state_shape());
  for (int64_t i = 0; i < y.size(); ++i) set_element(y, i, 0);
  const TestTensor x = g.x(), state = g.state();
  for (int d = 0; d < g.directions; ++d) {
    for (int64_t b = 0; b < g.batch; ++b) {
      const int64_t state_row = g.batch_first ? b * g.directions + d : d * g.batch + b;
      std::vector<double> h(static_cast<size_t>(g.hidden), 0);
      for (size_t j = 0; j < h.size() && g.with_state; ++j) {
        h[j] = element(state, state_row * g.hidden + static_cast<int64_t>(j));
      }
      const int64_t length = g.lengths.empty() ? g.steps : g.lengths[static_cast<size_t>(b)];
      for (int64_t step = 0; step < length; ++step) {
        const int64_t t = d == 1 || g.reverse ? length - 1 - step : step;
        const int64_t x_row = g.batch_first ? b * g.steps + t : t * g.batch + b;
        std::vector<double> input;
        for (int64_t i = 0; i < g.input; ++i) input.push_back(element(x, x_row * g.input + i));
        advance(g, d, input, h);
        const int64_t y_row = g.batch_first ? (b * g.steps + t) * g.directions + d
                                            : (t * g.directions + d) * g.batch + b;
        for (size_t j = 0; j < h.size(); ++j) {
          set_element(y, y_row * g.hidden + static_cast<int64_t>(j), h[j]);
        }
      }
      for (size_t j = 0; j < h.size(); ++j) {
        set_element(last, state_row * g.hidden + static_cast<int64_t>(j), h[j]);
      }
    }
  }
  OpTest test("GRU", 14);
  test.set("hidden_size", g.hidden).set("linear_before_reset", g.linear_before_reset ? 1 : 0);
  test.set("layout", g.batch_first ? 1 : 0).tolerance(1e-4, 1e-5);
  if (g.directions == 2) test.set("direction", "bidirectional");
  if (g.reverse) test.set("direction", "reverse");
  if (g.clip > 0) test.set("clip", g.clip);
  test.input(x).weight(g.w()).weight(g.r());
  g.with_bias ? test.weight(g.bias()) : test.absent();
  g.lengths.empty() ? test.absent() : test.input(tensor<int32_t>({g.batch}, g.lengths));
  if (g.with_state) test.input(state);
  test.expect(y).expect(last).run();
}

TEST_CASE("GRU: odd sizes, directions and layouts", "[gru]") {
  for (bool linear : {false, true}) {
    check({.steps = 3, .batch = 2, .input = 5, .hidden = 7, .linear_before_reset = linear});
    check({.steps = 2,
           .batch = 3,
           .input = 3,
           .hidden = 8,
           .directions = 2,
           .batch_first = true,
           .linear_before_reset = linear,
           .with_bias = true,
           .with_state = true});
    check({.steps = 4,
           .batch = 1,
           .input = 1,
           .hidden = 1,
           .reverse = true,
           .linear_before_reset = linear,
           .with_bias = true});
  }
}

TEST_CASE("GRU: sequence lengths and clipping", "[gru]") {
  for (bool linear : {false, true}) {
    check({.steps = 4,
           .batch = 3,
           .input = 2,
           .hidden = 5,
           .directions = 2,
           .linear_before_reset = linear,
           .with_bias = true,
           .with_state = true,
           .lengths = {4, 0, 2},
           .clip = 0.5});
  }
}

TEST_CASE("GRU refuses what does not fit", "[gru]") {
  const Gru g{.steps = 3, .batch = 2, .input = 5, .hidden = 7};
  OpTest("GRU", 14).input(g.x()).weight(g.w()).weight(g.w()).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("GRU", 14)
      .set("hidden_size", 6)
      .input(g.x())
      .weight(g.w())
      .weight(g.r())
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("GRU", 14)
      .strings("activations", {"Sigmoid", "Tanh", "Tanh"})
      .input(g.x())
      .weight(g.w())
      .weight(g.r())
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("GRU", 14)
      .input(g.x())
      .weight(g.w())
      .weight(g.r())
      .absent()
      .input(tensor<int32_t>({2}, {3, 4}))
      .fails(ErrorCode::VALUE_RANGE);
}

}  // namespace
}  // namespace sardonyx::test
