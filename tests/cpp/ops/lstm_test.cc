#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

using Function = double (*)(double);
double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}
double tangent(double x) {
  return std::tanh(x);
}

struct Lstm {
  int64_t steps, batch, input, hidden;
  int directions = 1;
  bool reverse = false, batch_first = false;
  bool with_bias = false, with_states = false, with_peepholes = false;
  std::vector<int32_t> lengths = {};
  bool couple = false;
  double clip = 0;
  Function f = sigmoid, g = tangent, h = tangent;
  // Of the second direction.
  Function f2 = sigmoid, g2 = tangent, h2 = tangent;

  Shape state_shape() const {
    return batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  }
  TestTensor x() const {
    return random_f32(batch_first ? Shape{batch, steps, input} : Shape{steps, batch, input}, 1);
  }
  TestTensor w() const { return random_f32({directions, 4 * hidden, input}, 2, -1, 1); }
  TestTensor r() const { return random_f32({directions, 4 * hidden, hidden}, 3, -1, 1); }
  TestTensor bias() const { return random_f32({directions, 8 * hidden}, 4, -1, 1); }
  TestTensor peepholes() const { return random_f32({directions, 3 * hidden}, 5, -1, 1); }
  TestTensor initial(uint32_t seed) const { return random_f32(state_shape(), seed, -1, 1); }

  int64_t state_at(int64_t d, int64_t b, int64_t j) const {
    return (batch_first ? b * directions + d : d * batch + b) * hidden + j;
  }
  void run_sequence(int64_t d, int64_t b, TestTensor& y, TestTensor& y_h, TestTensor& y_c) const;

  void check(bool only_states = false) const {
    TestTensor y =
        make_tensor(DType::kFloat32, batch_first ? Shape{batch, steps, directions, hidden}
                                                 : Shape{steps, directions, batch, hidden});
    TestTensor y_h = make_tensor(DType::kFloat32, state_shape()), y_c = y_h;
    for (int64_t i = 0; i < y.size(); ++i) set_element(y, i, 0);
    for (int64_t d = 0; d < directions; ++d) {
      for (int64_t b = 0; b < batch; ++b) run_sequence(d, b, y, y_h, y_c);
    }
    OpTest op = test();
    op.tolerance(1e-4, 1e-5);
    if (only_states) {
      op.expect_absent().expect(y_h).expect_absent().run();
    } else {
      op.expect(y).expect(y_h).expect(y_c).run();
    }
  }

  OpTest test() const {
    OpTest op("LSTM", 14);
    op.set("hidden_size", hidden);
    op.set("direction", directions == 2 ? "bidirectional" : reverse ? "reverse" : "forward");
    if (batch_first) op.set("layout", 1);
    if (couple) op.set("input_forget", 1);
    if (clip != 0) op.set("clip", clip);
    const auto optional = [&](bool there, const TestTensor& tensor) {
      there ? op.weight(tensor) : op.absent();
    };
    op.input(x()).weight(w()).weight(r());
    optional(with_bias, bias());
    optional(!lengths.empty(), tensor<int32_t>({batch}, lengths));
    optional(with_states, initial(6));
    optional(with_states, initial(7));
    optional(with_peepholes, peepholes());
    return op;
  }
};

void Lstm::run_sequence(int64_t d, int64_t b, TestTensor& y, TestTensor& y_h,
                        TestTensor& y_c) const {
  const TestTensor tx = x(), tw = w(), tr = r(), tb = bias(), tp = peepholes();
  const TestTensor h0 = initial(6), c0 = initial(7);
  const auto n = static_cast<size_t>(hidden);
  std::vector<double> state(n), cell(n);
  for (size_t j = 0; j < n; ++j) {
    const int64_t at = state_at(d, b, static_cast<int64_t>(j));
    state[j] = with_states ? element(h0, at) : 0;
    cell[j] = with_states ? element(c0, at) : 0;
  }
  const int64_t length = lengths.empty() ? steps : lengths[static_cast<size_t>(b)];
  const Function gate_f = d ? f2 : f, cell_f = d ? g2 : g, out_f = d ? h2 : h;
  const auto bounded = [&](double v) {
    return clip > 0 ? std::fmax(-clip, std::fmin(clip, v)) : v;
  };
  for (int64_t s = 0; s < length; ++s) {
    const int64_t t = (d == 1 || reverse) ? length - 1 - s : s;
    // Gate row q of unit j, without peepholes.
    const auto row = [&](int64_t q, int64_t j) {
      const int64_t k = q * hidden + j;
      double sum =
          with_bias ? element(tb, d * 8 * hidden + k) + element(tb, d * 8 * hidden + 4 * hidden + k)
                    : 0;
      for (int64_t i = 0; i < input; ++i) {
        const int64_t at = (batch_first ? b * steps + t : t * batch + b) * input + i;
        sum += element(tx, at) * element(tw, (d * 4 * hidden + k) * input + i);
      }
      for (int64_t i = 0; i < hidden; ++i) {
        sum += state[static_cast<size_t>(i)] * element(tr, (d * 4 * hidden + k) * hidden + i);
      }
      return sum;
    };
    std::vector<double> next(n);
    for (int64_t j = 0; j < hidden; ++j) {
      double& c = cell[static_cast<size_t>(j)];
      const auto peek = [&](int64_t which, double value) {
        return with_peepholes ? element(tp, (d * 3 + which) * hidden + j) * value : 0;
      };
      const double i = gate_f(bounded(row(0, j) + peek(0, c)));
      const double forget = couple ? 1 - i : gate_f(bounded(row(2, j) + peek(2, c)));
      c = forget * c + i * cell_f(bounded(row(3, j)));
      const double o = gate_f(bounded(row(1, j) + peek(1, c)));
      next[static_cast<size_t>(j)] = o * out_f(c);
    }
    state = next;
    for (int64_t j = 0; j < hidden; ++j) {
      const int64_t at = batch_first ? ((b * steps + t) * directions + d) * hidden + j
                                     : ((t * directions + d) * batch + b) * hidden + j;
      set_element(y, at, state[static_cast<size_t>(j)]);
    }
  }
  for (int64_t j = 0; j < hidden; ++j) {
    set_element(y_h, state_at(d, b, j), state[static_cast<size_t>(j)]);
    set_element(y_c, state_at(d, b, j), cell[static_cast<size_t>(j)]);
  }
}

TEST_CASE("LSTM: odd sizes and directions", "[lstm]") {
  for (int64_t steps : {1, 3}) {
    for (int64_t batch : {1, 2, 5}) {
      for (int64_t hidden : {1, 3, 9}) {
        for (int which = 0; which < 3; ++which) {
          Lstm lstm{steps, batch, 4, hidden};
          lstm.directions = which == 2 ? 2 : 1;
          lstm.reverse = which == 1;
          lstm.check();
          lstm.with_bias = lstm.with_states = true;
          lstm.check();
          lstm.batch_first = true;
          lstm.check();
          lstm.with_peepholes = true;
          lstm.check();
        }
      }
    }
  }
}

TEST_CASE("LSTM: every combination of optional inputs", "[lstm]") {
  for (int which = 0; which < 32; ++which) {
    Lstm lstm{4, 3, 5, 6, 2};
    lstm.with_bias = which & 1;
    lstm.with_states = which & 2;
    lstm.with_peepholes = which & 4;
    if (which & 8) lstm.lengths = {2, 4, 0};
    lstm.batch_first = which & 16;
    lstm.check();
  }
}

TEST_CASE("LSTM: sequence lengths in reverse", "[lstm]") {
  Lstm lstm{5, 4, 3, 7};
  lstm.reverse = true;
  lstm.with_states = true;
  lstm.lengths = {5, 1, 0, 3};
  lstm.check();
  lstm.check(true);
}

TEST_CASE("LSTM: coupled gates and clipping", "[lstm]") {
  Lstm lstm{3, 2, 3, 5};
  lstm.with_bias = lstm.with_peepholes = true;
  lstm.couple = true;
  lstm.check();
  lstm.clip = 0.3;
  lstm.check();
  lstm.couple = false;
  lstm.check();
}

TEST_CASE("LSTM: nothing to do", "[lstm]") {
  Lstm{0, 2, 3, 4}.check();
  Lstm{3, 0, 3, 4}.check();
  Lstm{3, 2, 0, 4}.check();
}

OpTest& with_output(OpTest& op, const Lstm& lstm) {
  TestTensor y =
      make_tensor(DType::kFloat32, {lstm.steps, lstm.directions, lstm.batch, lstm.hidden});
  TestTensor y_h = make_tensor(DType::kFloat32, lstm.state_shape()), y_c = y_h;
  for (int64_t d = 0; d < lstm.directions; ++d) {
    for (int64_t b = 0; b < lstm.batch; ++b) lstm.run_sequence(d, b, y, y_h, y_c);
  }
  return op.tolerance(1e-4, 1e-5).expect(y).expect(y_h).expect(y_c);
}

TEST_CASE("LSTM: other activations", "[lstm]") {
  Lstm lstm{3, 2, 3, 5, 2};
  lstm.f = [](double x) { return std::fmax(0, std::fmin(1, 0.3 * x + 0.4)); };
  lstm.g = [](double x) { return x > 0 ? x : 0.1 * x; };
  lstm.h = [](double x) { return std::fmax(x, 0); };
  lstm.f2 = [](double x) { return 0.5 * x + 0.25; };
  lstm.g2 = [](double x) { return 0.75 * std::tanh(0.5 * x); };
  lstm.h2 = [](double x) { return x < 0 ? 2 * std::expm1(x) : x; };
  OpTest op = lstm.test();
  op.strings("activations", {"HardSigmoid", "LeakyRelu", "relu", "Affine", "ScaledTanh", "Elu"});
  op.floats("activation_alpha", {0.3f, 0.1f, 0.5f, 0.75f, 2.0f});
  op.floats("activation_beta", {0.4f, 0.25f, 0.5f});
  with_output(op, lstm).run();
}

TEST_CASE("LSTM refuses what does not fit", "[lstm]") {
  const Lstm lstm{3, 2, 4, 5};
  const auto fails = [](OpTest op, ErrorCode code) { op.fails(code); };
  fails(lstm.test().set("hidden_size", 6), ErrorCode::ATTRIBUTE_INVALID);
  fails(lstm.test().set("direction", "sideways"), ErrorCode::ATTRIBUTE_INVALID);
  fails(lstm.test().set("clip", -1.0), ErrorCode::ATTRIBUTE_INVALID);
  fails(lstm.test().strings("activations", {"Sigmoid"}), ErrorCode::ATTRIBUTE_INVALID);
  fails(lstm.test().strings("activations", {"Sigmoid", "Tanh", "Frob"}),
        ErrorCode::MODEL_UNSUPPORTED);
  Lstm wrong = lstm;
  wrong.lengths = {2, 4};
  fails(wrong.test(), ErrorCode::VALUE_RANGE);
  wrong.lengths = {2, -1};
  fails(wrong.test(), ErrorCode::VALUE_RANGE);
  const auto shapes = [](const Shape& x, const Shape& w, const Shape& r) {
    OpTest("LSTM", 14)
        .input(random_f32(x, 1))
        .weight(random_f32(w, 2))
        .weight(random_f32(r, 3))
        .fails(ErrorCode::SHAPE_MISMATCH);
  };
  shapes({3, 4}, {1, 20, 4}, {1, 20, 5});
  shapes({3, 2, 4}, {1, 20, 3}, {1, 20, 5});
  shapes({3, 2, 4}, {1, 20, 4}, {1, 16, 5});
  shapes({3, 2, 4}, {2, 20, 4}, {1, 20, 5});
  OpTest("LSTM", 14)
      .input(random_f32({3, 2, 4}, 1))
      .input(random_f32({1, 20, 4}, 2))
      .fails(ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace
}  // namespace sardonyx::test
