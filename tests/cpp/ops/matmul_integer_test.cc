#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/product.h"
#include "tests/cpp/ops/reference/quantized.h"

namespace sardonyx::test {
namespace {

using reference::centered;
using reference::product;
using reference::random_codes;

TEST_CASE("MatMulInteger over odd shapes and all dtypes", "[matmul_integer]") {
  for (DType a_dtype : {DType::kUint8, DType::kInt8}) {
    for (DType b_dtype : {DType::kUint8, DType::kInt8}) {
      for (int64_t m : {1, 3, 5, 50}) {
        for (int64_t n : {1, 8, 21}) {
          for (int64_t k : {1, 2, 33}) {
            const TestTensor a = random_codes(a_dtype, {m, k}, 1);
            const TestTensor b = random_codes(b_dtype, {k, n}, 2);
            const TestTensor a_zero = random_tensor(a_dtype, {}, 3, 0, 127);
            const TestTensor b_zero = random_tensor(b_dtype, {n}, 4, 0, 127);
            OpTest("MatMulInteger", 10)
                .input(a)
                .weight(b)
                .weight(a_zero)
                .weight(b_zero)
                .expect(
                    reference::to_int32(product(centered(a, a_zero, 0), centered(b, b_zero, 1))))
                .run();
          }
        }
      }
    }
  }
}

TEST_CASE("MatMulInteger of stacks, and without zero points", "[matmul_integer]") {
  const TestTensor a = random_codes(DType::kUint8, {3, 2, 7}, 1);
  for (const Shape& shape : {Shape{7, 5}, Shape{3, 7, 5}}) {
    const TestTensor b = random_codes(DType::kInt8, shape, 2);
    OpTest("MatMulInteger", 10)
        .input(a)
        .weight(b)
        .expect(reference::to_int32(product(centered(a, {}, 0), centered(b, {}, 0))))
        .run();
  }
  const TestTensor one = random_codes(DType::kUint8, {2, 7}, 1);
  const TestTensor stack = random_codes(DType::kInt8, {3, 7, 5}, 2);
  OpTest("MatMulInteger", 10)
      .input(one)
      .weight(stack)
      .expect(reference::to_int32(product(centered(one, {}, 0), centered(stack, {}, 0))))
      .run();
}

TEST_CASE("MatMulInteger with one zero point per row", "[matmul_integer]") {
  const TestTensor a = random_codes(DType::kUint8, {3, 9}, 1);
  const TestTensor b = random_codes(DType::kInt8, {9, 4}, 2);
  const TestTensor zeros = tensor<uint8_t>({3}, {0, 100, 255});
  OpTest("MatMulInteger", 10)
      .input(a)
      .weight(b)
      .weight(zeros)
      .expect(reference::to_int32(product(centered(a, zeros, 0), centered(b, {}, 0))))
      .run();
}

TEST_CASE("MatMulInteger is exact at the ends", "[matmul_integer]") {
  const int64_t k = 33025;
  TestTensor a = make_tensor(DType::kUint8, {1, k}), b = make_tensor(DType::kUint8, {k, 1});
  std::fill(a.bytes.begin(), a.bytes.end(), uint8_t{255});
  std::fill(b.bytes.begin(), b.bytes.end(), uint8_t{255});
  OpTest("MatMulInteger", 10).input(a).weight(b).expect(i32({1, 1}, {2147450625})).run();
}

TEST_CASE("MatMulInteger of nothing", "[matmul_integer]") {
  OpTest("MatMulInteger", 10)
      .input(tensor<uint8_t>({2, 0}, {}))
      .weight(tensor<int8_t>({0, 3}, {}))
      .expect(i32({2, 3}, {0, 0, 0, 0, 0, 0}))
      .run();
  OpTest("MatMulInteger", 10)
      .input(tensor<uint8_t>({0, 4}, {}))
      .weight(random_codes(DType::kInt8, {4, 3}, 1))
      .expect(i32({0, 3}, {}))
      .run();
}

TEST_CASE("MatMulInteger refuses what does not fit", "[matmul_integer]") {
  const TestTensor a = random_codes(DType::kUint8, {2, 3}, 1);
  const TestTensor b = random_codes(DType::kInt8, {3, 4}, 2);
  OpTest("MatMulInteger", 10).input(b).weight(a).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("MatMulInteger", 10)
      .input(random_f32({2, 3}, 1))
      .weight(b)
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("MatMulInteger", 10)
      .input(a)
      .weight(b)
      .weight(scalar<int8_t>(0))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("MatMulInteger", 10)
      .input(a)
      .weight(b)
      .weight(scalar<uint8_t>(0))
      .weight(tensor<int8_t>({3}, {0, 0, 0}))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("MatMulInteger", 10)
      .input(random_codes(DType::kUint8, {1, 33026}, 1))
      .weight(random_codes(DType::kInt8, {33026, 1}, 1))
      .fails(ErrorCode::LIMIT_EXCEEDED);
}

// sum * (a scale * b scale) + bias.
TestTensor scaled(const TestTensor& sums, double a_scale, const TestTensor& b_scale,
                  const TestTensor& bias) {
  TestTensor out = make_tensor(DType::kFloat32, sums.shape);
  const int64_t columns = sums.shape[sums.shape.rank() - 1];
  for (int64_t i = 0; i < sums.size(); ++i) {
    const double factor = a_scale * reference::parameter(b_scale, i % columns);
    set_element(out, i, element(sums, i) * factor + reference::parameter(bias, i % columns));
  }
  return out;
}

TEST_CASE("FusedMatMulInteger multiplies sums by scales", "[matmul_integer]") {
  for (int64_t m : {1, 6}) {
    for (int64_t n : {1, 8, 21}) {
      const TestTensor a = random_codes(DType::kUint8, {2, m, 9}, 1);
      const TestTensor b = random_codes(DType::kInt8, {9, n}, 2);
      const TestTensor a_zero = scalar<uint8_t>(100), b_zero = random_codes(DType::kInt8, {n}, 3);
      const TestTensor bias = random_f32({n}, 4);
      const TestTensor sums = product(centered(a, a_zero, 0), centered(b, b_zero, 1));
      for (const TestTensor& b_scale : {scalar<float>(0.25f), reference::random_scales(n, 5)}) {
        OpTest("FusedMatMulInteger", 1, "sardonyx")
            .input(a)
            .input(scalar<float>(0.5f))
            .input(a_zero)
            .weight(b)
            .weight(b_scale)
            .weight(b_zero)
            .input(bias)
            .expect(scaled(sums, 0.5, b_scale, bias))
            .run();
      }
    }
  }
}

TEST_CASE("FusedMatMulInteger takes any scale, and leaves out what may be", "[matmul_integer]") {
  const TestTensor a = random_codes(DType::kUint8, {3, 4}, 1);
  const TestTensor b = random_codes(DType::kInt8, {4, 2}, 2);
  const TestTensor b_scale = f32({2}, {0, -2});
  const TestTensor sums = product(centered(a, {}, 0), centered(b, {}, 0));
  OpTest("FusedMatMulInteger", 1, "sardonyx")
      .input(a)
      .input(scalar<float>(0.5f))
      .absent()
      .weight(b)
      .weight(b_scale)
      .expect(scaled(sums, 0.5, b_scale, {}))
      .run();
}

TEST_CASE("FusedMatMulInteger refuses what does not fit", "[matmul_integer]") {
  const TestTensor a = random_codes(DType::kUint8, {3, 4}, 1);
  const TestTensor b = random_codes(DType::kInt8, {4, 2}, 2);
  const auto test = [&](const TestTensor& a_scale, const TestTensor& b_scale) {
    OpTest made("FusedMatMulInteger", 1, "sardonyx");
    made.input(a).input(a_scale).absent().weight(b).weight(b_scale);
    return made;
  };
  test(f32({3}, {1, 1, 1}), scalar<float>(1)).fails(ErrorCode::SHAPE_MISMATCH);
  test(scalar<float>(1), f32({3}, {1, 1, 1})).fails(ErrorCode::SHAPE_MISMATCH);
  test(scalar<int32_t>(1), scalar<float>(1)).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("FusedMatMulInteger", 1, "sardonyx")
      .input(a)
      .absent()
      .absent()
      .weight(b)
      .weight(scalar<float>(1))
      .fails(ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace
}  // namespace sardonyx::test
