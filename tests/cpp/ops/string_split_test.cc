#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

OpTest split(const char* delimiter = nullptr, int64_t most = -1) {
  OpTest test("StringSplit");
  if (delimiter) test.set("delimiter", delimiter);
  if (most >= 0) test.set("maxsplit", most);
  return test;
}

}  // namespace

TEST_CASE("StringSplit cuts at runs of whitespace", "[string_split]") {
  split()
      .input(strings({2, 2}, {"one two", "  a\t b \n", "", "three  words now"}))
      .expect(
          strings({2, 2, 3}, {"one", "two", "", "a", "b", "", "", "", "", "three", "words", "now"}))
      .expect(i64({2, 2}, {2, 2, 0, 3}))
      .run();
  split("").input(strings({}, {"a b"})).expect(strings({2}, {"a", "b"})).expect(i64({}, {2})).run();
}

TEST_CASE("StringSplit cuts at a delimiter, and keeps what is empty", "[string_split]") {
  split("--")
      .input(strings({3}, {"a----b", "--", "a-b"}))
      .expect(strings({3, 3}, {"a", "", "b", "", "", "", "a-b", "", ""}))
      .expect(i64({3}, {3, 2, 1}))
      .run();
}

TEST_CASE("StringSplit leaves the rest whole after maxsplit cuts", "[string_split]") {
  split(nullptr, 1)
      .input(strings({2}, {" a b  c ", "d"}))
      .expect(strings({2, 2}, {"a", "b  c ", "d", ""}))
      .expect(i64({2}, {2, 1}))
      .run();
  split(",", 0)
      .input(strings({1}, {"a,b"}))
      .expect(strings({1, 1}, {"a,b"}))
      .expect(i64({1}, {1}))
      .run();
}

TEST_CASE("StringSplit of nothing", "[string_split]") {
  split().input(strings({0}, {})).expect(strings({0, 0}, {})).expect(i64({0}, {})).run();
  split().input(strings({2}, {"", " "})).expect(strings({2, 0}, {})).expect(i64({2}, {0, 0})).run();
}

TEST_CASE("StringSplit refuses numbers and negative cuts", "[string_split]") {
  split().input(f32({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("StringSplit")
      .set("maxsplit", -1)
      .input(strings({1}, {"a"}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  split().input(strings({1, 1, 1, 1, 1, 1, 1, 1}, {"a"})).fails(ErrorCode::LIMIT_EXCEEDED);
}

}  // namespace sardonyx::test
