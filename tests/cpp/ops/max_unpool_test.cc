#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {

TEST_CASE("MaxUnpool puts maxima where they were", "[max_unpool]") {
  const TestTensor x = f32({1, 1, 2, 2}, {5, 6, 7, 8});
  const TestTensor indices = i64({1, 1, 2, 2}, {5, 7, 13, 15});
  const auto test = [&] {
    return OpTest("MaxUnpool", 11).ints("kernel_shape", {2, 2}).ints("strides", {2, 2}).input(x);
  };
  test()
      .input(indices)
      .expect(f32({1, 1, 4, 4}, {0, 0, 0, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0, 7, 0, 8}))
      .run();
  test()
      .input(indices)
      .weight(i64({4}, {1, 1, 5, 5}))
      .expect(f32({1, 1, 5, 5},
                  {0, 0, 0, 0, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7, 0, 8, 0, 0, 0, 0, 0, 0}))
      .run();
}

TEST_CASE("MaxUnpool of a padded pooling over one axis", "[max_unpool]") {
  OpTest("MaxUnpool", 11)
      .ints("kernel_shape", {2})
      .ints("strides", {2})
      .ints("pads", {1, 0})
      .input(tensor<double>({1, 2, 2}, {1, 2, 3, 4}))
      .input(i64({1, 2, 2}, {0, 2, 3, 5}))
      .expect(tensor<double>({1, 2, 3}, {1, 0, 2, 3, 0, 4}))
      .run();
}

TEST_CASE("MaxUnpool refuses indices and shapes", "[max_unpool]") {
  const TestTensor x = f32({1, 1, 1, 2}, {5, 6});
  const auto test = [&](std::vector<int64_t> kernel) {
    return OpTest("MaxUnpool", 11).ints("kernel_shape", std::move(kernel)).input(x);
  };
  test({1, 1}).input(i64({1, 1, 1, 2}, {0, 2})).fails(ErrorCode::INDEX_RANGE);
  test({1, 1}).input(i64({1, 1, 1, 2}, {0, -1})).fails(ErrorCode::INDEX_RANGE);
  test({1, 1}).input(i64({1, 1, 2}, {0, 1})).fails(ErrorCode::SHAPE_MISMATCH);
  test({1, 1, 1}).input(i64({1, 1, 1, 2}, {0, 1})).fails(ErrorCode::SHAPE_MISMATCH);
  test({1, 1})
      .input(i64({1, 1, 1, 2}, {0, 1}))
      .weight(i64({4}, {1, 1, 1, 1}))
      .fails(ErrorCode::INDEX_RANGE);
  test({1, 1})
      .input(i64({1, 1, 1, 2}, {0, 1}))
      .weight(i64({4}, {1, 1, 1, -2}))
      .fails(ErrorCode::VALUE_RANGE);
}

}  // namespace sardonyx::test
