#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

TestTensor list(const std::vector<int64_t>& values) {
  return i64({static_cast<int64_t>(values.size())}, values);
}

TestTensor expanded(const TestTensor& x, const Shape& to) {
  const Shape shape = *broadcast(x.shape, to);
  TestTensor out = make_tensor(x.dtype, shape);
  for (int64_t i = 0; i < out.size(); ++i) {
    const int64_t from = reference::broadcast_index(reference::coordinates(i, shape), x.shape);
    reference::copy_element(out, i, x, from);
  }
  return out;
}

TestTensor tiled(const TestTensor& x, const std::vector<int64_t>& repeats) {
  Shape shape = x.shape;
  for (int axis = 0; axis < shape.rank(); ++axis) shape[axis] *= repeats[static_cast<size_t>(axis)];
  return reference::gather_from(x, shape, [&](std::vector<int64_t> at) {
    for (int axis = 0; axis < shape.rank(); ++axis) at[static_cast<size_t>(axis)] %= x.shape[axis];
    return at;
  });
}

TEST_CASE("Expand broadcasts to a shape", "[expand]") {
  struct Case {
    Shape from;
    std::vector<int64_t> to;
  };
  const Case kCases[] = {{{3, 1}, {2, 1, 6}},    {{3}, {3}},   {{}, {2, 3}},
                         {{2, 3}, {1}},          {{2, 3}, {}}, {{1, 4}, {5, 1}},
                         {{1, 3, 1}, {2, 1, 4}}, {{1}, {0}},   {{2, 1, 5, 1, 3}, {1, 3, 1, 2, 1}},
                         {{1, 40}, {70, 1}}};
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kBool}) {
    for (const Case& c : kCases) {
      const TestTensor x = random_tensor(dtype, c.from, 1);
      OpTest("Expand").input(x).weight(list(c.to)).expect(expanded(x, Shape(c.to))).run();
    }
  }
}

TEST_CASE("Expand refuses what does not fit", "[expand]") {
  const TestTensor x = random_f32({2, 3}, 1);
  OpTest("Expand").input(x).constant(list({4})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Expand").input(x).constant(list({-1, 3})).fails(ErrorCode::VALUE_RANGE);
  OpTest("Expand")
      .input(x)
      .constant(list(std::vector<int64_t>(9, 1)))
      .fails(ErrorCode::VALUE_RANGE);
  OpTest("Expand").input(x).constant(f32({1}, {3})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Expand").input(x).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

TEST_CASE("Tile repeats", "[expand]") {
  struct Case {
    Shape from;
    std::vector<int64_t> repeats;
  };
  const Case kCases[] = {{{3}, {4}},
                         {{2, 3}, {1, 1}},
                         {{2, 3}, {2, 3}},
                         {{}, {}},
                         {{2, 3, 4}, {1, 2, 1}},
                         {{2, 3, 4}, {3, 1, 2}},
                         {{2, 3}, {0, 2}},
                         {{2, 0}, {2, 2}},
                         {{1, 5, 1, 2}, {2, 1, 3, 2}},
                         {{1, 2, 1, 2, 1, 2, 1, 2}, {2, 2, 2, 2, 2, 2, 2, 2}}};
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kUint8}) {
    for (const Case& c : kCases) {
      const TestTensor x = random_tensor(dtype, c.from, 2, 0, 99);
      OpTest("Tile", 13).input(x).weight(list(c.repeats)).expect(tiled(x, c.repeats)).run();
    }
  }
}

TEST_CASE("Tile refuses what does not fit", "[expand]") {
  const TestTensor x = random_f32({2, 3}, 1);
  OpTest("Tile", 13).input(x).constant(list({2})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Tile", 13).input(x).constant(list({2, -1})).fails(ErrorCode::VALUE_RANGE);
  OpTest("Tile", 13).input(x).constant(list({2, INT64_MAX})).fails(ErrorCode::LIMIT_EXCEEDED);
}

}  // namespace
}  // namespace sardonyx::test
