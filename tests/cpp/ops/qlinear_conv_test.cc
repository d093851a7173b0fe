#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/convolution.h"
#include "tests/cpp/ops/reference/quantized.h"

namespace sardonyx::test {
namespace {

using reference::centered;
using reference::Ints;
using reference::random_codes;
using reference::Window;

struct Case {
  Shape x, w;
  int64_t groups = 1;
  Ints stride = {}, dilation = {}, pads = {};
  DType x_dtype = DType::kUint8, w_dtype = DType::kInt8, y_dtype = DType::kUint8;
  bool per_channel = true, bias = true;
};

Window window_of(const Case& c) {
  Window window(reference::spatial(c.w));
  if (!c.stride.empty()) window.stride = c.stride;
  if (!c.dilation.empty()) window.dilation = c.dilation;
  const auto axes = static_cast<long>(window.axes());
  if (!c.pads.empty()) {
    window.pad_begin.assign(c.pads.begin(), c.pads.begin() + axes);
    window.pad_end.assign(c.pads.begin() + axes, c.pads.end());
  }
  return window;
}

// The inputs of one convolution and what its sums are.
struct Problem {
  explicit Problem(const Case& c)
      : x(random_codes(c.x_dtype, c.x, 1)),
        w(random_codes(c.w_dtype, c.w, 2)),
        x_zero(random_tensor(c.x_dtype, {}, 3, 0, 127)),
        y_zero(random_tensor(c.y_dtype, {}, 4, 0, 50)),
        w_scale(reference::random_scales(c.per_channel ? c.w[0] : 1, 5)),
        w_zero(random_tensor(c.w_dtype, w_scale.shape, 6, 0, 20)),
        bias(random_tensor(DType::kInt32, {c.w[0]}, 7, -5000, 5000)),
        sums(reference::conv(centered(x, x_zero, 1), centered(w, w_zero, 0),
                             c.bias ? &bias : nullptr, c.groups, window_of(c))) {}

  TestTensor expected() const {
    return reference::requantized(sums, 1, double{kXScale}, w_scale, double{kYScale}, y_zero);
  }
  static constexpr float kXScale = 0.25f, kYScale = 64.0f;
  TestTensor x, w, x_zero, y_zero, w_scale, w_zero, bias, sums;
};

OpTest& configure(OpTest& test, const Case& c) {
  if (!c.stride.empty()) test.ints("strides", c.stride);
  if (!c.dilation.empty()) test.ints("dilations", c.dilation);
  if (!c.pads.empty()) test.ints("pads", c.pads);
  if (c.groups != 1) test.set("group", c.groups);
  return test;
}

OpTest& add_inputs(OpTest& test, const Problem& p) {
  test.input(p.x).weight(scalar(Problem::kXScale)).weight(p.x_zero);
  test.weight(p.w).weight(p.w_scale).weight(p.w_zero);
  return test.weight(scalar(Problem::kYScale)).weight(p.y_zero);
}

void check(const Case& c) {
  INFO("x " << c.x.to_string() << " w " << c.w.to_string() << " groups " << c.groups);
  const Problem p(c);
  OpTest test("QLinearConv", 10);
  add_inputs(configure(test, c), p);
  if (c.bias) test.weight(p.bias);
  test.expect(p.expected()).run();
}

TEST_CASE("QLinearConv 1x1 for all channel remainders", "[qlinear_conv]") {
  for (int64_t in : {1, 3, 7, 8, 9, 17}) {
    for (int64_t out : {1, 5, 8, 9, 19}) check({.x = {1, in, 3, 5}, .w = {out, in, 1, 1}});
  }
  check({.x = {2, 6, 7, 9}, .w = {10, 6, 1, 1}, .stride = {2, 2}});
}

TEST_CASE("QLinearConv windows over odd shapes", "[qlinear_conv]") {
  for (int64_t in : {1, 3, 8, 13}) {
    check({.x = {1, in, 7, 9}, .w = {5, in, 3, 3}, .pads = {1, 1, 1, 1}});
    check({.x = {2, in, 8, 7}, .w = {9, in, 3, 3}, .stride = {2, 2}, .pads = {1, 1, 0, 1}});
    check({.x = {1, in, 9, 9}, .w = {4, in, 3, 2}, .dilation = {2, 3}, .pads = {2, 0, 1, 3}});
    check({.x = {1, in, 11, 12}, .w = {3, in, 5, 5}, .pads = {2, 2, 2, 2}, .bias = false});
  }
  // More pixels and filters than one chunk takes.
  check({.x = {1, 16, 13, 13}, .w = {70, 16, 3, 3}, .pads = {1, 1, 1, 1}});
}

TEST_CASE("QLinearConv over one axis", "[qlinear_conv]") {
  check({.x = {2, 3, 17}, .w = {4, 3, 5}, .stride = {2}, .pads = {2, 1}});
  check({.x = {1, 12, 9}, .w = {9, 12, 3}});
}

TEST_CASE("QLinearConv in groups", "[qlinear_conv]") {
  check({.x = {1, 8, 5, 6}, .w = {6, 4, 3, 3}, .groups = 2, .pads = {1, 1, 1, 1}});
  check({.x = {2, 27, 4, 5}, .w = {30, 9, 1, 1}, .groups = 3});
}

TEST_CASE("QLinearConv of each channel by itself", "[qlinear_conv]") {
  for (int64_t channels : {1, 3, 8, 13}) {
    for (int64_t width : {5, 8, 19}) {
      for (int64_t stride : {1, 2, 3}) {
        check({.x = {2, channels, 7, width},
               .w = {channels, 1, 3, 3},
               .groups = channels,
               .stride = {stride, stride},
               .pads = {1, 1, 1, 1}});
      }
    }
  }
  check({.x = {1, 6, 9, 30}, .w = {6, 1, 5, 5}, .groups = 6, .pads = {2, 2, 2, 2}});
  check({.x = {1, 4, 9, 14}, .w = {4, 1, 3, 2}, .groups = 4, .dilation = {2, 3}, .bias = false});
  check({.x = {1, 3, 6, 6}, .w = {6, 1, 3, 3}, .groups = 3});
}

TEST_CASE("QLinearConv in all dtypes, with one scale for all filters", "[qlinear_conv]") {
  for (DType x : {DType::kUint8, DType::kInt8}) {
    for (DType w : {DType::kUint8, DType::kInt8}) {
      for (DType y : {DType::kUint8, DType::kInt8}) {
        check({.x = {1, 9, 5, 5},
               .w = {7, 9, 3, 3},
               .x_dtype = x,
               .w_dtype = w,
               .y_dtype = y,
               .per_channel = false});
        check({.x = {1, 9, 5, 9},
               .w = {9, 1, 3, 3},
               .groups = 9,
               .x_dtype = x,
               .w_dtype = w,
               .y_dtype = y});
      }
    }
  }
}

TEST_CASE("QLinearConv by Winograd's algorithm where sums stay exact", "[qlinear_conv]") {
  const auto kernel_of = [](const Case& c) {
    return c.x[1] < 100 ? "integer_winograd" : "integer_conv";
  };
  for (const Case& c : {Case{.x = {2, 18, 9, 13}, .w = {11, 18, 3, 3}, .pads = {1, 1, 1, 1}},
                        Case{.x = {1, 16, 7, 8}, .w = {8, 16, 3, 3}, .w_dtype = DType::kUint8},
                        Case{.x = {1, 260, 5, 6}, .w = {9, 260, 3, 3}}}) {
    const Problem p(c);
    OpTest test("QLinearConv", 10);
    add_inputs(configure(test.set("winograd_tile", 4), c), p).weight(p.bias);
    test.expect(p.expected()).kernel(kernel_of(c)).run();
  }
}

TEST_CASE("QLinearConv of nothing", "[qlinear_conv]") {
  check({.x = {0, 3, 5, 5}, .w = {4, 3, 3, 3}});
}

TEST_CASE("FusedQLinearConv adds a float bias and applies an activation", "[qlinear_conv]") {
  for (int64_t groups : {1, 9}) {
    const Case c{.x = {1, 9, 5, 9}, .w = {9, 9 / groups, 3, 3}, .groups = groups, .bias = false};
    const Problem p(c);
    const TestTensor bias = random_tensor(DType::kInt32, {9}, 8, -100, 100);
    TestTensor float_bias = make_tensor(DType::kFloat32, {9});
    for (int64_t i = 0; i < 9; ++i) set_element(float_bias, i, element(bias, i) / 16);
    for (const char* activation : {"", "Relu", "Clip", "LeakyRelu"}) {
      const double low = activation[0] == 'R' ? 0 : activation[0] == 'C' ? -100 : -HUGE_VAL;
      const double high = activation[0] == 'C' ? 160 : HUGE_VAL;
      TestTensor y = make_tensor(DType::kUint8, p.sums.shape);
      for (int64_t i = 0; i < y.size(); ++i) {
        const int64_t channel = reference::channel_of(y.shape, 1, i);
        const double real =
            element(p.sums, i) * double{Problem::kXScale} * element(p.w_scale, channel) +
            element(float_bias, channel);
        const double leaked = activation[0] == 'L' && real < 0 ? 0.25 * real : real;
        set_element(y, i,
                    reference::quantize(std::clamp(leaked, low, high) / double{Problem::kYScale},
                                        element(p.y_zero, 0), DType::kUint8));
      }
      OpTest test("FusedQLinearConv", 1, "sardonyx");
      configure(test, c);
      if (activation[0] != 0) test.set("activation", activation);
      if (activation[0] == 'C') test.floats("activation_params", {-100, 160});
      if (activation[0] == 'L') test.floats("activation_params", {0.25f});
      add_inputs(test, p).weight(float_bias).expect(y).run();
    }
  }
}

TEST_CASE("FusedQLinearConv with zero points left out", "[qlinear_conv]") {
  const TestTensor x = random_codes(DType::kInt8, {1, 3, 5, 5}, 1);
  const TestTensor w = random_codes(DType::kInt8, {4, 3, 2, 2}, 2);
  const TestTensor sums =
      reference::conv(centered(x, {}, 1), centered(w, {}, 0), nullptr, 1, Window({2, 2}));
  OpTest("FusedQLinearConv", 1, "sardonyx")
      .input(x)
      .weight(scalar(0.5f))
      .absent()
      .weight(w)
      .weight(scalar(0.5f))
      .absent()
      .weight(scalar(8.0f))
      .expect(reference::requantized(sums, 1, 0.5, scalar(0.5f), 8, scalar<uint8_t>(0)))
      .run();
}

TEST_CASE("QLinearConv refuses wrong parameters", "[qlinear_conv]") {
  const Case c{.x = {1, 3, 5, 5}, .w = {4, 3, 3, 3}};
  const Problem p(c);
  const auto with = [&](const TestTensor& x_scale, const TestTensor& w_scale,
                        const TestTensor& y_scale, const TestTensor& bias) {
    OpTest test("QLinearConv", 10);
    test.input(p.x).constant(x_scale).constant(p.x_zero);
    test.constant(p.w).constant(w_scale).constant(p.w_zero);
    return test.constant(y_scale).constant(p.y_zero).constant(bias);
  };
  const TestTensor one = scalar(1.0f);
  with(scalar(0.0f), one, one, p.bias).fails(ErrorCode::VALUE_RANGE);
  with(one, scalar(-1.0f), one, p.bias).fails(ErrorCode::VALUE_RANGE);
  with(one, one, scalar(NAN), p.bias).fails(ErrorCode::VALUE_RANGE);
  with(one, f32({3}, {1, 1, 1}), one, p.bias).fails(ErrorCode::SHAPE_MISMATCH);
  with(f32({2}, {1, 1}), one, one, p.bias).fails(ErrorCode::SHAPE_MISMATCH);
  with(one, one, one, random_f32({4}, 1)).fails(ErrorCode::DTYPE_UNSUPPORTED);
  with(one, one, one, i32({3}, {1, 1, 1})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("QLinearConv", 10).input(p.x).constant(one).fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest sigmoid("FusedQLinearConv", 1, "sardonyx");
  add_inputs(sigmoid.set("activation", "Sigmoid"), p).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest falling("FusedQLinearConv", 1, "sardonyx");
  falling.set("activation", "LeakyRelu").floats("activation_params", {-0.5f});
  add_inputs(falling, p).fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
