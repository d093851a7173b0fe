#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

struct Normalized {
  TestTensor y, mean, inverse;
};

// Row by row in double.
Normalized normalized(const TestTensor& x, const TestTensor& scale, const TestTensor& bias,
                      int axis, double epsilon, bool centered) {
  Shape statistics = x.shape;
  for (int i = axis; i < x.shape.rank(); ++i) statistics[i] = 1;
  Normalized out{make_tensor(x.dtype, x.shape), make_tensor(DType::kFloat32, statistics),
                 make_tensor(DType::kFloat32, statistics)};
  const int64_t length = x.shape.product(axis, x.shape.rank());
  for (int64_t row = 0; row < x.shape.product(0, axis); ++row) {
    double sum = 0;
    double squares = 0;
    for (int64_t i = 0; i < length; ++i) sum += element(x, row * length + i);
    const double mean = centered ? sum / static_cast<double>(length) : 0;
    for (int64_t i = 0; i < length; ++i)
      squares += std::pow(element(x, row * length + i) - mean, 2);
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(length) + epsilon);
    set_element(out.mean, row, mean);
    set_element(out.inverse, row, inverse);
    for (int64_t i = 0; i < length; ++i) {
      const double s = element(scale, scale.size() == 1 ? 0 : i);
      const double b = bias.size() && bias.dtype != DType::kUndefined
                           ? element(bias, bias.size() == 1 ? 0 : i)
                           : 0;
      set_element(out.y, row * length + i, (element(x, row * length + i) - mean) * inverse * s + b);
    }
  }
  return out;
}

Shape tail(const Shape& shape, int axis) {
  return Shape(shape.dims().subspan(static_cast<size_t>(axis)));
}

TEST_CASE("LayerNormalization over every axis", "[layer_norm]") {
  for (const Shape& shape :
       {Shape{7}, Shape{3, 33}, Shape{2, 3, 4}, Shape{2, 3, 4, 5}, Shape{0, 8}}) {
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const TestTensor x = random_f32(shape, 1);
      const TestTensor scale = random_f32(tail(shape, axis), 2);
      const TestTensor bias = random_f32(tail(shape, axis), 3);
      for (int given : {axis, axis - shape.rank()}) {
        const Normalized all = normalized(x, scale, bias, axis, 1e-5, true);
        OpTest("LayerNormalization", 17)
            .set("axis", given)
            .input(x)
            .weight(scale)
            .weight(bias)
            .expect(all.y)
            .expect(all.mean)
            .expect(all.inverse)
            .tolerance(1e-5, 2e-6)
            .run();
        const Normalized plain = normalized(x, scale, {}, axis, 0.1, true);
        OpTest("LayerNormalization", 17)
            .set("axis", given)
            .set("epsilon", 0.1)
            .input(x)
            .weight(scale)
            .expect(plain.y)
            .expect_absent()
            .expect(plain.inverse)
            .tolerance(1e-5, 2e-6)
            .run();
      }
    }
  }
}

TEST_CASE("LayerNormalization of many rows, of 16-bit floats, far from zero", "[layer_norm]") {
  const TestTensor scale = random_f32({257}, 2);
  const TestTensor bias = random_f32({257}, 3);
  const TestTensor rows = random_f32({300, 257}, 1);
  OpTest("LayerNormalization", 17)
      .input(rows)
      .weight(scale)
      .weight(bias)
      .expect(normalized(rows, scale, bias, 1, 1e-5, true).y)
      .tolerance(1e-5, 2e-6)
      .run();
  const TestTensor far = random_f32({3, 257}, 4, 999, 1001);
  OpTest("LayerNormalization", 17)
      .input(far)
      .weight(scale)
      .weight(bias)
      .expect(normalized(far, scale, bias, 1, 1e-5, true).y)
      .tolerance(1e-3, 1e-3)
      .run();
  for (DType dtype : {DType::kFloat16, DType::kBfloat16}) {
    const TestTensor x = random_tensor(dtype, {5, 19}, 5);
    const TestTensor s = random_tensor(dtype, {19}, 6);
    const TestTensor b = random_tensor(dtype, {19}, 7);
    OpTest("LayerNormalization", 17)
        .input(x)
        .weight(s)
        .weight(b)
        .expect(normalized(x, s, b, 1, 1e-5, true).y)
        .tolerance(1e-2, 1e-2)
        .run();
  }
}

TEST_CASE("LayerNormalization with one scale for all", "[layer_norm]") {
  const TestTensor x = random_f32({4, 9}, 1);
  const TestTensor scale = f32({1}, {1.5f});
  const TestTensor bias = f32({}, {-0.5f});
  OpTest("LayerNormalization", 17)
      .input(x)
      .weight(scale)
      .weight(bias)
      .expect(normalized(x, scale, bias, 1, 1e-5, true).y)
      .tolerance(1e-5, 2e-6)
      .run();
}

TEST_CASE("RMSNormalization", "[layer_norm]") {
  for (const Shape& shape : {Shape{7}, Shape{3, 64}, Shape{2, 3, 35}}) {
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const TestTensor x = random_f32(shape, 1);
      const TestTensor scale = random_f32(tail(shape, axis), 2);
      OpTest("RMSNormalization", 23)
          .set("axis", axis)
          .input(x)
          .weight(scale)
          .expect(normalized(x, scale, {}, axis, 1e-5, false).y)
          .tolerance(1e-5, 2e-6)
          .run();
    }
  }
}

TEST_CASE("LayerNormalization refuses what does not fit", "[layer_norm]") {
  const TestTensor x = random_f32({2, 3}, 1);
  OpTest("LayerNormalization", 17).input(x).fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("LayerNormalization", 17)
      .input(x)
      .input(f32({2}, {1, 2}))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("LayerNormalization", 17).input(x).input(f32({2, 3}, {})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("LayerNormalization", 17)
      .set("axis", 2)
      .input(x)
      .input(f32({3}, {1, 2, 3}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("LayerNormalization", 17)
      .input(i64({2}, {1, 2}))
      .input(i64({2}, {1, 2}))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("LayerNormalization", 17)
      .input(x)
      .input(f32({3}, {1, 2, 3}))
      .input(i64({3}, {1, 2, 3}))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("LayerNormalization", 17)
      .input(f32({}, {1}))
      .input(f32({}, {1}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
