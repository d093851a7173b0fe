#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

void check(DType dtype, const Shape& base, int axis, const std::vector<int64_t>& sizes) {
  std::vector<TestTensor> parts;
  for (size_t i = 0; i < sizes.size(); ++i) {
    Shape shape = base;
    shape[axis] = sizes[i];
    parts.push_back(random_tensor(dtype, shape, static_cast<uint32_t>(i + 1), -100, 100));
  }
  for (int given : {axis, axis - base.rank()}) {
    OpTest test("Concat", 13);
    test.set("axis", given);
    for (size_t i = 0; i < parts.size(); ++i) {
      if (i == 1) {
        test.weight(parts[i]);
      } else {
        test.input(parts[i]);
      }
    }
    test.expect(reference::concat(parts, axis)).run();
  }
}

TEST_CASE("Concat along every axis", "[concat]") {
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kBool, DType::kFloat16}) {
    check(dtype, {3}, 0, {2, 0, 5});
    check(dtype, {3, 4}, 0, {1, 2});
    check(dtype, {3, 4}, 1, {1, 2, 3});
    check(dtype, {2, 3, 4}, 1, {5, 1});
    check(dtype, {2, 3, 4, 5}, 3, {1, 1, 2});
    check(dtype, {2, 0, 4}, 2, {1, 2});
    check(dtype, {2, 3}, 1, {7});
  }
}

TEST_CASE("Concat of channels, aligned and not", "[concat]") {
  const std::vector<std::vector<int64_t>> kSizes = {
      {4, 8}, {4, 4, 3}, {3, 4}, {1, 1, 1}, {5, 6, 7}, {2, 2, 4}, {64, 64}, {4, 0, 4}, {0, 3}, {9}};
  for (const auto& sizes : kSizes) {
    check(DType::kFloat32, {1, 1, 3, 5}, 1, sizes);
    check(DType::kFloat32, {2, 1, 7, 3}, 1, sizes);
    check(DType::kFloat32, {2, 1, 9}, 1, sizes);
  }
  check(DType::kFloat32, {1, 1, 0, 3}, 1, {4, 4});
  check(DType::kFloat32, {1, 1, 70, 70}, 1, {16, 20});
}

TEST_CASE("Concat before opset 4 has a default axis", "[concat]") {
  const TestTensor x = random_f32({2, 3}, 1);
  OpTest("Concat", 1).input(x).input(x).expect(reference::concat({x, x}, 1)).run();
}

TEST_CASE("Concat refuses what does not fit", "[concat]") {
  const TestTensor x = random_f32({2, 3}, 1);
  OpTest("Concat", 13).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Concat", 13).set("axis", 2).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Concat", 13).set("axis", -3).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Concat", 13)
      .set("axis", 0)
      .input(x)
      .input(random_f32({2, 4}, 1))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Concat", 13)
      .set("axis", 0)
      .input(x)
      .input(random_f32({2, 3, 1}, 1))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Concat", 13)
      .set("axis", 0)
      .input(x)
      .input(i64({2, 3}, {}))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Concat", 13).set("axis", 0).input(x).absent().fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("Concat", 13).set("axis", 0).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace
}  // namespace sardonyx::test
