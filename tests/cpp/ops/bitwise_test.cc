#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {

TEST_CASE("bitwise operators on signed and unsigned integers", "[bitwise]") {
  const TestTensor a = tensor<int16_t>({3}, {-1, 12, 0x0f0f});
  const TestTensor b = tensor<int16_t>({3}, {7, 10, -256});
  const auto i16 = [](std::vector<int16_t> values) { return tensor<int16_t>({3}, values); };
  OpTest("BitwiseAnd", 18).input(a).input(b).expect(i16({7, 8, 0x0f00})).run();
  OpTest("BitwiseOr", 18).input(a).input(b).expect(i16({-1, 14, -241})).run();
  OpTest("BitwiseXor", 18).input(a).input(b).expect(i16({-8, 6, -4081})).run();
  OpTest("BitwiseNot", 18).input(a).expect(i16({0, -13, -3856})).run();
  OpTest("BitwiseNot", 18)
      .input(tensor<uint8_t>({2}, {0, 0xa5}))
      .expect(tensor<uint8_t>({2}, {0xff, 0x5a}))
      .run();
  const TestTensor wide = tensor<uint64_t>({1, 2}, {UINT64_MAX, 1});
  OpTest("BitwiseAnd", 18)
      .input(wide)
      .input(tensor<uint64_t>({2, 1}, {uint64_t{1} << 63, 3}))
      .expect(tensor<uint64_t>({2, 2}, {uint64_t{1} << 63, 0, 3, 1}))
      .run();
  OpTest("BitwiseNot", 18).input(wide).expect(tensor<uint64_t>({1, 2}, {0, UINT64_MAX - 1})).run();
}

TEST_CASE("BitShift shifts in zeros, by any number", "[bitwise]") {
  const TestTensor a = tensor<uint8_t>({5}, {0x81, 0x81, 0xff, 1, 1});
  const TestTensor by = tensor<uint8_t>({5}, {1, 0, 8, 7, 255});
  OpTest("BitShift", 11)
      .set("direction", "LEFT")
      .input(a)
      .input(by)
      .expect(tensor<uint8_t>({5}, {2, 0x81, 0, 128, 0}))
      .run();
  OpTest("BitShift", 11)
      .set("direction", "RIGHT")
      .input(a)
      .input(by)
      .expect(tensor<uint8_t>({5}, {0x40, 0x81, 0, 0, 0}))
      .run();
  OpTest("BitShift", 11)
      .set("direction", "RIGHT")
      .input(tensor<uint64_t>({2}, {UINT64_MAX, UINT64_MAX}))
      .input(tensor<uint64_t>({2}, {63, 64}))
      .expect(tensor<uint64_t>({2}, {1, 0}))
      .run();
}

TEST_CASE("bitwise operators refuse floats, BitShift signed integers", "[bitwise]") {
  const TestTensor x = random_f32({2}, 1);
  OpTest("BitwiseAnd", 18).input(x).input(x).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("BitwiseNot", 18).input(x).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("BitwiseNot", 18).input(bools({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  const TestTensor whole = i64({1}, {1});
  OpTest("BitShift", 11)
      .set("direction", "LEFT")
      .input(whole)
      .input(whole)
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  const TestTensor byte = tensor<uint8_t>({1}, {1});
  OpTest("BitShift", 11).input(byte).input(byte).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("BitwiseOr", 18).input(byte).input(whole).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
