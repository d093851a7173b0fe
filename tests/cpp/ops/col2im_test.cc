#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/convolution.h"

namespace sardonyx::test {
namespace {

using reference::Ints;
using reference::Window;

TestTensor reference_col2im(const TestTensor& x, const Ints& image, const Window& window) {
  int64_t taps = 1;
  for (int64_t extent : window.kernel) taps *= extent;
  Shape out{x.shape[0], x.shape[1] / taps};
  for (int64_t extent : image) out.push_back(extent);
  TestTensor y = make_tensor(x.dtype, out);
  for (int64_t i = 0; i < y.size(); ++i) set_element(y, i, 0);
  const Shape steps = window.out_shape(out, 1);
  const int64_t plane = out.product(2, out.rank());
  for (int64_t p = 0; p < out[0] * out[1]; ++p) {
    int64_t block = 0;
    reference::for_each_index(reference::spatial(steps), [&](const Ints& at) {
      reference::for_each_tap(window, out, at, [&](int64_t tap, int64_t offset, bool) {
        if (offset < 0) return;
        const int64_t to = p * plane + offset;
        set_element(y, to, element(y, to) + element(x, (p * taps + tap) * x.shape[2] + block));
      });
      ++block;
    });
  }
  return y;
}

void check(const Shape& x_shape, const Ints& image, const Window& window) {
  const TestTensor x = random_f32(x_shape, 1);
  const auto axes = static_cast<int64_t>(image.size());
  OpTest test("Col2Im", 18);
  test.ints("strides", window.stride).ints("dilations", window.dilation);
  test.ints("pads", window.pads()).input(x).weight(i64({axes}, image));
  test.weight(i64({axes}, window.kernel)).expect(reference_col2im(x, image, window)).run();
}

TEST_CASE("Col2Im over one, two and three axes", "[col2im]") {
  check({2, 6, 4}, {6}, Window({3}));
  check({1, 12, 15}, {4, 7}, Window({2, 3}));
}

TEST_CASE("Col2Im with strides, dilations and padding", "[col2im]") {
  Window w({2, 2});
  w.stride = {2, 1};
  w.dilation = {1, 2};
  w.pad_begin = {1, 0};
  w.pad_end = {1, 2};
  // Blocks: (5 + 2 - 2) / 2 + 1 = 3 by 5 + 2 - 3 + 1 = 5.
  check({2, 8, 15}, {5, 5}, w);
  check({1, 8, 12}, {3, 4, 3}, Window({2, 2, 2}));
}

TEST_CASE("Col2Im refuses what does not fit", "[col2im]") {
  const TestTensor x = random_f32({1, 4, 4}, 1);
  const auto test = [&](const Ints& image, const Ints& block) {
    OpTest out("Col2Im", 18);
    out.input(x).weight(i64({static_cast<int64_t>(image.size())}, image));
    return out.weight(i64({static_cast<int64_t>(block.size())}, block));
  };
  test({3, 3}, {2}).fails(ErrorCode::SHAPE_MISMATCH);
  test({3, 4}, {2, 2}).fails(ErrorCode::SHAPE_MISMATCH);
  test({3, 3}, {3, 1}).fails(ErrorCode::SHAPE_MISMATCH);
  test({3, 3}, {0, 2}).fails(ErrorCode::ATTRIBUTE_INVALID);
  test({-3, 3}, {2, 2}).fails(ErrorCode::VALUE_RANGE);
}

}  // namespace
}  // namespace sardonyx::test
