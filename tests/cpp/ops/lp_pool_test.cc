#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/convolution.h"

namespace sardonyx::test {
namespace {

using reference::Window;

TestTensor reference_lp_pool(const TestTensor& x, const Window& window, double p) {
  TestTensor y = make_tensor(x.dtype, window.out_shape(x.shape, x.shape[1]));
  const int64_t in_plane = x.shape.product(2, x.shape.rank());
  int64_t at = 0;
  for (int64_t plane = 0; plane < x.shape[0] * x.shape[1]; ++plane) {
    reference::for_each_index(reference::spatial(y.shape), [&](const reference::Ints& index) {
      double sum = 0;
      reference::for_each_tap(window, x.shape, index, [&](int64_t, int64_t offset, bool) {
        if (offset >= 0) sum += std::pow(std::fabs(element(x, plane * in_plane + offset)), p);
      });
      set_element(y, at++, std::pow(sum, 1 / p));
    });
  }
  return y;
}

OpTest lp_pool(const Window& window, int64_t p) {
  OpTest test("LpPool", 18);
  test.ints("kernel_shape", window.kernel).ints("strides", window.stride).set("p", p);
  test.ints("dilations", window.dilation).ints("pads", window.pads());
  return test.tolerance(1e-4, 1e-5);
}

TEST_CASE("LpPool over one, two and three axes", "[lp_pool]") {
  for (int64_t p : {1, 2, 3}) {
    Window line({3});
    line.pad_begin = {1};
    const TestTensor row = random_f32({2, 3, 9}, 1);
    lp_pool(line, p).input(row).expect(reference_lp_pool(row, line, static_cast<double>(p))).run();
    Window square({2, 3});
    square.stride = {2, 1};
    square.dilation = {1, 2};
    square.pad_end = {1, 2};
    const TestTensor image = random_f32({1, 2, 5, 7}, 2);
    const double exponent = static_cast<double>(p);
    lp_pool(square, p).input(image).expect(reference_lp_pool(image, square, exponent)).run();
    Window cube({2, 2, 2});
    const TestTensor volume = random_f32({1, 1, 3, 4, 3}, 3);
    lp_pool(cube, p).input(volume).expect(reference_lp_pool(volume, cube, exponent)).run();
  }
}

TEST_CASE("LpPool of float16", "[lp_pool]") {
  const Window square({2, 2});
  const TestTensor x = random_tensor(DType::kFloat16, {1, 2, 4, 4}, 2);
  lp_pool(square, 2).input(x).tolerance(1e-2, 1e-2).expect(reference_lp_pool(x, square, 2)).run();
}

TEST_CASE("GlobalLpPool", "[lp_pool]") {
  const TestTensor x = random_f32({2, 3, 4, 5}, 1);
  const TestTensor y = reference_lp_pool(x, Window({4, 5}), 2);
  OpTest("GlobalLpPool", 2).input(x).tolerance(1e-4, 1e-5).expect(y).run();
  const TestTensor y3 = reference_lp_pool(x, Window({4, 5}), 3);
  OpTest("GlobalLpPool", 1).set("p", 3.0).input(x).tolerance(1e-4, 1e-5).expect(y3).run();
}

TEST_CASE("LpPool refuses what does not fit", "[lp_pool]") {
  const TestTensor x = random_f32({1, 1, 4, 4}, 1);
  OpTest("LpPool").input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  lp_pool(Window({2, 2}), 0).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  lp_pool(Window({2}), 2).input(x).fails(ErrorCode::SHAPE_MISMATCH);
  lp_pool(Window({5, 2}), 2).input(x).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("GlobalLpPool").input(random_f32({2, 3}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
