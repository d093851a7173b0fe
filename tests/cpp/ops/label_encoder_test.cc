#include <catch2/catch_test_macros.hpp>
#include <limits>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

OpTest encoder(int opset = 4) {
  return OpTest("LabelEncoder", opset, "ai.onnx.ml");
}

}  // namespace

TEST_CASE("LabelEncoder maps keys to values, and others to the default", "[label_encoder]") {
  encoder()
      .strings("keys_strings", {"a", "", "größe"})
      .ints("values_int64s", {1, 2, 3})
      .set("default_int64", 42)
      .weight(strings({2, 2}, {"größe", "b", "", "a"}))
      .expect(i64({2, 2}, {3, 42, 2, 1}))
      .run();
  encoder(2)
      .ints("keys_int64s", {7, -1})
      .strings("values_strings", {"seven", "minus"})
      .weight(i64({3}, {-1, 0, 7}))
      .expect(strings({3}, {"minus", "_Unused", "seven"}))
      .run();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  encoder()
      .floats("keys_floats", {0.5f, nan, 0.0f})
      .floats("values_floats", {1, 2, 3})
      .set("default_float", -9.0)
      .input(f32({4}, {nan, -0.0f, 0.5f, 1}))
      .expect(f32({4}, {2, 3, 1, -9}))
      .run();
  encoder()
      .attribute_tensor("keys_tensor", strings({2}, {"x", "y"}))
      .attribute_tensor("values_tensor", tensor<int16_t>({2}, {5, 6}))
      .attribute_tensor("default_tensor", tensor<int16_t>({1}, {-5}))
      .input(strings({3}, {"y", "z", "x"}))
      .expect(tensor<int16_t>({3}, {6, -5, 5}))
      .run();
}

TEST_CASE("LabelEncoder of opset 1 and CategoryMapper go both ways", "[label_encoder]") {
  encoder(1)
      .strings("classes_strings", {"a", "b"})
      .input(strings({3}, {"b", "c", "a"}))
      .expect(i64({3}, {1, -1, 0}))
      .run();
  encoder(1)
      .strings("classes_strings", {"a", "b"})
      .input(i64({3}, {1, 2, 0}))
      .expect(strings({3}, {"b", "_Unused", "a"}))
      .run();
  for (const bool text : {true, false}) {
    OpTest test("CategoryMapper", 1, "ai.onnx.ml");
    test.strings("cats_strings", {"low", "high"}).ints("cats_int64s", {10, 90});
    const TestTensor words = strings({2}, {"high", "low"}), numbers = i64({2}, {90, 10});
    test.input(text ? words : numbers).expect(text ? numbers : words).run();
  }
}

TEST_CASE("LabelEncoder refuses lists that do not fit", "[label_encoder]") {
  const TestTensor x = i64({1}, {1});
  encoder()
      .ints("keys_int64s", {1, 2})
      .ints("values_int64s", {1})
      .input(x)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  encoder()
      .ints("keys_int64s", {1})
      .ints("values_int64s", {1})
      .input(f32({1}, {1}))
      .fails(ErrorCode::DTYPE_UNSUPPORTED);
  encoder()
      .ints("keys_int64s", {1})
      .ints("values_int64s", {1})
      .attribute_tensor("default_tensor", f32({1}, {1}))
      .input(x)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
  encoder()
      .ints("keys_int64s", {1})
      .ints("values_int64s", {1})
      .attribute_tensor("default_tensor", i64({0}, {}))
      .input(x)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace sardonyx::test
