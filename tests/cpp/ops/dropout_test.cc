#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

const Shape kShapes[] = {{}, {1}, {0}, {3, 0, 2}, {7}, {2, 3}, {2, 6, 3, 5}};

TEST_CASE("Dropout passes its input and a mask of ones", "[dropout]") {
  for (const Shape& shape : kShapes) {
    const TestTensor x = random_f32(shape, 2);
    const TestTensor mask = bools(shape, std::vector<int>(static_cast<size_t>(x.size()), 1));
    const TestTensor ones = random_f32(shape, 1, 1, 1);
    OpTest("Dropout", 6).set("ratio", 0.5).input(x).expect(x).run();
    OpTest("Dropout", 7).set("ratio", 0.5).input(x).expect(x).expect(ones).run();
    OpTest("Dropout", 10).input(x).expect(x).expect(mask).run();
    OpTest("Dropout", 13).input(x).constant(scalar(0.5f)).expect(x).expect(mask).run();
    OpTest("Dropout", 13).input(x).expect(x).expect_absent().run();
  }
}

TEST_CASE("Dropout drops what NumPy drops with the same seed", "[dropout]") {
  // numpy.random.seed(0); numpy.random.uniform(size=6) >= 0.5: .549 .715 .603 .545 .424 .646
  const TestTensor x = f32({2, 3}, {1, 2, 3, 4, 5, 6});
  OpTest("Dropout", 13)
      .set("seed", 0)
      .input(x)
      .absent()
      .weight(bools({}, {1}))
      .expect(f32({2, 3}, {2, 4, 6, 8, 0, 12}))
      .expect(bools({2, 3}, {1, 1, 1, 1, 0, 1}))
      .run();
}

TEST_CASE("Dropout at a ratio of 0", "[dropout]") {
  const TestTensor x = random_f32({2, 3}, 4);
  OpTest("Dropout", 13).input(x).weight(scalar(0.0f)).weight(bools({}, {1})).expect(x).run();
  OpTest("Dropout", 13).input(x).weight(scalar(0.5f)).weight(bools({}, {0})).expect(x).run();
}

TEST_CASE("Dropout refuses ratios, shapes and arities", "[dropout]") {
  const TestTensor x = random_f32({2}, 3);
  const TestTensor yes = bools({}, {1});
  OpTest("Dropout", 13).input(x).input(scalar(1.0f)).input(yes).fails(ErrorCode::VALUE_RANGE);
  OpTest("Dropout", 13).input(x).input(scalar(NAN)).input(yes).fails(ErrorCode::VALUE_RANGE);
  OpTest("Dropout", 13).input(x).input(f32({0}, {})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Dropout", 13).input(x).absent().input(scalar(1.0f)).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Dropout", 13).absent().fails(ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace
}  // namespace sardonyx::test
