#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

struct Case {
  Shape x, w;
  int64_t groups = 1, offset_groups = 1;
  int64_t stride = 1, pad = 0, dilation = 1;
  bool with_bias = false, with_mask = false;

  int64_t out(int axis) const {
    return (x[axis] + 2 * pad - ((w[axis] - 1) * dilation + 1)) / stride + 1;
  }
  int64_t taps() const { return w[2] * w[3]; }
};

// Between the elements of plane `p` of x; zero outside.
double between(const TestTensor& x, int64_t p, double v, double u) {
  const int64_t height = x.shape[2], width = x.shape[3];
  double sum = 0;
  for (int64_t r = 0; r < height; ++r) {
    for (int64_t c = 0; c < width; ++c) {
      const double a = 1 - std::fabs(v - static_cast<double>(r));
      const double b = 1 - std::fabs(u - static_cast<double>(c));
      if (a > 0 && b > 0) sum += a * b * element(x, (p * height + r) * width + c);
    }
  }
  return sum;
}

void check(const Case& c) {
  const int64_t height = c.out(2), width = c.out(3), filters = c.w[0];
  const int64_t maps = c.offset_groups * c.taps();
  const TestTensor x = random_f32(c.x, 1), w = random_f32(c.w, 2);
  const TestTensor offset = random_f32({c.x[0], 2 * maps, height, width}, 3, -1.5, 1.5);
  const TestTensor mask = random_f32({c.x[0], maps, height, width}, 4, 0, 1);
  const TestTensor bias = random_f32({filters}, 5);
  TestTensor y = make_tensor(DType::kFloat32, {c.x[0], filters, height, width});
  for (int64_t i = 0; i < y.size(); ++i) {
    const int64_t column = i % width, row = i / width % height;
    const int64_t f = i / width / height % filters, n = i / width / height / filters;
    const int64_t group = f / (filters / c.groups);
    double sum = c.with_bias ? element(bias, f) : 0;
    for (int64_t k = 0; k < c.w[1] * c.taps(); ++k) {
      const int64_t channel = group * c.w[1] + k / c.taps(), tap = k % c.taps();
      const int64_t map = n * maps + channel / (c.x[1] / c.offset_groups) * c.taps() + tap;
      const int64_t plane = height * width, at = row * width + column;
      const double v = static_cast<double>(row * c.stride - c.pad + tap / c.w[3] * c.dilation) +
                       element(offset, 2 * map * plane + at);
      const double u = static_cast<double>(column * c.stride - c.pad + tap % c.w[3] * c.dilation) +
                       element(offset, (2 * map + 1) * plane + at);
      const double factor = c.with_mask ? element(mask, map * plane + at) : 1;
      sum +=
          element(w, f * c.w[1] * c.taps() + k) * factor * between(x, n * c.x[1] + channel, v, u);
    }
    set_element(y, i, sum);
  }
  OpTest test("DeformConv", 22);
  test.set("group", c.groups).set("offset_group", c.offset_groups).tolerance(1e-4, 1e-4);
  test.ints("strides", {c.stride, c.stride}).ints("dilations", {c.dilation, c.dilation});
  test.ints("pads", {c.pad, c.pad, c.pad, c.pad}).input(x).weight(w).input(offset);
  c.with_bias ? test.weight(bias) : test.absent();
  if (c.with_mask) test.input(mask);
  test.expect(y).run();
}

TEST_CASE("DeformConv with groups, strides and masks", "[deform_conv]") {
  check({.x = {1, 1, 4, 5}, .w = {1, 1, 2, 2}});
  check({.x = {2, 4, 5, 5}, .w = {6, 2, 3, 3}, .groups = 2, .pad = 1, .with_bias = true});
  check({.x = {1, 4, 6, 5},
         .w = {2, 4, 2, 3},
         .offset_groups = 2,
         .stride = 2,
         .pad = 1,
         .dilation = 2,
         .with_bias = true,
         .with_mask = true});
}

TEST_CASE("DeformConv refuses what does not fit", "[deform_conv]") {
  const TestTensor x = random_f32({1, 3, 4, 4}, 1), w = random_f32({2, 3, 2, 2}, 2);
  const TestTensor offset = random_f32({1, 8, 3, 3}, 3);
  const auto test = [&](const TestTensor& given) {
    return OpTest("DeformConv", 22).input(x).weight(w).input(given);
  };
  test(random_f32({1, 7, 3, 3}, 3)).fails(ErrorCode::SHAPE_MISMATCH);
  test(random_f32({1, 8, 3, 4}, 3)).fails(ErrorCode::SHAPE_MISMATCH);
  test(offset).set("offset_group", 2).fails(ErrorCode::ATTRIBUTE_INVALID);
  test(offset).set("group", 2).fails(ErrorCode::SHAPE_MISMATCH);
  test(offset).absent().input(random_f32({1, 3, 3, 3}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
