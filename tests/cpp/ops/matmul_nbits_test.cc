#include <tuple>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/product.h"

namespace sardonyx::test {
namespace {

struct Weights {
  int bits;
  int64_t k, n, block;
  TestTensor packed, scales, zeros, float_zeros;
  TestTensor with_zeros, with_float_zeros, centred;  // [k, n], dequantized

  Weights(int b, int64_t rows, int64_t columns, int64_t per_block, DType dtype = DType::kFloat32)
      : bits(b), k(rows), n(columns), block(per_block) {
    const int64_t blocks = (k + block - 1) / block, row = (blocks * bits + 7) / 8;
    packed = random_tensor(DType::kUint8, {n, blocks, block * bits / 8}, 1, 0, 255);
    scales = random_tensor(dtype, {n, blocks}, 2, 0.01, 0.1);
    zeros = random_tensor(DType::kUint8, {n, row}, 3, 0, 255);
    float_zeros = random_tensor(dtype, {n, blocks}, 4, 0, 3);
    for (TestTensor* out : {&with_zeros, &with_float_zeros, &centred}) {
      *out = make_tensor(DType::kFloat32, {k, n});
    }
    for (int64_t i = 0; i < k * n; ++i) {
      const int64_t column = i % n, at = i / n, group = column * blocks + at / block;
      const int64_t value = field(packed, group * block + at % block);
      const double scale = element(scales, group);
      const int64_t zero = field(zeros, column * row * 8 / bits + at / block);
      set_element(with_zeros, i, static_cast<double>(value - zero) * scale);
      set_element(with_float_zeros, i,
                  (static_cast<double>(value) - element(float_zeros, group)) * scale);
      set_element(centred, i, static_cast<double>(value - (1 << (bits - 1))) * scale);
    }
  }
  int64_t field(const TestTensor& bytes, int64_t i) const {
    const int per_byte = 8 / bits;
    return bytes.bytes[static_cast<size_t>(i / per_byte)] >> (i % per_byte * bits) &
           ((1 << bits) - 1);
  }
  OpTest test(const TestTensor& a) const {
    OpTest out("MatMulNBits", 1, "com.microsoft");
    out.set("K", k).set("N", n).set("bits", bits).set("block_size", block);
    out.input(a).weight(packed).weight(scales).tolerance(1e-4, 1e-4);
    return out;
  }
};

TEST_CASE("MatMulNBits of each width, block and number of rows", "[matmul_nbits]") {
  for (int bits : {2, 4, 8}) {
    for (const auto& [k, n, block] : {std::tuple<int64_t, int64_t, int64_t>{32, 5, 16},
                                      {40, 17, 32},
                                      {130, 33, 64},
                                      {1100, 9, 256},
                                      {16, 16, 128}}) {
      const Weights w(bits, k, n, block);
      for (int64_t rows : {1, 3, 5, 7}) {
        const TestTensor a = random_f32({rows, k}, 5);
        w.test(a).expect(reference::product(a, w.centred)).run();
        w.test(a).weight(w.zeros).expect(reference::product(a, w.with_zeros)).run();
        w.test(a).weight(w.float_zeros).expect(reference::product(a, w.with_float_zeros)).run();
      }
    }
  }
}

TEST_CASE("MatMulNBits adds a bias, to stacks of rows", "[matmul_nbits]") {
  const Weights w(4, 600, 20, 32);
  const TestTensor bias = random_f32({20}, 6);
  for (int64_t rows : {2, 5}) {
    const TestTensor a = random_f32({2, rows, 600}, 5);
    TestTensor y = reference::product(a, w.centred);
    for (int64_t i = 0; i < y.size(); ++i) set_element(y, i, element(y, i) + element(bias, i % 20));
    w.test(a).absent().absent().weight(bias).expect(y).kernel("matmul_4bit").run();
  }
  w.test(random_f32({0, 600}, 1)).expect(make_tensor(DType::kFloat32, {0, 20})).run();
}

TEST_CASE("MatMulNBits of 16-bit floats", "[matmul_nbits]") {
  const Weights w(4, 64, 20, 32, DType::kFloat16);
  const TestTensor a = random_tensor(DType::kFloat16, {2, 64}, 5);
  TestTensor y = make_tensor(DType::kFloat16, {2, 20});
  const TestTensor exact = reference::product(a, w.with_float_zeros);
  for (int64_t i = 0; i < y.size(); ++i) set_element(y, i, element(exact, i));
  w.test(a).weight(w.float_zeros).tolerance(1e-2, 1e-2).expect(y).run();
}

TEST_CASE("MatMulNBits takes blocks in their order only", "[matmul_nbits]") {
  const Weights w(4, 32, 5, 16);
  const TestTensor a = random_f32({1, 32}, 5);
  TestTensor groups = make_tensor(DType::kInt32, {32});
  for (int64_t i = 0; i < 32; ++i) set_element(groups, i, static_cast<double>(i / 16));
  w.test(a).absent().input(groups).expect(reference::product(a, w.centred)).run();
  set_element(groups, 3, 1);
  w.test(a).absent().input(groups).fails(ErrorCode::VALUE_RANGE);
}

TEST_CASE("MatMulNBits refuses what does not fit", "[matmul_nbits]") {
  const Weights w(4, 32, 5, 16);
  const TestTensor a = random_f32({2, 32}, 5);
  w.test(random_f32({2, 31}, 5)).fails(ErrorCode::SHAPE_MISMATCH);
  w.test(random_f32({}, 5)).fails(ErrorCode::SHAPE_MISMATCH);
  w.test(a).set("bits", 3).fails(ErrorCode::ATTRIBUTE_INVALID);
  w.test(a).set("block_size", 8).fails(ErrorCode::ATTRIBUTE_INVALID);
  w.test(a).set("block_size", 48).fails(ErrorCode::ATTRIBUTE_INVALID);
  w.test(a).set("K", -1).fails(ErrorCode::ATTRIBUTE_INVALID);
  w.test(a).set("N", INT64_MAX).fails(ErrorCode::ATTRIBUTE_INVALID);
  w.test(a).set("N", 6).fails(ErrorCode::SHAPE_MISMATCH);
  w.test(a).set("bits", 8).fails(ErrorCode::SHAPE_MISMATCH);
  w.test(a).input(random_tensor(DType::kUint8, {5, 2}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
