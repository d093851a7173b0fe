#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/convolution.h"
#include "tests/cpp/ops/reference/quantized.h"

namespace sardonyx::test {
namespace {

using reference::centered;
using reference::random_codes;
using reference::Window;

TEST_CASE("ConvInteger takes away zero points, borders included", "[conv_integer]") {
  for (DType x_dtype : {DType::kUint8, DType::kInt8}) {
    for (DType w_dtype : {DType::kUint8, DType::kInt8}) {
      const TestTensor x = random_codes(x_dtype, {2, 10, 6, 7}, 1);
      const TestTensor w = random_codes(w_dtype, {9, 10, 3, 3}, 2);
      const TestTensor x_zero = random_tensor(x_dtype, {}, 3, 0, 127);
      const TestTensor w_zeros = random_tensor(w_dtype, {9}, 4, 0, 127);
      Window window({3, 3});
      window.pad_begin = {1, 2};
      window.pad_end = {0, 1};
      const TestTensor sums =
          reference::conv(centered(x, x_zero, 1), centered(w, w_zeros, 0), nullptr, 1, window);
      OpTest("ConvInteger", 10)
          .ints("pads", window.pads())
          .input(x)
          .weight(w)
          .weight(x_zero)
          .weight(w_zeros)
          .expect(reference::to_int32(sums))
          .run();
    }
  }
}

TEST_CASE("ConvInteger without zero points", "[conv_integer]") {
  const TestTensor x = random_codes(DType::kUint8, {1, 3, 5, 5}, 1);
  const TestTensor w = random_codes(DType::kInt8, {4, 3, 2, 2}, 2);
  const TestTensor sums =
      reference::conv(centered(x, {}, 1), centered(w, {}, 0), nullptr, 1, Window({2, 2}));
  OpTest("ConvInteger", 10).input(x).weight(w).expect(reference::to_int32(sums)).run();
  OpTest("ConvInteger", 10)
      .input(x)
      .weight(w)
      .absent()
      .weight(scalar<int8_t>(0))
      .expect(reference::to_int32(sums))
      .run();
}

TEST_CASE("ConvInteger refuses what does not fit", "[conv_integer]") {
  const TestTensor x = random_codes(DType::kUint8, {1, 3, 5, 5}, 1);
  const TestTensor w = random_codes(DType::kInt8, {4, 3, 2, 2}, 2);
  OpTest("ConvInteger", 10)
      .input(random_f32({1, 3, 5, 5}, 1))
      .weight(w)
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("ConvInteger", 10)
      .input(x)
      .weight(w)
      .weight(scalar<int8_t>(0))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("ConvInteger", 10)
      .input(x)
      .weight(w)
      .weight(scalar<uint8_t>(0))
      .weight(tensor<int8_t>({3}, {0, 0, 0}))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("ConvInteger", 10)
      .input(random_codes(DType::kUint8, {1, 2, 5, 5}, 1))
      .weight(w)
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("ConvInteger", 10)
      .input(random_codes(DType::kUint8, {1, 2, 3, 3, 3}, 1))
      .constant(random_codes(DType::kInt8, {1, 2, 1, 1, 1}, 1))
      .fails(ErrorCode::MODEL_UNSUPPORTED);
  // 33026 products of 255 * 255 do not fit int32.
  OpTest("ConvInteger", 10)
      .input(random_codes(DType::kUint8, {1, 33026, 1, 1}, 1))
      .constant(random_codes(DType::kUint8, {1, 33026, 1, 1}, 1))
      .fails(ErrorCode::LIMIT_EXCEEDED);
}

}  // namespace
}  // namespace sardonyx::test
