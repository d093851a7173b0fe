#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

const Shape kShapes[] = {{}, {1}, {0}, {3, 0, 2}, {7}, {2, 3}, {1, 5, 3}, {2, 6, 3, 5}};

TEST_CASE("Identity copies every dtype and shape", "[identity]") {
  for (const Shape& shape : kShapes) {
    for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kBool, DType::kFloat16}) {
      const TestTensor x = random_tensor(dtype, shape, 1);
      OpTest("Identity").input(x).expect(x).run();
    }
  }
}

TEST_CASE("Identity refuses a wrong arity", "[identity]") {
  const TestTensor x = random_f32({2}, 3);
  OpTest("Identity").fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("Identity").input(x).input(x).fails(ErrorCode::MODEL_MALFORMED);
}

}  // namespace
}  // namespace sardonyx::test
