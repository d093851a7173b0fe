#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/product.h"
#include "tests/cpp/ops/reference/quantized.h"

namespace sardonyx::test {
namespace {

using reference::centered;
using reference::product;
using reference::random_codes;

struct Problem {
  Problem(const Shape& a_shape, const Shape& b_shape, DType dtype, bool per_column)
      : a(random_codes(dtype, a_shape, 1)),
        b(random_codes(DType::kInt8, b_shape, 2)),
        a_zero(random_tensor(dtype, {}, 3, 0, 90)),
        y_zero(random_tensor(dtype, {}, 4, 0, 50)),
        b_scale(reference::random_scales(per_column ? b_shape[b_shape.rank() - 1] : 1, 5)),
        sums(product(centered(a, a_zero, 0), centered(b, {}, 0))) {}

  TestTensor expected() const {
    return reference::requantized(sums, sums.shape.rank() - 1, 0.5, b_scale, 32, y_zero);
  }
  OpTest& add_inputs(OpTest& test) const {
    test.input(a).weight(scalar(0.5f)).weight(a_zero);
    test.weight(b).weight(b_scale).weight(scalar<int8_t>(0));
    return test.weight(scalar(32.0f)).weight(y_zero);
  }
  TestTensor a, b, a_zero, y_zero, b_scale, sums;
};

TEST_CASE("QLinearMatMul over odd shapes", "[qlinear_matmul]") {
  for (DType dtype : {DType::kUint8, DType::kInt8}) {
    for (bool per_column : {false, true}) {
      for (int64_t m : {1, 6, 50}) {
        for (int64_t n : {1, 8, 21}) {
          const Problem p({m, 17}, {17, n}, dtype, per_column);
          OpTest test("QLinearMatMul", 10);
          p.add_inputs(test).expect(p.expected()).run();
        }
      }
      const Problem stack({3, 2, 7}, {3, 7, 5}, dtype, per_column);
      OpTest test("QLinearMatMul", 10);
      stack.add_inputs(test).expect(stack.expected()).run();
    }
  }
}

TEST_CASE("FusedQLinearMatMul adds a float bias and clamps", "[qlinear_matmul]") {
  const Problem p({5, 17}, {17, 9}, DType::kUint8, true);
  TestTensor bias = random_tensor(DType::kInt32, {9}, 8, -300, 300);
  TestTensor floats = make_tensor(DType::kFloat32, {9});
  for (int64_t i = 0; i < 9; ++i) set_element(floats, i, element(bias, i));
  TestTensor y = make_tensor(DType::kUint8, p.sums.shape);
  for (int64_t i = 0; i < y.size(); ++i) {
    const double real =
        element(p.sums, i) * 0.5 * element(p.b_scale, i % 9) + element(floats, i % 9);
    set_element(y, i,
                reference::quantize(std::max(real, 0.0) / 32, element(p.y_zero, 0), DType::kUint8));
  }
  OpTest test("FusedQLinearMatMul", 1, "sardonyx");
  p.add_inputs(test.set("activation", "Relu")).weight(floats).expect(y).run();
}

TEST_CASE("QLinearMatMul refuses wrong parameters", "[qlinear_matmul]") {
  const Problem p({2, 3}, {3, 4}, DType::kUint8, false);
  const auto with = [&](const TestTensor& a_scale, const TestTensor& b_scale) {
    OpTest test("QLinearMatMul", 10);
    test.input(p.a).constant(a_scale).constant(p.a_zero);
    test.constant(p.b).constant(b_scale).constant(scalar<int8_t>(0));
    return test.constant(scalar(1.0f)).constant(p.y_zero);
  };
  with(scalar(0.0f), scalar(1.0f)).fails(ErrorCode::VALUE_RANGE);
  with(scalar(1.0f), f32({3}, {1, 1, 1})).fails(ErrorCode::SHAPE_MISMATCH);
  with(f32({2}, {1, 1}), scalar(1.0f)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest fused("FusedQLinearMatMul", 1, "sardonyx");
  p.add_inputs(fused).weight(f32({3}, {1, 1, 1})).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
