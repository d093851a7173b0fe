#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/convolution.h"

namespace sardonyx::test {
namespace {

using reference::for_each_index;
using reference::Ints;
using reference::spatial;

struct Case {
  Shape x, w;  // w [channels, filters per group, ...]
  Ints out;    // spatial extents
  int64_t groups = 1;
  Ints stride, dilation, pad_begin;
};

int64_t flat(const Ints& index, const Ints& extents) {
  int64_t offset = 0;
  for (size_t i = 0; i < index.size(); ++i) offset = offset * extents[i] + index[i];
  return offset;
}

// Adds every input element into the windows of the output, in double.
TestTensor reference_of(const Case& c, const TestTensor& x, const TestTensor& w,
                        const TestTensor* bias) {
  const int64_t group_filters = c.w[1], filters = group_filters * c.groups;
  const int64_t group_channels = c.x[1] / c.groups;
  Shape shape{c.x[0], filters};
  for (int64_t dim : c.out) shape.push_back(dim);
  TestTensor y = make_tensor(DType::kFloat32, shape);
  const Ints in = spatial(c.x), kernel = spatial(c.w);
  const int64_t taps = w.shape.product(2, w.shape.rank());
  const int64_t plane = x.shape.product(2, x.shape.rank());
  const int64_t out_plane = y.shape.product(2, y.shape.rank());
  for (int64_t n = 0; n < c.x[0]; ++n) {
    for (int64_t m = 0; m < filters; ++m) {
      std::vector<double> sums(static_cast<size_t>(out_plane), bias ? element(*bias, m) : 0.0);
      for (int64_t i = 0; i < group_channels; ++i) {
        const int64_t channel = m / group_filters * group_channels + i;
        for_each_index(in, [&](const Ints& at) {
          for_each_index(kernel, [&](const Ints& tap) {
            Ints to(at.size());
            for (size_t a = 0; a < at.size(); ++a) {
              to[a] = at[a] * c.stride[a] + tap[a] * c.dilation[a] - c.pad_begin[a];
              if (to[a] < 0 || to[a] >= c.out[a]) return;
            }
            sums[static_cast<size_t>(flat(to, c.out))] +=
                element(x, (n * c.x[1] + channel) * plane + flat(at, in)) *
                element(w,
                        (channel * group_filters + m % group_filters) * taps + flat(tap, kernel));
          });
        });
      }
      for (int64_t i = 0; i < out_plane; ++i) {
        set_element(y, (n * filters + m) * out_plane + i, sums[static_cast<size_t>(i)]);
      }
    }
  }
  return y;
}

OpTest test_of(const Case& c, bool with_bias) {
  const TestTensor x = random_f32(c.x, 1), w = random_f32(c.w, 2, -1, 1);
  const TestTensor bias = random_f32({c.w[1] * c.groups}, 3);
  OpTest test("ConvTranspose", 13);
  test.tolerance(1e-5, 2e-5).input(x).weight(w);
  if (with_bias) test.weight(bias);
  if (c.groups != 1) test.set("group", c.groups);
  test.ints("strides", c.stride).ints("dilations", c.dilation);
  test.expect(reference_of(c, x, w, with_bias ? &bias : nullptr));
  return test;
}

}  // namespace

TEST_CASE("ConvTranspose over two axes, with strides, dilations and padding", "[conv_transpose]") {
  test_of({{1, 3, 4, 5}, {3, 2, 3, 3}, {6, 7}, 1, {1, 1}, {1, 1}, {0, 0}}, true).run();
  test_of({{2, 4, 3, 5}, {4, 5, 2, 2}, {6, 10}, 1, {2, 2}, {1, 1}, {0, 0}}, false).run();
  test_of({{1, 2, 4, 3}, {2, 3, 3, 2}, {5, 5}, 1, {2, 3}, {1, 2}, {2, 1}}, true)
      .ints("pads", {2, 1, 2, 3})
      .run();
  test_of({{1, 2, 3, 3}, {2, 1, 3, 3}, {10, 8}, 1, {3, 2}, {1, 1}, {0, 0}}, true)
      .ints("output_padding", {1, 1})
      .run();
}

TEST_CASE("ConvTranspose of many filters, taps and pixels", "[conv_transpose]") {
  // More than one part of the filters, more outputs in a row than are summed at a time.
  test_of({{1, 5, 40, 41}, {5, 18, 4, 4}, {82, 84}, 1, {2, 2}, {1, 1}, {0, 0}}, true).run();
  test_of({{1, 3, 2, 300}, {3, 5, 3, 2}, {6, 600}, 1, {3, 2}, {1, 1}, {0, 0}}, true).run();
  test_of({{1, 9, 5, 6}, {9, 7, 5, 3}, {9, 27}, 1, {1, 4}, {1, 3}, {0, 0}}, true).run();
  test_of({{2, 4, 3, 3}, {4, 8, 1, 1}, {13, 9}, 1, {6, 4}, {1, 1}, {0, 0}}, false).run();
}

TEST_CASE("ConvTranspose keeps NaN and infinities where they are", "[conv_transpose]") {
  const Case c{{1, 2, 4, 5}, {2, 4, 3, 3}, {9, 11}, 1, {2, 2}, {1, 1}, {0, 0}};
  for (float special : {NAN, INFINITY, -INFINITY, -0.0f, 1e-42f}) {
    TestTensor x = random_f32(c.x, 1);
    x.as<float>()[7] = special;
    const TestTensor w = random_f32(c.w, 2, 0.5, 1);
    OpTest test("ConvTranspose", 11);
    test.ints("strides", c.stride).tolerance(1e-5, 2e-5).input(x).weight(w);
    test.expect(reference_of(c, x, w, nullptr)).run();
  }
}

TEST_CASE("ConvTranspose in groups", "[conv_transpose]") {
  test_of({{2, 6, 3, 4}, {6, 2, 2, 3}, {4, 6}, 3, {1, 1}, {1, 1}, {0, 0}}, true).run();
  test_of({{1, 5, 3, 4}, {5, 1, 3, 3}, {7, 9}, 5, {2, 2}, {1, 1}, {0, 0}}, false).run();
}

TEST_CASE("ConvTranspose over one and three axes", "[conv_transpose]") {
  test_of({{2, 3, 7}, {3, 4, 4}, {16}, 1, {2}, {1}, {0}}, true).run();
  test_of({{1, 2, 2, 3, 4}, {2, 3, 2, 1, 3}, {4, 5, 6}, 1, {2, 2, 1}, {1, 1, 1}, {0, 0, 0}}, true)
      .run();
}

TEST_CASE("ConvTranspose to a given size", "[conv_transpose]") {
  // Of 7 elements 6 are kept: the first is cut off, or with SAME_UPPER the last.
  test_of({{1, 1, 3, 3}, {1, 2, 3, 3}, {6, 6}, 1, {2, 2}, {1, 1}, {1, 1}}, true)
      .ints("output_shape", {6, 6})
      .run();
  test_of({{1, 1, 3, 3}, {1, 2, 3, 3}, {6, 6}, 1, {2, 2}, {1, 1}, {0, 0}}, true)
      .ints("output_shape", {6, 6})
      .set("auto_pad", "SAME_UPPER")
      .run();
  test_of({{1, 1, 3, 3}, {1, 2, 3, 3}, {6, 6}, 1, {2, 2}, {1, 1}, {0, 0}}, true)
      .set("auto_pad", "SAME_UPPER")
      .run();
  test_of({{1, 1, 3, 3}, {1, 2, 3, 3}, {6, 6}, 1, {2, 2}, {1, 1}, {1, 1}}, true)
      .set("auto_pad", "SAME_LOWER")
      .run();
}

TEST_CASE("ConvTranspose refuses what does not fit", "[conv_transpose]") {
  const TestTensor x = random_f32({1, 4, 3, 3}, 1);
  OpTest("ConvTranspose").input(x).fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("ConvTranspose")
      .input(x)
      .input(random_f32({3, 2, 2, 2}, 2))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("ConvTranspose").input(x).input(random_f32({4, 2, 2}, 2)).fails(ErrorCode::SHAPE_MISMATCH);
  // No channels, of the input and of the output.
  OpTest("ConvTranspose")
      .input(random_f32({1, 0, 3, 3}, 1))
      .input(random_f32({0, 2, 2, 2}, 2))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("ConvTranspose")
      .input(x)
      .input(random_f32({4, 0, 2, 2}, 2))
      .fails(ErrorCode::SHAPE_MISMATCH);
  const TestTensor w = random_f32({4, 2, 2, 2}, 2);
  OpTest("ConvTranspose")
      .set("group", int64_t{3})
      .input(x)
      .input(w)
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("ConvTranspose")
      .set("group", int64_t{0})
      .input(x)
      .input(w)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("ConvTranspose")
      .input(x)
      .input(w)
      .input(random_f32({3}, 3))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("ConvTranspose")
      .ints("pads", {4, 0, 4, 0})
      .input(x)
      .input(w)
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("ConvTranspose")
      .ints("output_padding", {1, 0})
      .input(x)
      .input(w)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("ConvTranspose")
      .ints("output_shape", {7})
      .input(x)
      .input(w)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("ConvTranspose")
      .ints("kernel_shape", {3, 3})
      .input(x)
      .input(w)
      .fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace sardonyx::test
