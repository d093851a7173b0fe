#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/quantized.h"

namespace sardonyx::test {
namespace {

void check(const TestTensor& x) {
  float low = 0, high = 0;
  for (int64_t i = 0; i < x.size(); ++i) {
    low = std::min(low, x.as<float>()[i]);
    high = std::max(high, x.as<float>()[i]);
  }
  const float scale = high == low ? 1.0f : (high - low) / 255.0f;
  const double zero = reference::quantize(double{-low / scale}, 0, DType::kUint8);
  TestTensor y = make_tensor(DType::kUint8, x.shape);
  for (int64_t i = 0; i < x.size(); ++i) {
    set_element(y, i, reference::quantize(double{x.as<float>()[i] / scale}, zero, DType::kUint8));
  }
  OpTest("DynamicQuantizeLinear", 11)
      .input(x)
      .expect(y)
      .expect(scalar(scale))
      .expect(scalar(static_cast<uint8_t>(zero)))
      .run();
}

TEST_CASE("DynamicQuantizeLinear covers the contents and 0", "[dynamic_quantize_linear]") {
  for (const Shape& shape : {Shape{}, Shape{7}, Shape{3, 50}, Shape{2, 3, 5, 5}}) {
    check(random_f32(shape, 1, -3, 5));
    check(random_f32(shape, 2, 1, 5));
    check(random_f32(shape, 3, -5, -1));
  }
  check(f32({3}, {0, 0, 0}));
  check(f32({0}, {}));
}

TEST_CASE("DynamicQuantizeLinear refuses what has no extent", "[dynamic_quantize_linear]") {
  for (float x : {NAN, HUGE_VALF}) {
    OpTest("DynamicQuantizeLinear", 11).input(f32({2}, {x, 1})).fails(ErrorCode::VALUE_RANGE);
  }
  OpTest("DynamicQuantizeLinear", 11).input(i32({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
