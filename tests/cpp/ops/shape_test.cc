#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

TEST_CASE("Shape lists dims, since opset 15 a part of them", "[shape]") {
  const TestTensor x = random_f32({3, 4, 5}, 1);
  OpTest("Shape", 13).input(x).expect(i64({3}, {3, 4, 5})).run();
  OpTest("Shape", 15).set("start", 1).input(x).expect(i64({2}, {4, 5})).run();
  OpTest("Shape", 15).set("end", -1).input(x).expect(i64({2}, {3, 4})).run();
  OpTest("Shape", 15).set("start", -2).set("end", 2).input(x).expect(i64({1}, {4})).run();
  OpTest("Shape", 15).set("start", -9).set("end", 9).input(x).expect(i64({3}, {3, 4, 5})).run();
  OpTest("Shape", 15).set("start", 2).set("end", 1).input(x).expect(i64({0}, {})).run();
  OpTest("Shape", 15)
      .set("start", INT64_MIN)
      .set("end", INT64_MAX)
      .input(x)
      .expect(i64({3}, {3, 4, 5}))
      .run();
  OpTest("Shape", 13).input(random_f32({}, 1)).expect(i64({0}, {})).run();
  OpTest("Shape", 13).input(random_f32({0, 2}, 1)).expect(i64({2}, {0, 2})).run();
  OpTest("Shape", 13).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

TEST_CASE("Size counts elements", "[shape]") {
  OpTest("Size", 13).input(random_f32({3, 4, 5}, 1)).expect(scalar<int64_t>(60)).run();
  OpTest("Size", 13).input(random_f32({}, 1)).expect(scalar<int64_t>(1)).run();
  OpTest("Size", 13).input(bools({0, 2}, {})).expect(scalar<int64_t>(0)).run();
}

}  // namespace
}  // namespace sardonyx::test
