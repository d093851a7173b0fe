#include <algorithm>
#include <cmath>
#include <limits>
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

// Rows as accuracy_level 4 rounds them: int8 with a scale per 32 elements.
TestTensor rounded(const TestTensor& a, int64_t k) {
  TestTensor out = a;
  for (int64_t first = 0; first<a.size(); first += first % k + 32> k ? k - first % k : 32) {
    const int64_t end = first + std::min<int64_t>(32, k - first % k);
    float most = 0;
    for (int64_t i = first; i < end; ++i) {
      most = std::max(most, std::abs(static_cast<float>(element(a, i))));
    }
    const float scale = most / 127.0f;
    for (int64_t i = first; i < end && most > 0; ++i) {
      set_element(out, i, std::nearbyint(static_cast<float>(element(a, i)) / scale) * scale);
    }
  }
  return out;
}

TEST_CASE("MatMulNBits of accuracy level 4 rounds rows to int8", "[matmul_nbits]") {
  // Above what is made floats when a model is compiled; one, two and parts of depths and columns.
  for (const auto& [k, n, block] : {std::tuple<int64_t, int64_t, int64_t>{1024, 33, 32},
                                    {1100, 40, 64},
                                    {2080, 17, 128},
                                    {1030, 35, 256}}) {
    const Weights w(4, k, n, block);
    const TestTensor bias = random_f32({n}, 6);
    for (int64_t rows : {1, 2, 4, 9}) {
      TestTensor a = random_f32({rows, k}, 5);
      for (int64_t i = 0; i < 32; ++i) set_element(a, i, 0);  // a group without a scale
      const TestTensor near = rounded(a, k);
      const auto level4 = [&] { return w.test(a).set("accuracy_level", 4).tolerance(1e-5, 2e-4); };
      level4().expect(reference::product(near, w.centred)).run();
      level4().weight(w.zeros).expect(reference::product(near, w.with_zeros)).run();
      level4().weight(w.float_zeros).expect(reference::product(near, w.with_float_zeros)).run();
      TestTensor y = reference::product(near, w.centred);
      for (int64_t i = 0; i < y.size(); ++i) {
        set_element(y, i, element(y, i) + element(bias, i % n));
      }
      level4().absent().absent().weight(bias).expect(y).kernel("matmul_4bit_int8").run();
    }
  }
}

TEST_CASE("MatMulNBits of accuracy level 4 keeps rows that can not be rounded", "[matmul_nbits]") {
  const Weights w(4, 1024, 33, 32);
  TestTensor a = random_f32({3, 1024}, 5);
  set_element(a, 5, std::numeric_limits<double>::infinity());
  set_element(a, 1024 + 700, std::numeric_limits<double>::quiet_NaN());
  for (int64_t i = 2048; i < 2080; ++i) set_element(a, i, 1e-42);
  TestTensor y = reference::product(rounded(a, 1024), w.centred);
  for (int64_t i = 0; i < 2 * 33; ++i) set_element(y, i, std::numeric_limits<double>::quiet_NaN());
  w.test(a).set("accuracy_level", 4).tolerance(1e-5, 2e-4).expect(y).run();
  // Blocks of 16 and other widths are computed in floats.
  const Weights small(4, 1024, 33, 16), wide(8, 1024, 33, 32);
  const TestTensor b = random_f32({3, 1024}, 5);
  for (const Weights* other : {&small, &wide}) {
    other->test(b)
        .set("accuracy_level", 4)
        .expect(reference::product(b, other->centred))
        .kernel(other == &wide ? "matmul_8bit" : "matmul_4bit")
        .run();
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

TEST_CASE("MatMulNBits takes scales of any sign that are finite", "[matmul_nbits]") {
  for (DType dtype : {DType::kFloat32, DType::kFloat16}) {
    Weights w(4, 1024, 33, 32, dtype);
    const TestTensor a = random_tensor(dtype, {2, 1024}, 5);
    const int64_t last = w.scales.size() - 1;
    for (double bad :
         {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
      set_element(w.scales, last, bad);
      for (int level : {0, 4}) w.test(a).set("accuracy_level", level).fails(ErrorCode::VALUE_RANGE);
    }
  }
  Weights w(4, 1024, 33, 32);
  for (int64_t i = 0; i < w.centred.size(); ++i) {
    const int64_t column = i % 33, at = i / 33 / 32;
    const double factor = at % 3 - 1;  // negative, zero, as it was
    set_element(w.centred, i, element(w.centred, i) * factor);
    if (i / 33 % 32 == 0) {
      set_element(w.scales, column * 32 + at, element(w.scales, column * 32 + at) * factor);
    }
  }
  const TestTensor a = random_f32({2, 1024}, 5);
  w.test(a).expect(reference::product(a, w.centred)).run();
  w.test(a)
      .set("accuracy_level", 4)
      .tolerance(1e-5, 2e-4)
      .expect(reference::product(rounded(a, 1024), w.centred))
      .run();
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
