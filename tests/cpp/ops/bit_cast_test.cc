#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {

TEST_CASE("BitCast keeps the bits", "[bit_cast]") {
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{3, 4}}) {
    const TestTensor x = random_f32(shape, 1);
    TestTensor y = x;
    y.dtype = DType::kInt32;
    OpTest("BitCast", 26).set("to", static_cast<int>(DType::kInt32)).input(x).expect(y).run();
    OpTest("BitCast", 26).set("to", static_cast<int>(DType::kFloat32)).input(y).expect(x).run();
  }
  OpTest("BitCast", 26)
      .set("to", static_cast<int>(DType::kFloat64))
      .input(i64({1}, {0x3ff0000000000000}))
      .expect(tensor<double>({1}, {1.0}))
      .run();
}

TEST_CASE("BitCast refuses other widths and numbers that are no dtype", "[bit_cast]") {
  const TestTensor x = random_f32({2}, 1);
  OpTest("BitCast", 26)
      .set("to", static_cast<int>(DType::kInt64))
      .input(x)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("BitCast", 26).set("to", 99).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("BitCast", 26).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("BitCast", 26)
      .set("to", static_cast<int>(DType::kString))
      .input(x)
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
