#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

const DType kDTypes[] = {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16,
                         DType::kInt8,    DType::kUint8,   DType::kInt16,   DType::kUint16,
                         DType::kInt32,   DType::kUint32,  DType::kInt64,   DType::kUint64,
                         DType::kBool};

int64_t number(DType dtype) {
  return static_cast<int64_t>(dtype);
}

// Every value of the range is exact in every dtype, so that rounding does not enter.
TEST_CASE("Cast between all dtypes", "[cast]") {
  for (DType from : kDTypes) {
    for (DType to : kDTypes) {
      for (const Shape& shape : {Shape{}, Shape{0}, Shape{131}, Shape{1, 5, 2, 3}}) {
        TestTensor x = make_tensor(from, shape);
        TestTensor y = make_tensor(to, shape);
        for (int64_t i = 0; i < x.size(); ++i) {
          set_element(x, i, static_cast<double>(i % 100));
          set_element(y, i, element(x, i));
        }
        OpTest("Cast", 13).set("to", number(to)).input(x).expect(y).run();
        OpTest("CastLike", 15).input(x).input(make_tensor(to, {2})).expect(y).run();
      }
    }
  }
}

TEST_CASE("floats become integers towards zero", "[cast]") {
  const TestTensor x = f32({6}, {-1.9f, 1.9f, -0.5f, 0.5f, 2147483648.0f, -3e9f});
  OpTest("Cast")
      .set("to", number(DType::kInt64))
      .input(x)
      .expect(i64({6}, {-1, 1, 0, 0, 2147483648LL, -3000000000LL}))
      .run();
  OpTest("Cast")
      .set("to", number(DType::kBool))
      .input(f32({4}, {0, -0.0f, 0.1f, NAN}))
      .expect(bools({4}, {0, 0, 1, 1}))
      .run();
  const float inf = std::numeric_limits<float>::infinity();
  OpTest("Cast")
      .set("to", number(DType::kInt64))
      .input(f32({3}, {inf, -inf, NAN}))
      .expect(i64({3}, {INT64_MAX, INT64_MIN, 0}))
      .run();
  OpTest("Cast")
      .set("to", number(DType::kUint64))
      .input(f32({2}, {1.5e19f, 7}))
      .expect(tensor<uint64_t>({2}, {static_cast<uint64_t>(1.5e19f), 7}))
      .run();
}

TEST_CASE("wide integers wrap and round", "[cast]") {
  OpTest("Cast")
      .set("to", number(DType::kInt8))
      .input(i64({3}, {300, -129, 127}))
      .expect(tensor<int8_t>({3}, {44, 127, 127}))
      .run();
  OpTest("Cast")
      .set("to", number(DType::kFloat32))
      .input(tensor<uint64_t>({1}, {UINT64_MAX}))
      .expect(f32({1}, {18446744073709551616.0f}))
      .run();
  OpTest("Cast")
      .set("to", number(DType::kFloat64))
      .input(i64({1}, {INT64_MIN}))
      .expect(tensor<double>({1}, {-9223372036854775808.0}))
      .run();
}

TestTensor halves(DType dtype, const std::vector<uint16_t>& bits) {
  TestTensor out = tensor<uint16_t>({static_cast<int64_t>(bits.size())}, bits);
  out.dtype = dtype;
  return out;
}

void check_bits(DType to, const std::vector<float>& values, const std::vector<uint16_t>& bits) {
  const auto count = static_cast<int64_t>(values.size());
  OpTest("Cast")
      .set("to", number(to))
      .input(f32({count}, values))
      .expect(halves(to, bits))
      .tolerance(0, 0)
      .run();
}

TEST_CASE("float16 rounds to nearest even", "[cast]") {
  const float inf = std::numeric_limits<float>::infinity();
  check_bits(DType::kFloat16,
             {1.0f, -2.0f, 65504.0f, 65519.0f, 65520.0f, inf, -inf, 0x1p-24f, 0x1p-25f, 0x1.8p-25f,
              0x1p-14f, 0x1.ffcp-15f, 1.0f + 0x1p-11f, 1.0f + 0x3p-11f, -0.0f},
             {0x3c00, 0xc000, 0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 1, 0, 1, 0x0400, 0x0400,
              0x3c00, 0x3c02, 0x8000});
  check_bits(DType::kBfloat16, {1.0f, -2.0f, 1.0f + 0x1p-8f, 1.0f + 0x3p-8f, inf, 3.4e38f},
             {0x3f80, 0xc000, 0x3f80, 0x3f82, 0x7f80, 0x7f80});
}

TEST_CASE("every float16 survives the way to float32 and back", "[cast]") {
  std::vector<uint16_t> bits;
  for (uint32_t i = 0; i < 0x10000; ++i) {
    if ((i & 0x7fff) <= 0x7c00) bits.push_back(static_cast<uint16_t>(i));
  }
  const TestTensor f16 = halves(DType::kFloat16, bits);
  TestTensor wide = make_tensor(DType::kFloat32, f16.shape);
  for (int64_t i = 0; i < f16.size(); ++i) set_element(wide, i, element(f16, i));
  OpTest("Cast").set("to", number(DType::kFloat32)).input(f16).expect(wide).tolerance(0, 0).run();
  OpTest("Cast").set("to", number(DType::kFloat16)).input(wide).expect(f16).tolerance(0, 0).run();
}

TEST_CASE("Cast refuses what is no dtype", "[cast]") {
  const TestTensor x = f32({2}, {1, 2});
  OpTest("Cast").input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  for (int64_t to : {int64_t{0}, int64_t{-1}, int64_t{99}, INT64_MAX}) {
    OpTest("Cast").set("to", to).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  }
  OpTest("Cast").set("to", number(DType::kString)).input(x).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
