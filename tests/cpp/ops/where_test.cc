#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/elementwise.h"

namespace sardonyx::test {
namespace {

TEST_CASE("Where broadcasts its three operands", "[where]") {
  const Shape kTriples[][3] = {
      {{}, {}, {}},
      {{7}, {7}, {7}},
      {{7}, {}, {7}},
      {{1}, {5}, {1}},
      {{2, 1}, {1, 3}, {3}},
      {{3}, {2, 3}, {2, 1}},
      {{2, 5, 3, 4}, {2, 5, 3, 4}, {2, 5, 3, 4}},
      {{1, 1, 9, 9}, {2, 3, 9, 9}, {}},
      {{0}, {1}, {0}},
      {{4, 1, 3}, {2, 1}, {4, 2, 3}},
  };
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kBool, DType::kFloat16}) {
    for (const auto& shapes : kTriples) {
      const TestTensor condition = random_tensor(DType::kBool, shapes[0], 1);
      const TestTensor x = random_tensor(dtype, shapes[1], 2);
      const TestTensor y = random_tensor(dtype, shapes[2], 3);
      OpTest("Where")
          .input(condition)
          .input(x)
          .weight(y)
          .expect(reference::select(condition, x, y))
          .run();
    }
  }
}

TEST_CASE("Where of a long tensor", "[where]") {
  const TestTensor condition = random_tensor(DType::kBool, {3, 1, 9001}, 4);
  const TestTensor x = random_f32({2, 1}, 5);
  const TestTensor y = random_f32({3, 2, 9001}, 6);
  OpTest("Where")
      .input(condition)
      .input(x)
      .input(y)
      .expect(reference::select(condition, x, y))
      .run();
}

TEST_CASE("Where refuses what does not fit", "[where]") {
  const TestTensor c = bools({2}, {0, 1});
  OpTest("Where")
      .input(c)
      .input(f32({2}, {1, 2}))
      .input(f32({3}, {1, 2, 3}))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Where")
      .input(c)
      .input(f32({2}, {1, 2}))
      .input(i64({2}, {1, 2}))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Where").input(f32({2}, {1, 2})).input(c).input(c).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Where").input(c).input(c).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace
}  // namespace sardonyx::test
