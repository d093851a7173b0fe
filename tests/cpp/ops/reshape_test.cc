#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

using reference::reshape;

TestTensor list(const std::vector<int64_t>& values) {
  return i64({static_cast<int64_t>(values.size())}, values);
}

void check_reshape(const Shape& from, const std::vector<int64_t>& wanted, const Shape& to) {
  const TestTensor x = random_f32(from, 1);
  OpTest("Reshape", 13).input(x).weight(list(wanted)).expect(reshape(x, to)).run();
  OpTest("Reshape", 1).ints("shape", wanted).input(x).expect(reshape(x, to)).run();
}

TEST_CASE("Reshape", "[reshape]") {
  check_reshape({2, 3, 4}, {4, 6}, {4, 6});
  check_reshape({2, 3, 4}, {-1}, {24});
  check_reshape({2, 3, 4}, {0, -1}, {2, 12});
  check_reshape({2, 3, 4}, {0, 0, 2, -1}, {2, 3, 2, 2});
  check_reshape({2, 3, 4}, {-1, 3, 4, 1}, {2, 3, 4, 1});
  check_reshape({1}, {}, {});
  check_reshape({}, {1, 1}, {1, 1});
  check_reshape({0, 3}, {0, 5}, {0, 5});
  check_reshape({0, 3}, {0, -1}, {0, 3});
  check_reshape({2, 0, 4}, {2, -1, 4}, {2, 0, 4});
  check_reshape({0, 3}, {0, 1, 3}, {0, 1, 3});
  check_reshape({0, 3}, {-1, 3}, {0, 3});
  const TestTensor empty = random_f32({0, 3}, 2);
  OpTest("Reshape", 14)
      .set("allowzero", 1)
      .input(empty)
      .constant(list({5, 0}))
      .expect(reshape(empty, {5, 0}))
      .run();
}

TEST_CASE("Reshape refuses what does not fit", "[reshape]") {
  const TestTensor x = random_f32({2, 3, 4}, 1);
  const auto fails = [&](const std::vector<int64_t>& wanted, ErrorCode code) {
    OpTest("Reshape", 13).input(x).constant(list(wanted)).fails(code);
  };
  fails({5, 5}, ErrorCode::SHAPE_MISMATCH);
  fails({-1, 7}, ErrorCode::SHAPE_MISMATCH);
  fails({-1, -1}, ErrorCode::VALUE_RANGE);
  fails({-2, 3}, ErrorCode::VALUE_RANGE);
  fails({2, 3, 4, 0}, ErrorCode::SHAPE_MISMATCH);
  fails({INT64_MAX, INT64_MAX}, ErrorCode::SHAPE_MISMATCH);
  fails({1, 1, 1, 1, 1, 1, 2, 3, 4}, ErrorCode::LIMIT_EXCEEDED);
  fails(std::vector<int64_t>(100, 1), ErrorCode::LIMIT_EXCEEDED);
  OpTest("Reshape", 13).input(x).fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("Reshape", 13).input(x).constant(f32({1}, {24})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Reshape", 13).input(x).constant(i64({1, 1}, {24})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Reshape", 14)
      .set("allowzero", 1)
      .input(random_f32({0, 3}, 2))
      .constant(list({0, -1}))
      .fails(ErrorCode::SHAPE_MISMATCH);
}

TEST_CASE("Reshape of dims that are not known yet", "[reshape]") {
  const Operator* op = find_operator("", "Reshape", 13);
  REQUIRE(op != nullptr);
  const auto infer = [&](const Shape& from, std::vector<int64_t> wanted) {
    const TensorView view{
        DType::kInt64, Layout::kRowMajor, {static_cast<int64_t>(wanted.size())}, wanted.data()};
    const ValueFacts inputs[] = {{DType::kFloat32, true, from, nullptr},
                                 {DType::kInt64, true, view.shape, &view}};
    ValueFacts output;
    const Attributes none;
    InferContext context{none, 13, inputs, {&output, 1}};
    REQUIRE(op->infer(context).ok());
    REQUIRE(output.has_shape);
    return output.shape;
  };
  CHECK(infer({-1, 4, 7}, {0, -1}) == Shape{-1, 28});
  CHECK(infer({-1, 4, 7}, {-1, 28}) == Shape{-1, 28});
  CHECK(infer({-1, -1, 8}, {0, 0, 2, -1}) == Shape{-1, -1, 2, 4});
  CHECK(infer({-1, 4}, {2, 6}) == Shape{2, 6});
}

TEST_CASE("Flatten", "[reshape]") {
  const TestTensor x = random_f32({2, 3, 4, 5}, 3);
  const auto check = [&](int axis, const Shape& shape) {
    OpTest("Flatten", 13).set("axis", axis).input(x).expect(reshape(x, shape)).run();
  };
  check(0, {1, 120});
  check(1, {2, 60});
  check(3, {24, 5});
  check(4, {120, 1});
  check(-1, {24, 5});
  check(-4, {1, 120});
  OpTest("Flatten", 9).input(x).expect(reshape(x, {2, 60})).run();
  const TestTensor scalar = random_f32({}, 4);
  OpTest("Flatten", 13).set("axis", 0).input(scalar).expect(reshape(scalar, {1, 1})).run();
  const TestTensor empty = random_f32({0, 3}, 4);
  OpTest("Flatten", 13).input(empty).expect(empty).run();
  OpTest("Flatten", 13).set("axis", 5).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Flatten", 13).set("axis", -5).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
}

TEST_CASE("Squeeze", "[reshape]") {
  const TestTensor x = random_f32({1, 3, 1, 5}, 5);
  const auto check = [&](const std::vector<int64_t>& axes, const Shape& shape) {
    OpTest("Squeeze", 13).input(x).weight(list(axes)).expect(reshape(x, shape)).run();
    OpTest("Squeeze", 11).ints("axes", axes).input(x).expect(reshape(x, shape)).run();
  };
  check({0}, {3, 1, 5});
  check({-2}, {1, 3, 5});
  check({2, 0}, {3, 5});
  OpTest("Squeeze", 13).input(x).expect(reshape(x, {3, 5})).run();
  OpTest("Squeeze", 11).input(x).expect(reshape(x, {3, 5})).run();
  OpTest("Squeeze", 11).ints("axes", {1}).input(x).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Squeeze", 11).ints("axes", {4}).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Squeeze", 13).input(x).constant(list({0, -4})).fails(ErrorCode::VALUE_RANGE);
}

TEST_CASE("Unsqueeze", "[reshape]") {
  const TestTensor x = random_f32({3, 5}, 6);
  const auto check = [&](const std::vector<int64_t>& axes, const Shape& shape) {
    OpTest("Unsqueeze", 13).input(x).weight(list(axes)).expect(reshape(x, shape)).run();
    OpTest("Unsqueeze", 11).ints("axes", axes).input(x).expect(reshape(x, shape)).run();
  };
  check({0}, {1, 3, 5});
  check({-1}, {3, 5, 1});
  check({3, 0}, {1, 3, 5, 1});
  check({1, 2, 4}, {3, 1, 1, 5, 1});
  const TestTensor number = scalar<int64_t>(7);
  OpTest("Unsqueeze", 13).input(number).constant(list({0})).expect(reshape(number, {1})).run();
  OpTest("Unsqueeze", 11).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Unsqueeze", 13).input(x).fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("Unsqueeze", 11).ints("axes", {4}).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Unsqueeze", 11).ints("axes", {0, 0}).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Unsqueeze", 13)
      .input(x)
      .constant(list({0, 1, 2, 3, 4, 5, 6}))
      .fails(ErrorCode::LIMIT_EXCEEDED);
}

}  // namespace
}  // namespace sardonyx::test
