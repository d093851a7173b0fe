#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/convolution.h"

namespace sardonyx::test {
namespace {

using reference::Ints;
using reference::Window;

struct Case {
  Shape x, w;
  int64_t groups = 1;
  Ints stride, dilation, pads;
};

Window window_of(const Case& c) {
  Window window(reference::spatial(c.w));
  if (!c.stride.empty()) window.stride = c.stride;
  if (!c.dilation.empty()) window.dilation = c.dilation;
  const size_t axes = window.axes();
  if (!c.pads.empty()) {
    window.pad_begin.assign(c.pads.begin(), c.pads.begin() + static_cast<long>(axes));
    window.pad_end.assign(c.pads.begin() + static_cast<long>(axes), c.pads.end());
  }
  return window;
}

OpTest& with_window(OpTest& test, const Case& c) {
  if (!c.stride.empty()) test.ints("strides", c.stride);
  if (!c.dilation.empty()) test.ints("dilations", c.dilation);
  if (!c.pads.empty()) test.ints("pads", c.pads);
  if (c.groups != 1) test.set("group", c.groups);
  return test.tolerance(1e-5, 2e-5);
}

void check(const Case& c, bool with_bias, const char* kernel = nullptr) {
  INFO("x " << c.x.to_string() << " w " << c.w.to_string() << " groups " << c.groups);
  const TestTensor x = random_f32(c.x, 1), w = random_f32(c.w, 2, -1, 1);
  const TestTensor bias = random_f32({c.w[0]}, 3);
  OpTest test("Conv", 13);
  with_window(test, c).input(x).weight(w);
  if (with_bias) test.weight(bias);
  if (kernel) test.kernel(kernel);
  test.expect(reference::conv(x, w, with_bias ? &bias : nullptr, c.groups, window_of(c))).run();
}

TEST_CASE("Conv 1x1 for all channel remainders", "[conv]") {
  for (int64_t in : {1, 3, 4, 5, 8, 11}) {
    for (int64_t out : {1, 3, 4, 7, 8, 9, 33}) {
      check({{1, in, 3, 5}, {out, in, 1, 1}, 1, {}, {}, {}}, true,
            out < 4 ? "conv_direct" : "conv_1x1");
    }
  }
  check({{2, 7, 1, 1}, {37, 7, 1, 1}, 1, {}, {}, {}}, false);
  check({{2, 6, 7, 9}, {10, 6, 1, 1}, 1, {2, 2}, {}, {}}, true);
  check({{1, 5, 8, 8}, {6, 5, 1, 1}, 1, {3, 1}, {}, {1, 0, 2, 1}}, true);
}

TEST_CASE("Conv 3x3 and larger over odd shapes", "[conv]") {
  for (int64_t in : {1, 2, 3, 4, 5, 9}) {
    for (int64_t out : {1, 5, 8, 12}) {
      check({{1, in, 6, 7}, {out, in, 3, 3}, 1, {}, {}, {1, 1, 1, 1}}, true,
            out < 4 ? "conv_direct" : "conv_indirect");
      check({{1, in, 6, 7}, {out, in, 3, 3}, 1, {2, 2}, {}, {0, 1, 1, 0}}, true);
    }
  }
  check({{2, 3, 11, 10}, {9, 3, 7, 7}, 1, {2, 2}, {}, {3, 3, 3, 3}}, true);
  check({{1, 6, 9, 1}, {4, 6, 5, 1}, 1, {}, {}, {2, 0, 2, 0}}, false);
  check({{1, 5, 12, 13}, {6, 5, 3, 3}, 1, {}, {2, 3}, {2, 3, 2, 3}}, true);
  check({{1, 3, 12, 13}, {6, 3, 3, 3}, 1, {2, 1}, {3, 2}, {1, 0, 0, 2}}, true);
  check({{1, 4, 3, 3}, {5, 4, 3, 3}, 1, {}, {}, {}}, true);
  check({{1, 4, 2, 2}, {5, 4, 1, 1}, 1, {}, {}, {5, 4, 3, 2}}, true);
  check({{1, 2, 5, 5}, {3, 2, 5, 5}, 1, {1, 1}, {}, {4, 4, 4, 4}}, true);
}

TEST_CASE("Conv with more work than one chunk", "[conv]") {
  check({{1, 48, 20, 21}, {72, 48, 3, 3}, 1, {}, {}, {1, 1, 1, 1}}, true);
  check({{1, 200, 5, 5}, {264, 200, 1, 1}, 1, {}, {}, {}}, true);
}

TEST_CASE("Conv by Winograd's algorithm where the engine asks for it and layouts allow it",
          "[conv]") {
  for (int64_t tile : {2, 4}) {
    for (const Case& c : {Case{{2, 9, 7, 10}, {13, 9, 3, 3}, 1, {}, {}, {1, 1, 1, 1}},
                          Case{{1, 16, 9, 5}, {24, 8, 3, 3}, 2, {}, {}, {0, 1, 2, 0}}}) {
      const TestTensor x = random_f32(c.x, 1), w = random_f32(c.w, 2, -1, 1);
      const TestTensor bias = random_f32({c.w[0]}, 3);
      OpTest test("Conv", 13);
      with_window(test, c).set("winograd_tile", tile).input(x).weight(w).weight(bias);
      test.kernel("conv_indirect");  // row-major
      test.expect(reference::conv(x, w, &bias, c.groups, window_of(c))).run();
    }
  }
  // What a model may say itself is not believed.
  for (int64_t tile : {-4, 3, 6}) {
    const Case c{{1, 4, 8, 8}, {4, 4, 3, 3}, 1, {}, {}, {1, 1, 1, 1}};
    const TestTensor x = random_f32(c.x, 1), w = random_f32(c.w, 2);
    OpTest test("Conv", 13);
    with_window(test, c).set("winograd_tile", tile).input(x).weight(w);
    test.expect(reference::conv(x, w, nullptr, 1, window_of(c))).run();
  }
}

TEST_CASE("Conv depthwise", "[conv]") {
  const char* const sliding = "conv_depthwise_3x3";
  for (int64_t channels : {2, 3, 4, 5, 8}) {
    for (int64_t width : {1, 2, 3, 8, 11}) {
      for (int64_t pad : {0, 1, 2, 3}) {
        if (width + 2 * pad < 3) continue;
        const Case one{{1, channels, 5, width}, {channels, 1, 3, 3}, channels, {}, {},
                       {1, pad, 0, pad}};
        check(one, true, sliding);
        Case two = one;
        two.stride = {2, 2};
        check(two, true, sliding);
      }
    }
  }
  check({{2, 6, 9, 12}, {6, 1, 5, 5}, 6, {}, {}, {2, 2, 2, 2}}, true, "conv_depthwise");
  check({{2, 6, 9, 21}, {6, 1, 5, 5}, 6, {2, 1}, {}, {1, 2, 0, 1}}, false);
  check({{1, 7, 13, 14}, {7, 1, 3, 3}, 7, {1, 1}, {2, 2}, {2, 2, 2, 2}}, true);
  check({{1, 7, 13, 14}, {7, 1, 3, 2}, 7, {3, 2}, {1, 3}, {0, 1, 1, 0}}, true);
  check({{1, 4, 1, 9}, {4, 1, 1, 9}, 4, {}, {}, {0, 4, 0, 4}}, true);
}

TEST_CASE("Conv in groups", "[conv]") {
  check({{2, 6, 5, 7}, {9, 2, 3, 3}, 3, {}, {}, {1, 1, 1, 1}}, true, "conv_direct");
  check({{1, 10, 5, 7}, {14, 5, 3, 3}, 2, {2, 1}, {}, {1, 1, 1, 1}}, true, "conv_indirect");
  check({{1, 16, 5, 7}, {24, 8, 3, 3}, 2, {}, {}, {1, 1, 1, 1}}, true);
  check({{1, 8, 6, 6}, {32, 4, 1, 1}, 2, {}, {}, {}}, false);
  check({{1, 3, 6, 6}, {6, 1, 3, 3}, 3, {}, {}, {1, 1, 1, 1}}, true, "conv_direct");
  check({{1, 3, 6, 6}, {15, 1, 3, 3}, 3, {}, {}, {1, 1, 1, 1}}, true);
}

TEST_CASE("Conv of long kernels by Winograd along a line", "[conv]") {
  const Case cases[] = {
      {{2, 8, 9, 13}, {12, 8, 5, 5}, 1, {}, {}, {2, 2, 2, 2}},
      {{1, 4, 33, 1}, {9, 4, 5, 1}, 1, {}, {}, {}},
      {{1, 4, 5, 50}, {8, 4, 1, 39}, 1, {}, {}, {0, 19, 0, 19}},
      {{1, 4, 14, 11}, {8, 4, 7, 3}, 1, {1, 2}, {1, 3}, {3, 1, 2, 4}},
      {{1, 4, 23}, {8, 4, 9}, 1, {}, {}, {8, 0}},
      {{1, 4, 3, 4}, {8, 4, 4, 4}, 1, {}, {}, {3, 3, 3, 3}},
  };
  for (const Case& c : cases) {
    const TestTensor x = random_f32(c.x, 1), w = random_f32(c.w, 2, -1, 1),
                     bias = random_f32({c.w[0]}, 3);
    OpTest test("Conv", 13);
    with_window(test, c).set("winograd_tile", 1).input(x).weight(w).weight(bias);
    // 4e-6 of the largest output, which is about 15 here.
    test.kernel("conv_winograd_line").tolerance(1e-5, 6e-5);
    test.expect(reference::conv(x, w, &bias, 1, window_of(c))).run();
  }
  // What it does not compute is computed otherwise.
  const Case strided{{1, 4, 9, 9}, {8, 4, 5, 5}, 1, {2, 2}, {}, {}};
  const TestTensor x = random_f32(strided.x, 1), w = random_f32(strided.w, 2, -1, 1);
  OpTest test("Conv", 13);
  with_window(test, strided).set("winograd_tile", 1).input(x).weight(w).kernel("conv_indirect");
  test.expect(reference::conv(x, w, nullptr, 1, window_of(strided))).run();
}

TEST_CASE("Conv over three axes by Winograd along rows", "[conv]") {
  const Case cases[] = {
      {{2, 3, 4, 5, 6}, {4, 3, 3, 3, 3}, 1, {}, {}, {1, 1, 1, 1, 1, 1}},
      {{1, 5, 6, 7, 18}, {5, 5, 3, 3, 3}, 1, {}, {4, 4, 4}, {4, 4, 4, 4, 4, 4}},
      {{1, 5, 9, 4, 35}, {8, 5, 3, 1, 3}, 1, {2, 1, 1}, {2, 1, 2}, {1, 0, 2, 3, 0, 0}},
      {{1, 9, 1, 2, 3}, {10, 9, 1, 2, 3}, 1, {}, {}, {0, 1, 1, 0, 0, 1}},
  };
  for (const Case& c : cases) {
    const TestTensor x = random_f32(c.x, 1), w = random_f32(c.w, 2, -1, 1),
                     bias = random_f32({c.w[0]}, 3);
    OpTest test("Conv", 13);
    with_window(test, c).set("winograd_tile", 3).input(x).weight(w).weight(bias);
    // 3e-6 of the largest output, which is about 15 here.
    test.kernel("conv_winograd_rows").tolerance(1e-5, 4e-5);
    test.expect(reference::conv(x, w, &bias, 1, window_of(c))).run();
  }
}

TEST_CASE("Conv over one and three axes", "[conv]") {
  check({{2, 5, 17}, {6, 5, 3}, 1, {}, {}, {1, 1}}, true);
  check({{1, 3, 16}, {8, 3, 5}, 1, {3}, {2}, {0, 4}}, true);
  check({{1, 6, 9}, {6, 1, 3}, 6, {}, {}, {2, 0}}, true);
  check({{1, 3, 4, 5, 6}, {4, 3, 3, 3, 3}, 1, {}, {}, {1, 1, 1, 1, 1, 1}}, true, "conv_direct");
  check({{2, 2, 5, 5, 7}, {4, 1, 2, 3, 1}, 2, {1, 2, 2}, {2, 1, 1}, {0, 1, 0, 1, 1, 0}}, true);
  check({{1, 5, 6, 7, 18}, {5, 5, 3, 3, 3}, 1, {}, {4, 4, 4}, {4, 4, 4, 4, 4, 4}}, true);
  check({{1, 7, 3, 4, 35}, {19, 7, 1, 2, 5}, 1, {2, 1, 3}, {1, 3, 2}, {1, 2, 5, 0, 1, 4}}, false);
  check({{1, 4, 2, 2, 3}, {3, 4, 3, 3, 3}, 1, {}, {3, 1, 8}, {6, 2, 9, 3, 1, 8}}, true);
}

TEST_CASE("Conv pads automatically", "[conv]") {
  const TestTensor w = random_f32({4, 3, 3, 2}, 2);
  for (const Shape& shape : {Shape{1, 3, 7, 8}, Shape{1, 3, 6, 5}, Shape{1, 3, 1, 1}}) {
    const TestTensor x = random_f32(shape, 1);
    for (const char* mode : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
      Window window({3, 2});
      window.stride = {2, 1};
      for (size_t i = 0; i < 2 && std::string(mode) != "VALID"; ++i) {
        const int64_t in = shape[static_cast<int>(i) + 2], stride = window.stride[i];
        const int64_t total =
            std::max<int64_t>(((in + stride - 1) / stride - 1) * stride + window.kernel[i] - in, 0);
        window.pad_begin[i] = std::string(mode) == "SAME_UPPER" ? total / 2 : (total + 1) / 2;
        window.pad_end[i] = total - window.pad_begin[i];
      }
      OpTest test("Conv", 11);
      test.set("auto_pad", mode).ints("strides", {2, 1}).ints("kernel_shape", {3, 2});
      if (std::string(mode) == "VALID" && shape[2] < 3) {
        test.input(x).weight(w).fails(ErrorCode::SHAPE_MISMATCH);
        continue;
      }
      test.input(x).weight(w).expect(reference::conv(x, w, nullptr, 1, window)).run();
    }
  }
}

TEST_CASE("FusedConv adds Z and activates", "[conv]") {
  struct Fusion {
    const char* name;
    std::vector<float> params;
    double (*fn)(double);
  };
  const Fusion fusions[] = {
      {"Relu", {}, [](double v) { return std::max(v, 0.0); }},
      {"Clip", {0.0f, 1.5f}, [](double v) { return std::clamp(v, 0.0, 1.5); }},
      {"LeakyRelu", {0.25f}, [](double v) { return v < 0 ? 0.25 * v : v; }},
      {"Silu", {}, [](double v) { return v / (1 + std::exp(-v)); }},
  };
  const Case cases[] = {{{1, 5, 6, 7}, {10, 5, 3, 3}, 1, {}, {}, {1, 1, 1, 1}},
                        {{2, 4, 3, 5}, {7, 4, 1, 1}, 1, {}, {}, {}},
                        {{1, 6, 5, 9}, {6, 1, 3, 3}, 6, {}, {}, {1, 1, 1, 1}},
                        {{1, 6, 5, 9}, {6, 2, 3, 3}, 3, {}, {}, {1, 1, 1, 1}},
                        {{1, 6, 9}, {5, 6, 3}, 1, {}, {}, {1, 1}}};
  for (const Fusion& fusion : fusions) {
    for (const Case& c : cases) {
      for (bool residual : {false, true}) {
        const TestTensor x = random_f32(c.x, 4), w = random_f32(c.w, 5, -1, 1);
        const TestTensor bias = random_f32({c.w[0]}, 6);
        TestTensor y = reference::conv(x, w, &bias, c.groups, window_of(c));
        const TestTensor z = random_f32(y.shape, 7);
        for (int64_t i = 0; i < y.size(); ++i) {
          set_element(y, i, fusion.fn(element(y, i) + (residual ? element(z, i) : 0.0)));
        }
        OpTest test("FusedConv", 1, "com.microsoft");
        with_window(test, c).set("activation", fusion.name);
        test.floats("activation_params", fusion.params).input(x).weight(w).weight(bias);
        if (residual) test.input(z);
        test.expect(y).run();
      }
    }
  }
}

TEST_CASE("Conv keeps NaN and infinities where they are", "[conv]") {
  for (float special : {NAN, INFINITY, -INFINITY, -0.0f, 1e-42f}) {
    for (int64_t filters : {2, 5}) {
      TestTensor x = random_f32({1, 3, 6, 40}, 1);
      x.as<float>()[43] = special;
      const TestTensor w = random_f32({filters, 3, 3, 3}, 2);
      Window window({3, 3});
      window.pad_begin = window.pad_end = {1, 1};
      OpTest test("Conv", 11);
      test.ints("pads", {1, 1, 1, 1}).input(x).weight(w);
      test.tolerance(1e-5, 2e-5).expect(reference::conv(x, w, nullptr, 1, window)).run();
    }
  }
}

TEST_CASE("Conv of nothing", "[conv]") {
  const TestTensor w = random_f32({5, 3, 3, 3}, 2);
  OpTest("Conv", 11)
      .input(random_f32({0, 3, 6, 6}, 1))
      .weight(w)
      .expect(make_tensor(DType::kFloat32, {0, 5, 4, 4}))
      .run();
}

TEST_CASE("Conv refuses what does not fit", "[conv]") {
  const TestTensor x = random_f32({1, 4, 6, 6}, 1), w = random_f32({6, 4, 3, 3}, 2);
  const auto conv = [&](const TestTensor& input, const TestTensor& weights) {
    OpTest test("Conv", 11);
    test.input(input).weight(weights);
    return test;
  };
  conv(x, random_f32({6, 3, 3, 3}, 2)).fails(ErrorCode::SHAPE_MISMATCH);
  conv(x, random_f32({6, 4, 3}, 2)).fails(ErrorCode::SHAPE_MISMATCH);
  conv(x, random_f32({6, 4, 7, 7}, 2)).fails(ErrorCode::SHAPE_MISMATCH);
  conv(x, w).weight(random_f32({5}, 3)).fails(ErrorCode::SHAPE_MISMATCH);
  conv(x, w).set("group", 3).fails(ErrorCode::SHAPE_MISMATCH);
  conv(x, w).set("group", 0).fails(ErrorCode::ATTRIBUTE_INVALID);
  conv(x, w).ints("strides", {0, 1}).fails(ErrorCode::ATTRIBUTE_INVALID);
  conv(x, w).ints("strides", {1}).fails(ErrorCode::ATTRIBUTE_INVALID);
  conv(x, w).ints("pads", {1, 1, 1, -1}).fails(ErrorCode::ATTRIBUTE_INVALID);
  conv(x, w).ints("dilations", {int64_t{1} << 62, 1}).fails(ErrorCode::ATTRIBUTE_INVALID);
  conv(x, w).ints("kernel_shape", {3, 2}).fails(ErrorCode::SHAPE_MISMATCH);
  conv(x, w).set("auto_pad", "SIDEWAYS").fails(ErrorCode::ATTRIBUTE_INVALID);
  conv(random_tensor(DType::kInt32, {1, 4, 6, 6}, 1), w).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest fused("FusedConv", 1, "com.microsoft");
  fused.input(x).weight(w).absent().input(random_f32({1, 6, 4, 5}, 3));
  fused.fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
