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

TEST_CASE("Dropout passes its input and an all-true mask", "[identity]") {
  for (const Shape& shape : kShapes) {
    const TestTensor x = random_f32(shape, 2);
    const TestTensor mask = bools(shape, std::vector<int>(static_cast<size_t>(x.size()), 1));
    OpTest("Dropout", 7).set("ratio", 0.5).input(x).expect(x).run();
    OpTest("Dropout", 10).input(x).expect(x).expect(mask).run();
    OpTest("Dropout", 13).input(x).constant(scalar(0.5f)).expect(x).expect(mask).run();
    OpTest("Dropout", 13).input(x).expect(x).expect_absent().run();
  }
}

TEST_CASE("Dropout in training mode at a ratio of 0", "[identity]") {
  const TestTensor x = random_f32({2, 3}, 4);
  OpTest("Dropout", 13).input(x).weight(scalar(0.0f)).weight(bools({}, {1})).expect(x).run();
  OpTest("Dropout", 13).input(x).weight(scalar(0.5f)).weight(bools({}, {0})).expect(x).run();
}

TEST_CASE("Dropout refuses training mode and wrong arity", "[identity]") {
  const TestTensor x = random_f32({2}, 3);
  OpTest("Dropout", 13)
      .input(x)
      .absent()
      .constant(bools({}, {1}))
      .fails(ErrorCode::MODEL_UNSUPPORTED);
  OpTest("Dropout", 13).input(x).absent().input(bools({}, {1})).fails(ErrorCode::MODEL_UNSUPPORTED);
  OpTest("Dropout", 13).absent().fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("Identity").fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("Identity").input(x).input(x).fails(ErrorCode::MODEL_MALFORMED);
}

}  // namespace
}  // namespace sardonyx::test
