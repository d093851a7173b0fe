#include <limits>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/quantized.h"

namespace sardonyx::test {
namespace {

using reference::parameter;
using reference::random_scales;

// Along `axis` when there is more than one scale.
TestTensor expected(const TestTensor& x, const TestTensor& scale, const TestTensor& zero,
                    DType dtype, int axis) {
  TestTensor y = make_tensor(dtype, x.shape);
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t c = scale.size() > 1 ? reference::channel_of(x.shape, axis, i) : 0;
    set_element(
        y, i, reference::quantize(element(x, i) / parameter(scale, c), parameter(zero, c), dtype));
  }
  return y;
}

TestTensor random_zeros(DType dtype, const Shape& shape) {
  return random_tensor(dtype, shape, 5, 0, 9);
}

TEST_CASE("QuantizeLinear with one scale, to every integer dtype", "[quantize_linear]") {
  for (DType dtype : {DType::kUint8, DType::kInt8, DType::kUint16, DType::kInt16}) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{7}, Shape{1, 5, 3, 3}, Shape{2, 8, 3, 5}}) {
      const TestTensor x = random_f32(shape, 1, -200, 200), scale = scalar(0.25f);
      const TestTensor zero = random_zeros(dtype, {});
      OpTest("QuantizeLinear", 13)
          .input(x)
          .weight(scale)
          .weight(zero)
          .expect(expected(x, scale, zero, dtype, 0))
          .run();
    }
  }
}

TEST_CASE("QuantizeLinear rounds ties to even and saturates", "[quantize_linear]") {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const TestTensor x = f32({10}, {1, 3, 5, -1, -3, 600, -600, kInf, -kInf, NAN});
  OpTest("QuantizeLinear", 10)
      .input(x)
      .weight(scalar(2.0f))
      .weight(scalar<uint8_t>(128))
      .expect(tensor<uint8_t>({10}, {128, 130, 130, 128, 126, 255, 0, 255, 0, 128}))
      .run();
  OpTest("QuantizeLinear", 10)
      .input(x)
      .weight(scalar(2.0f))
      .weight(scalar<int8_t>(-5))
      .expect(tensor<int8_t>({10}, {-5, -3, -3, -5, -7, 127, -128, 127, -128, -5}))
      .run();
}

TEST_CASE("QuantizeLinear divides, it does not multiply by the reciprocal", "[quantize_linear]") {
  // 127.5 / (1 / 255 rounded) as the division rounds it; the product with 255 would be a tie.
  const float scale = 0.003921569f;
  const TestTensor x = random_f32({997}, 3, -1, 1);
  TestTensor y = make_tensor(DType::kUint8, x.shape);
  for (int64_t i = 0; i < x.size(); ++i) {
    const float quotient = x.as<float>()[i] / scale;
    set_element(y, i, reference::quantize(double{quotient}, 128, DType::kUint8));
  }
  OpTest("QuantizeLinear", 13)
      .input(x)
      .weight(scalar(scale))
      .weight(scalar<uint8_t>(128))
      .expect(y)
      .run();
}

TEST_CASE("QuantizeLinear along an axis", "[quantize_linear]") {
  const TestTensor x = random_f32({2, 3, 5, 4}, 1, -20, 20);
  for (int axis : {0, 1, 2, 3, -1, -3}) {
    const int at = axis < 0 ? axis + 4 : axis;
    const int64_t channels = x.shape[at];
    const TestTensor scale = random_scales(channels, 2);
    const TestTensor zero = random_zeros(DType::kInt8, {channels});
    OpTest test("QuantizeLinear", 13);
    if (axis != 1) test.set("axis", axis);
    test.input(x).weight(scale).weight(zero);
    test.expect(expected(x, scale, zero, DType::kInt8, at)).run();
  }
}

TEST_CASE("QuantizeLinear without a zero point, and of other floats", "[quantize_linear]") {
  const TestTensor x = random_f32({2, 9}, 1, -20, 20), scale = scalar(0.5f);
  OpTest("QuantizeLinear", 13)
      .input(x)
      .weight(scale)
      .expect(expected(x, scale, {}, DType::kUint8, 0))
      .run();
  OpTest("QuantizeLinear", 21)
      .set("output_dtype", static_cast<int>(DType::kInt16))
      .input(x)
      .weight(scale)
      .expect(expected(x, scale, {}, DType::kInt16, 0))
      .run();
  const TestTensor half = random_tensor(DType::kFloat16, {300}, 2, -20, 20);
  const TestTensor half_scale = random_tensor(DType::kFloat16, {}, 2, 0.5, 0.5);
  OpTest("QuantizeLinear", 19)
      .input(half)
      .weight(half_scale)
      .weight(scalar<uint8_t>(30))
      .expect(expected(half, half_scale, scalar<uint8_t>(30), DType::kUint8, 0))
      .run();
  const TestTensor whole = random_tensor(DType::kInt32, {19}, 2, -90, 90);
  OpTest("QuantizeLinear", 13)
      .input(whole)
      .weight(scale)
      .expect(expected(whole, scale, {}, DType::kUint8, 0))
      .run();
}

TEST_CASE("QuantizeLinear with a scale per block", "[quantize_linear]") {
  for (int axis : {0, 1, 2}) {
    const TestTensor x = random_f32({4, 7, 6}, 1, -20, 20);
    const int64_t block = 3;
    Shape blocks = x.shape;
    blocks[axis] = (x.shape[axis] + block - 1) / block;
    TestTensor scale = random_scales(blocks.product(0, 3), 2);
    scale.shape = blocks;
    const TestTensor zero = random_tensor(DType::kInt8, blocks, 3, -9, 9);
    TestTensor y = make_tensor(DType::kInt8, x.shape);
    for (int64_t i = 0; i < x.size(); ++i) {
      const int64_t p = reference::block_of(x.shape, blocks, axis, block, i);
      set_element(
          y, i, reference::quantize(element(x, i) / element(scale, p), element(zero, p), y.dtype));
    }
    OpTest test("QuantizeLinear", 21);
    test.set("axis", axis).set("block_size", block).input(x).weight(scale).weight(zero);
    test.expect(y).run();
  }
}

TEST_CASE("QuantizeLinear to packed integers and small floats", "[quantize_linear]") {
  const TestTensor x = f32({5}, {-20, -3, 3, 5, 20}), scale = scalar(2.0f);
  const auto check = [&](DType dtype, const std::vector<uint8_t>& zero,
                         const std::vector<uint8_t>& bytes) {
    OpTest("QuantizeLinear", 25)
        .input(x)
        .weight(scale)
        .weight(payload(dtype, {}, zero))
        .expect(payload(dtype, {5}, bytes))
        .run();
  };
  check(DType::kInt4, {0x01}, {0xf8, 0x33, 0x07});   // -8 -1 3 3 7
  check(DType::kUint4, {0x05}, {0x30, 0x77, 0x0f});  // 0 3 7 7 15
  check(DType::kInt2, {0x00}, {0x5a, 0x01});         // -2 -2 1 1 1
  check(DType::kFloat8E4M3FN, {0x00}, {0xd2, 0xbc, 0x3c, 0x42, 0x52});
  check(DType::kFloat4E2M1, {0x00}, {0xbf, 0x43, 0x07});  // -6 -1.5 1.5 2 (tie) 6
}

TEST_CASE("QuantizeLinear refuses wrong parameters", "[quantize_linear]") {
  const TestTensor x = random_f32({2, 3}, 1);
  const TestTensor zero = scalar<uint8_t>(0);
  for (float scale : {0.0f, -1.0f, NAN, HUGE_VALF}) {
    OpTest("QuantizeLinear")
        .input(x)
        .constant(scalar(scale))
        .constant(zero)
        .fails(ErrorCode::VALUE_RANGE);
    OpTest("QuantizeLinear")
        .input(x)
        .input(scalar(scale))
        .constant(zero)
        .fails(ErrorCode::VALUE_RANGE);
  }
  const TestTensor scales = f32({3}, {1, 1, 1});
  OpTest("QuantizeLinear")
      .input(x)
      .constant(scales)
      .constant(zero)
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("QuantizeLinear")
      .set("axis", 0)
      .input(x)
      .constant(scales)
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("QuantizeLinear")
      .set("axis", 2)
      .input(x)
      .constant(scales)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("QuantizeLinear", 10).input(x).constant(scales).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("QuantizeLinear")
      .input(x)
      .constant(scalar(1.0f))
      .constant(i32({}, {0}))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("QuantizeLinear").input(x).constant(i32({}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("QuantizeLinear").input(x).fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("QuantizeLinear")
      .set("block_size", 2)
      .input(x)
      .constant(f32({2, 1}, {1, 1}))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("QuantizeLinear")
      .set("block_size", -2)
      .input(x)
      .constant(f32({2, 2}, {1, 1, 1, 1}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("QuantizeLinear", 21)
      .set("output_dtype", 99)
      .input(x)
      .constant(scalar(1.0f))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
