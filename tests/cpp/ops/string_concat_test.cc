#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {

TEST_CASE("StringConcat joins elements, with broadcasting", "[string_concat]") {
  OpTest("StringConcat")
      .weight(strings({2, 2}, {"a", "", "größe", "d"}))
      .weight(strings({2}, {"-x", ""}))
      .expect(strings({2, 2}, {"a-x", "", "größe-x", "d"}))
      .run();
  OpTest("StringConcat")
      .input(strings({}, {"a"}))
      .input(strings({}, {"b"}))
      .expect(strings({}, {"ab"}))
      .run();
  OpTest("StringConcat")
      .input(strings({0, 2}, {}))
      .input(strings({1, 2}, {"a", "b"}))
      .expect(strings({0, 2}, {}))
      .run();
}

TEST_CASE("StringConcat refuses numbers, other shapes and arities", "[string_concat]") {
  const TestTensor text = strings({2}, {"a", "b"});
  OpTest("StringConcat").input(text).input(f32({2}, {1, 2})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("StringConcat").input(i64({2}, {1, 2})).input(text).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("StringConcat")
      .input(text)
      .input(strings({3}, {"a", "b", "c"}))
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("StringConcat").input(text).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

TEST_CASE("Equal compares strings", "[string_equal]") {
  OpTest("Equal", 19)
      .weight(strings({2, 2}, {"a", "b", "", "ab"}))
      .weight(strings({2}, {"a", "ab"}))
      .expect(bools({2, 2}, {1, 0, 0, 1}))
      .run();
  OpTest("Equal", 19)
      .input(strings({1}, {"a"}))
      .input(f32({1}, {1}))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
