#include <complex>
#include <numbers>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

using Complex = std::complex<double>;

std::vector<Complex> transform(std::vector<Complex> x, size_t length, bool inverse) {
  x.resize(length);
  std::vector<Complex> y(length);
  for (size_t k = 0; k < length; ++k) {
    for (size_t i = 0; i < length; ++i) {
      const double angle =
          2 * std::numbers::pi * static_cast<double>(i * k % length) / static_cast<double>(length);
      y[k] += x[i] * std::polar(1.0, inverse ? angle : -angle);
    }
    if (inverse) y[k] /= static_cast<double>(length);
  }
  return y;
}

struct Case {
  int axis = 1;
  bool inverse = false, onesided = false;
  int64_t length = 0;  // 0: that of x
};

TestTensor reference_dft(const Case& c, const TestTensor& x) {
  const int last = x.shape.rank() - 1;
  const int64_t dim = x.shape[c.axis], parts = x.shape[last];
  const bool mirrored = c.inverse && c.onesided;
  const int64_t length = c.length ? c.length : mirrored ? 2 * (dim - 1) : dim;
  Shape out = x.shape;
  out[c.axis] = c.onesided && !c.inverse ? length / 2 + 1 : length;
  out[last] = mirrored ? 1 : 2;
  TestTensor y = make_tensor(x.dtype, out);
  const int64_t inner = x.shape.product(c.axis + 1, last);
  for (int64_t line = 0; line < x.shape.product(0, c.axis) * inner; ++line) {
    std::vector<Complex> values;
    for (int64_t i = 0; i < dim; ++i) {
      const int64_t at = ((line / inner * dim + i) * inner + line % inner) * parts;
      values.push_back({element(x, at), parts == 2 ? element(x, at + 1) : 0});
    }
    if (mirrored) {
      values.resize(static_cast<size_t>(length));
      for (int64_t i = length / 2 + 1; i < length; ++i) {
        values[static_cast<size_t>(i)] = std::conj(values[static_cast<size_t>(length - i)]);
      }
    }
    const auto spectrum = transform(values, static_cast<size_t>(length), c.inverse);
    for (int64_t i = 0; i < out[c.axis]; ++i) {
      const int64_t at = ((line / inner * out[c.axis] + i) * inner + line % inner) * out[last];
      set_element(y, at, spectrum[static_cast<size_t>(i)].real());
      if (out[last] == 2) set_element(y, at + 1, spectrum[static_cast<size_t>(i)].imag());
    }
  }
  return y;
}

void check(const Case& c, const TestTensor& x) {
  const TestTensor y = reference_dft(c, x);
  for (int opset : {17, 20}) {
    OpTest test("DFT", opset);
    test.set("inverse", c.inverse ? 1 : 0).set("onesided", c.onesided ? 1 : 0);
    if (opset == 17) test.set("axis", c.axis);
    test.input(x).tolerance(1e-4, 1e-4);
    if (c.length > 0) {
      test.weight(scalar<int64_t>(c.length));
    } else if (opset == 20) {
      test.absent();
    }
    if (opset == 20) test.weight(scalar<int64_t>(c.axis - x.shape.rank()));
    test.expect(y).run();
  }
}

TEST_CASE("DFT of many lengths", "[dft]") {
  for (int64_t length : {1, 2, 3, 4, 6, 7, 8, 15, 16, 20, 31, 36, 64}) {
    check({}, random_f32({2, length, 1}, 1));
    check({}, random_f32({1, length, 2}, 2));
    check({.inverse = true}, random_f32({1, length, 2}, 3));
    check({.onesided = true}, random_f32({1, length, 1}, 4));
  }
}

TEST_CASE("DFT along every axis, cut and padded", "[dft]") {
  const TestTensor x = random_f32({3, 4, 5, 2}, 1);
  for (int axis : {0, 1, 2}) {
    check({.axis = axis}, x);
    check({.axis = axis, .length = 3}, x);
    check({.axis = axis, .inverse = true, .length = 7}, x);
  }
}

TEST_CASE("DFT of a one-sided spectrum gives real numbers", "[dft]") {
  TestTensor x = random_f32({2, 5, 2}, 1);
  // The spectrum of real numbers is real at 0 and at half the length.
  for (int64_t line = 0; line < 2; ++line) {
    set_element(x, line * 10 + 1, 0);
    set_element(x, line * 10 + 9, 0);
  }
  check({.inverse = true, .onesided = true}, x);
  check({.inverse = true, .onesided = true, .length = 8}, x);
}

TEST_CASE("DFT refuses what does not fit", "[dft]") {
  const TestTensor x = random_f32({2, 5, 1}, 1);
  OpTest("DFT", 17).set("axis", 2).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("DFT", 17).input(random_f32({2, 5, 3}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("DFT", 17).input(x).input(scalar<int64_t>(0)).fails(ErrorCode::VALUE_RANGE);
  OpTest("DFT", 17).input(x).constant(scalar<int64_t>(-4)).fails(ErrorCode::VALUE_RANGE);
  OpTest("DFT", 20)
      .input(x)
      .absent()
      .constant(scalar<int64_t>(5))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
