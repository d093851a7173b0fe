#include <limits>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

int64_t field(const TestTensor& bytes, int bits, int64_t i) {
  const int per_byte = 8 / bits;
  return bytes.bytes[static_cast<size_t>(i / per_byte)] >> (i % per_byte * bits) &
         ((1 << bits) - 1);
}

OpTest gather(const TestTensor& data, const TestTensor& indices, const TestTensor& scales) {
  OpTest test("GatherBlockQuantized", 1, "com.microsoft");
  test.weight(data).input(indices).weight(scales);
  return test;
}

TEST_CASE("GatherBlockQuantized of rows of bytes", "[gather_block_quantized]") {
  constexpr int64_t kRows = 7, kWidth = 48, kBlock = 16, kBlocks = 3;
  const TestTensor indices = i64({2, 2}, {0, 6, -7, 3});
  for (int bits : {2, 4, 8}) {
    const TestTensor data = random_tensor(DType::kUint8, {kRows, kWidth * bits / 8}, 1, 0, 255);
    const int64_t zero_row = (kBlocks * bits + 7) / 8;
    const TestTensor zeros = random_tensor(DType::kUint8, {kRows, zero_row}, 3, 0, 255);
    for (DType dtype : {DType::kFloat32, DType::kFloat16}) {
      const TestTensor scales = random_tensor(dtype, {kRows, kBlocks}, 2, 0.01, 0.1);
      for (bool with_zeros : {false, true}) {
        TestTensor y = make_tensor(dtype, {2, 2, kWidth});
        for (int64_t i = 0; i < y.size(); ++i) {
          const int64_t index = (element(indices, i / kWidth) < 0 ? kRows : 0) +
                                static_cast<int64_t>(element(indices, i / kWidth));
          const int64_t column = i % kWidth, block = column / kBlock;
          const int64_t zero = with_zeros ? field(zeros, bits, index * zero_row * 8 / bits + block)
                                          : 1 << (bits - 1);
          const int64_t value = field(data, bits, index * kWidth + column) - zero;
          set_element(y, i, static_cast<double>(value) * element(scales, index * kBlocks + block));
        }
        OpTest test = gather(data, indices, scales);
        test.set("bits", bits).set("block_size", kBlock).tolerance(1e-3, 1e-6);
        if (with_zeros) test.weight(zeros);
        test.expect(y).run();
      }
    }
  }
}

TEST_CASE("GatherBlockQuantized of 4-bit integers along other axes", "[gather_block_quantized]") {
  // [2, 20, 3]: blocks of 16 along axis 1, gathered along axis 2.
  const TestTensor indices = i32({2}, {2, 0});
  const TestTensor scales = random_f32({2, 2, 3}, 2, 0.01, 0.1);
  for (DType dtype : {DType::kUint4, DType::kInt4}) {
    TestTensor data{dtype, {2, 20, 3}, std::vector<uint8_t>(60)};
    TestTensor zeros{dtype, {2, 2, 3}, std::vector<uint8_t>(6)};
    for (size_t i = 0; i < 60; ++i) data.bytes[i] = static_cast<uint8_t>(i * 37);
    for (size_t i = 0; i < 6; ++i) zeros.bytes[i] = static_cast<uint8_t>(i * 91 + 5);
    const auto integer = [&](const TestTensor& from, int64_t i) {
      const int64_t value = field(from, 4, i);
      return dtype == DType::kInt4 && value >= 8 ? value - 16 : value;
    };
    TestTensor y = make_tensor(DType::kFloat32, {2, 20, 2});
    for (int64_t i = 0; i < y.size(); ++i) {
      const int64_t outer = i / 40, row = i / 2 % 20, column = i % 2 == 0 ? 2 : 0;
      const int64_t group = (outer * 2 + row / 16) * 3 + column;
      const int64_t value = integer(data, (outer * 20 + row) * 3 + column) - integer(zeros, group);
      set_element(y, i, static_cast<double>(value) * element(scales, group));
    }
    gather(data, indices, scales)
        .set("block_size", 16)
        .set("gather_axis", 2)
        .set("quantize_axis", -2)
        .weight(zeros)
        .expect(y)
        .run();
  }
}

TEST_CASE("GatherBlockQuantized refuses what does not fit", "[gather_block_quantized]") {
  const TestTensor data = random_tensor(DType::kUint8, {4, 16}, 1, 0, 255);
  const TestTensor scales = random_f32({4, 2}, 2), indices = i64({1}, {1});
  const auto test = [&](const TestTensor& i, const TestTensor& s) {
    OpTest out = gather(data, i, s);
    out.set("block_size", 16);
    return out;
  };
  test(i64({1}, {4}), scales).fails(ErrorCode::INDEX_RANGE);
  test(i64({1}, {-5}), scales).fails(ErrorCode::INDEX_RANGE);
  test(indices, random_f32({4, 1}, 2)).fails(ErrorCode::SHAPE_MISMATCH);
  TestTensor infinite = scales;
  set_element(infinite, 7, std::numeric_limits<double>::infinity());
  test(indices, infinite).fails(ErrorCode::VALUE_RANGE);
  test(indices, scales).set("bits", 5).fails(ErrorCode::ATTRIBUTE_INVALID);
  test(indices, scales).set("block_size", 0).fails(ErrorCode::ATTRIBUTE_INVALID);
  test(indices, scales).set("gather_axis", 2).fails(ErrorCode::ATTRIBUTE_INVALID);
  test(indices, scales).set("quantize_axis", 2).fails(ErrorCode::ATTRIBUTE_INVALID);
  test(indices, scales)
      .input(random_tensor(DType::kUint8, {4, 2}, 1))
      .fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
