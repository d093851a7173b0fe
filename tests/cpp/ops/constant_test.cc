#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

TestTensor list(const std::vector<int64_t>& values) {
  return i64({static_cast<int64_t>(values.size())}, values);
}

TEST_CASE("Constant in all attribute forms", "[constant]") {
  const TestTensor value = random_tensor(DType::kInt32, {2, 3}, 1);
  OpTest("Constant", 13).attribute_tensor("value", value).expect(value).run();
  OpTest("Constant", 13).set("value_int", 7).expect(scalar<int64_t>(7)).run();
  OpTest("Constant", 13).set("value_float", 1.5).expect(scalar(1.5f)).run();
  OpTest("Constant", 13).ints("value_ints", {1, 2, 3}).expect(list({1, 2, 3})).run();
  OpTest("Constant", 13).ints("value_ints", {}).expect(list({})).run();
  OpTest("Constant", 13).floats("value_floats", {1, 2}).expect(f32({2}, {1, 2})).run();
  OpTest("Constant", 13).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Constant", 13).set("value_float", 1).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Constant", 13).set("value_string", "x").fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Constant", 13).set("value_int", 1).input(value).fails(ErrorCode::MODEL_MALFORMED);
}

TEST_CASE("ConstantOfShape", "[constant]") {
  OpTest("ConstantOfShape").weight(list({2, 3})).expect(f32({2, 3}, {0, 0, 0, 0, 0, 0})).run();
  OpTest("ConstantOfShape").weight(list({})).expect(scalar(0.0f)).run();
  OpTest("ConstantOfShape").weight(list({0, 4})).expect(f32({0, 4}, {})).run();
  OpTest("ConstantOfShape")
      .attribute_tensor("value", i64({1}, {-3}))
      .constant(list({3}))
      .expect(list({-3, -3, -3}))
      .run();
  OpTest("ConstantOfShape")
      .attribute_tensor("value", bools({1}, {1}))
      .constant(list({5}))
      .expect(bools({5}, {1, 1, 1, 1, 1}))
      .run();
  OpTest("ConstantOfShape").constant(list({2, -1})).fails(ErrorCode::VALUE_RANGE);
  OpTest("ConstantOfShape")
      .constant(list(std::vector<int64_t>(9, 1)))
      .fails(ErrorCode::VALUE_RANGE);
  OpTest("ConstantOfShape")
      .attribute_tensor("value", list({1, 2}))
      .constant(list({2}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

template <typename T>
void check_range(T start, T limit, T delta, const std::vector<T>& expected) {
  OpTest("Range")
      .weight(scalar(start))
      .weight(scalar(limit))
      .weight(scalar(delta))
      .expect(tensor<T>({static_cast<int64_t>(expected.size())}, expected))
      .run();
}

TEST_CASE("Range", "[constant]") {
  check_range<int64_t>(0, 5, 1, {0, 1, 2, 3, 4});
  check_range<int64_t>(10, 4, -2, {10, 8, 6});
  check_range<int64_t>(3, 3, 1, {});
  check_range<int64_t>(3, 9, -1, {});
  check_range<int64_t>(0, 5, 3, {0, 3});
  check_range<int64_t>(INT64_MIN, INT64_MIN + 2, 1, {INT64_MIN, INT64_MIN + 1});
  check_range<int32_t>(1, -6, -3, {1, -2, -5});
  check_range<int16_t>(1, 4, 2, {1, 3});
  check_range<float>(0, 1, 0.3f, {0, 0.3f, 0.6f, 0.9f});
  check_range<float>(5, 2, -1.5f, {5, 3.5f});
  check_range<double>(0, 0.5, 0.25, {0, 0.25});
  std::vector<int32_t> many;
  for (int32_t i = 0; i < 600; ++i) many.push_back(7 - 3 * i);
  check_range<int32_t>(7, 7 - 1800, -3, many);
}

TEST_CASE("Range of 16-bit floats", "[constant]") {
  for (DType dtype : {DType::kFloat16, DType::kBfloat16}) {
    TestTensor start = make_tensor(dtype, {});
    TestTensor limit = make_tensor(dtype, {});
    TestTensor delta = make_tensor(dtype, {});
    TestTensor expected = make_tensor(dtype, {4});
    set_element(start, 0, 1);
    set_element(limit, 0, 3);
    set_element(delta, 0, 0.5);
    for (int64_t i = 0; i < 4; ++i) set_element(expected, i, 1 + 0.5 * static_cast<double>(i));
    OpTest("Range").weight(start).weight(limit).weight(delta).expect(expected).run();
  }
}

TEST_CASE("Range refuses what has no end", "[constant]") {
  const auto fails = [](const TestTensor& start, const TestTensor& limit, const TestTensor& delta,
                        ErrorCode code) {
    OpTest("Range").constant(start).constant(limit).constant(delta).fails(code);
  };
  const auto whole = [](int64_t value) { return scalar(value); };
  fails(whole(0), whole(5), whole(0), ErrorCode::VALUE_RANGE);
  fails(whole(0), whole(INT64_MAX), whole(1), ErrorCode::VALUE_RANGE);
  fails(whole(INT64_MIN), whole(INT64_MAX), whole(1), ErrorCode::VALUE_RANGE);
  fails(whole(0), whole(INT64_MIN), whole(-1), ErrorCode::VALUE_RANGE);
  fails(scalar(0.0f), scalar(1.0f), scalar(0.0f), ErrorCode::VALUE_RANGE);
  fails(scalar(0.0f), scalar(NAN), scalar(1.0f), ErrorCode::VALUE_RANGE);
  fails(scalar(0.0f), scalar(std::numeric_limits<float>::infinity()), scalar(1.0f),
        ErrorCode::VALUE_RANGE);
  fails(whole(0), whole(5), scalar(1.0f), ErrorCode::DTYPE_UNSUPPORTED);
  fails(list({1, 2}), whole(5), whole(1), ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
