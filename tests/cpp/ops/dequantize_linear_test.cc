#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/quantized.h"

namespace sardonyx::test {
namespace {

using reference::parameter;
using reference::random_scales;

TestTensor expected(const TestTensor& x, const TestTensor& scale, const TestTensor& zero,
                    int axis) {
  TestTensor y = make_tensor(scale.dtype, x.shape);
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t c = scale.size() > 1 ? reference::channel_of(x.shape, axis, i) : 0;
    set_element(y, i, (element(x, i) - parameter(zero, c)) * parameter(scale, c));
  }
  return y;
}

TEST_CASE("DequantizeLinear with one scale, from every integer dtype", "[dequantize_linear]") {
  for (DType dtype : {DType::kUint8, DType::kInt8, DType::kUint16, DType::kInt16, DType::kInt32}) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{7}, Shape{1, 5, 3, 3}, Shape{2, 8, 3, 5}}) {
      const TestTensor x = random_tensor(dtype, shape, 1, 0, 120), scale = scalar(0.375f);
      const TestTensor zero = random_tensor(dtype, {}, 2, 0, 100);
      OpTest("DequantizeLinear", 13)
          .input(x)
          .weight(scale)
          .weight(zero)
          .expect(expected(x, scale, zero, 0))
          .run();
    }
  }
}

TEST_CASE("DequantizeLinear of the ends of int32", "[dequantize_linear]") {
  const TestTensor x = i32({2}, {INT32_MAX, INT32_MIN}), zero = scalar<int32_t>(INT32_MIN);
  OpTest("DequantizeLinear", 13)
      .input(x)
      .weight(scalar(0.5f))
      .weight(zero)
      .expect(f32({2}, {2147483648.0f, 0}))
      .run();
}

TEST_CASE("DequantizeLinear along an axis", "[dequantize_linear]") {
  const TestTensor x = reference::random_codes(DType::kInt8, {2, 3, 5, 4}, 1);
  for (int axis : {0, 1, 2, 3, -1, -3}) {
    const int at = axis < 0 ? axis + 4 : axis;
    const int64_t channels = x.shape[at];
    const TestTensor scale = random_scales(channels, 2);
    const TestTensor zero = random_tensor(DType::kInt8, {channels}, 3, -9, 9);
    OpTest test("DequantizeLinear", 13);
    if (axis != 1) test.set("axis", axis);
    test.input(x).weight(scale).weight(zero);
    test.expect(expected(x, scale, zero, at)).run();
  }
}

TEST_CASE("DequantizeLinear without a zero point, and to float16", "[dequantize_linear]") {
  const TestTensor x = reference::random_codes(DType::kUint8, {300}, 1);
  OpTest("DequantizeLinear", 10)
      .input(x)
      .weight(scalar(0.5f))
      .expect(expected(x, scalar(0.5f), {}, 0))
      .run();
  const TestTensor half = random_tensor(DType::kFloat16, {}, 2, 0.5, 0.5);
  OpTest("DequantizeLinear", 19).input(x).weight(half).expect(expected(x, half, {}, 0)).run();
}

TEST_CASE("DequantizeLinear with a scale per block", "[dequantize_linear]") {
  for (int axis : {0, 1, 2}) {
    const TestTensor x = reference::random_codes(DType::kUint8, {4, 7, 6}, 1);
    const int64_t block = 2;
    Shape blocks = x.shape;
    blocks[axis] = (x.shape[axis] + block - 1) / block;
    TestTensor scale = random_scales(blocks.product(0, 3), 2);
    scale.shape = blocks;
    const TestTensor zero = random_tensor(DType::kUint8, blocks, 3, 0, 9);
    TestTensor y = make_tensor(DType::kFloat32, x.shape);
    for (int64_t i = 0; i < x.size(); ++i) {
      const int64_t p = reference::block_of(x.shape, blocks, axis, block, i);
      set_element(y, i, (element(x, i) - element(zero, p)) * element(scale, p));
    }
    OpTest test("DequantizeLinear", 21);
    test.set("axis", axis).set("block_size", block).input(x).weight(scale).weight(zero);
    test.expect(y).run();
  }
}

TEST_CASE("DequantizeLinear of packed integers and small floats", "[dequantize_linear]") {
  const auto check = [&](DType dtype, const std::vector<uint8_t>& zero,
                         const std::vector<uint8_t>& bytes, const std::vector<float>& values) {
    OpTest("DequantizeLinear", 25)
        .input(payload(dtype, {5}, bytes))
        .weight(scalar(0.5f))
        .weight(payload(dtype, {}, zero))
        .expect(f32({5}, values))
        .run();
  };
  check(DType::kInt4, {0x01}, {0xf8, 0x33, 0x07}, {-4.5f, -1, 1, 1, 3});
  check(DType::kUint4, {0x05}, {0x30, 0x77, 0x0f}, {-2.5f, -1, 1, 1, 5});
  check(DType::kUint2, {0x01}, {0x4e, 0x02}, {0.5f, 1, -0.5f, 0, 0.5f});
  check(DType::kFloat8E5M2, {0x00}, {0x3c, 0xbc, 0x40, 0x00, 0x44}, {0.5f, -0.5f, 1, 0, 2});
  check(DType::kFloat4E2M1, {0x00}, {0xbf, 0x43, 0x07}, {-3, -0.75f, 0.75f, 1, 3});
  OpTest("DequantizeLinear", 23)
      .set("output_dtype", static_cast<int>(DType::kFloat16))
      .input(payload(DType::kUint4, {2}, {0x42}))
      .weight(scalar(0.5f))
      .expect(payload(DType::kFloat16, {2}, {0x00, 0x3c, 0x00, 0x40}))
      .run();
}

TEST_CASE("DequantizeLinear refuses wrong parameters", "[dequantize_linear]") {
  const TestTensor x = reference::random_codes(DType::kUint8, {2, 3}, 1);
  for (float scale : {0.0f, -1.0f, NAN}) {
    OpTest("DequantizeLinear").input(x).constant(scalar(scale)).fails(ErrorCode::VALUE_RANGE);
    OpTest("DequantizeLinear").input(x).input(scalar(scale)).fails(ErrorCode::VALUE_RANGE);
  }
  const TestTensor scales = f32({3}, {1, 1, 1});
  OpTest("DequantizeLinear")
      .input(x)
      .constant(scales)
      .constant(scalar<uint8_t>(0))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("DequantizeLinear")
      .set("axis", -3)
      .input(x)
      .constant(scales)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("DequantizeLinear")
      .input(x)
      .constant(scalar(1.0f))
      .constant(scalar<int8_t>(0))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("DequantizeLinear")
      .input(i64({1}, {1}))
      .constant(scalar(1.0f))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
