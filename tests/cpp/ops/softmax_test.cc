#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

TestTensor reference(const TestTensor& x, int begin, int end, bool log) {
  TestTensor y = make_tensor(x.dtype, x.shape);
  const int64_t outer = x.shape.product(0, begin), n = x.shape.product(begin, end),
                inner = x.shape.product(end, x.shape.rank());
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const auto at = [&](int64_t j) { return (o * n + j) * inner + i; };
      double max = -INFINITY, sum = 0;
      for (int64_t j = 0; j < n; ++j) max = std::fmax(max, element(x, at(j)));
      for (int64_t j = 0; j < n; ++j) sum += std::exp(element(x, at(j)) - max);
      for (int64_t j = 0; j < n; ++j) {
        const double z = element(x, at(j)) - max;
        set_element(y, at(j), log ? z - std::log(sum) : std::exp(z) / sum);
      }
    }
  }
  return y;
}

const Shape kShapes[] = {{5},       {1, 7},        {3, 1},       {2, 0, 3},
                         {2, 3, 5}, {1, 37, 1, 1}, {2, 3, 4, 9}, {1, 2, 3, 2, 3}};

TEST_CASE("Softmax and LogSoftmax over every axis", "[softmax]") {
  for (const Shape& shape : kShapes) {
    const TestTensor x = random_f32(shape, 1, -8, 8);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      for (bool log : {false, true}) {
        const char* type = log ? "LogSoftmax" : "Softmax";
        const TestTensor y = reference(x, axis, axis + 1, log);
        OpTest(type, 13).set("axis", axis).input(x).expect(y).run();
        OpTest(type, 13).set("axis", axis - shape.rank()).input(x).expect(y).run();
      }
    }
    const TestTensor last = reference(x, shape.rank() - 1, shape.rank(), false);
    OpTest("Softmax", 13).input(x).expect(last).run();
  }
}

TEST_CASE("before opset 13 Softmax takes all axes from `axis` on", "[softmax]") {
  for (const Shape& shape : kShapes) {
    const TestTensor x = random_f32(shape, 2, -8, 8);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      for (bool log : {false, true}) {
        const char* type = log ? "LogSoftmax" : "Softmax";
        OpTest(type, 11)
            .set("axis", axis)
            .input(x)
            .expect(reference(x, axis, shape.rank(), log))
            .run();
      }
    }
    const int axis = shape.rank() > 1 ? 1 : shape.rank();
    OpTest("Softmax", 7).input(x).expect(reference(x, axis, shape.rank(), false)).run();
    OpTest("Softmax", 11)
        .set("axis", -1)
        .input(x)
        .expect(reference(x, shape.rank() - 1, shape.rank(), false))
        .run();
  }
}

TEST_CASE("Softmax and LogSoftmax of other floats", "[softmax]") {
  for (DType dtype : {DType::kFloat16, DType::kBfloat16, DType::kFloat64}) {
    const TestTensor x = random_tensor(dtype, {2, 3, 5}, 1, -4, 4);
    for (bool log : {false, true}) {
      OpTest(log ? "LogSoftmax" : "Softmax", 13)
          .set("axis", 1)
          .input(x)
          .tolerance(1e-2, 1e-3)
          .expect(reference(x, 1, 2, log))
          .run();
    }
  }
}

TEST_CASE("Softmax refuses what it can not do", "[softmax]") {
  OpTest("Softmax", 13)
      .set("axis", 2)
      .input(random_f32({2, 3}, 1))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Softmax", 11)
      .set("axis", -3)
      .input(random_f32({2, 3}, 1))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Softmax", 13).input(i64({2}, {1, 2})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Softmax", 13).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace
}  // namespace sardonyx::test
