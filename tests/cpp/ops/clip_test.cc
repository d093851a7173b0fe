#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/elementwise.h"

namespace sardonyx::test {
namespace {

TestTensor clipped(const TestTensor& x, double low, double high) {
  return reference::map(x, [=](double v) {
    if (v < low) v = low;
    return v > high ? high : v;
  });
}

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("Clip with attributes", "[clip]") {
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{19}, Shape{2, 6, 3, 3}}) {
    const TestTensor x = random_f32(shape, 1, -9, 9);
    OpTest("Clip", 6).set("min", 0.0).set("max", 6.0).input(x).expect(clipped(x, 0, 6)).run();
    OpTest("Clip", 6).set("max", 2.5).input(x).expect(clipped(x, -kInf, 2.5)).run();
    OpTest("Clip", 6).input(x).expect(x).run();
  }
}

TEST_CASE("Clip with inputs", "[clip]") {
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{19}, Shape{2, 6, 3, 3}, Shape{3, 20000}}) {
    const TestTensor x = random_f32(shape, 2, -9, 9);
    const TestTensor low = scalar(-1.5f);
    const TestTensor high = scalar(4.0f);
    OpTest("Clip", 13).input(x).weight(low).weight(high).expect(clipped(x, -1.5, 4)).run();
    OpTest("Clip", 13).input(x).absent().weight(high).expect(clipped(x, -kInf, 4)).run();
    OpTest("Clip", 11).input(x).weight(low).expect(clipped(x, -1.5, kInf)).run();
    OpTest("Clip", 11).input(x).weight(f32({1}, {-1.5f})).expect(clipped(x, -1.5, kInf)).run();
    OpTest("Clip", 13).input(x).expect(x).run();
  }
}

TEST_CASE("Clip of other dtypes", "[clip]") {
  for (DType dtype :
       {DType::kInt8, DType::kInt32, DType::kInt64, DType::kFloat64, DType::kFloat16}) {
    const TestTensor x = random_tensor(dtype, {130}, 3, -20, 20);
    TestTensor low = make_tensor(dtype, {});
    TestTensor high = make_tensor(dtype, {});
    set_element(low, 0, -7);
    set_element(high, 0, 5);
    OpTest("Clip", 13).input(x).weight(low).weight(high).expect(clipped(x, -7, 5)).run();
    OpTest("Clip", 13).input(x).expect(x).run();
  }
  const TestTensor big = tensor<uint64_t>({2}, {UINT64_MAX, 3});
  OpTest("Clip", 13).input(big).expect(big).run();
  OpTest("Clip", 13)
      .input(big)
      .constant(scalar<uint64_t>(UINT64_MAX - 1))
      .expect(tensor<uint64_t>({2}, {UINT64_MAX, UINT64_MAX - 1}))
      .run();
}

TEST_CASE("Clip keeps NaN; the upper bound wins", "[clip]") {
  const float nan = std::nanf("");
  OpTest("Clip", 13)
      .input(f32({5}, {nan, 1, -1, nan, 3}))
      .constant(scalar(0.0f))
      .constant(scalar(2.0f))
      .expect(f32({5}, {nan, 1, 0, nan, 2}))
      .run();
  OpTest("Clip", 13)
      .input(f32({4}, {-1, 0, 1, 2}))
      .constant(scalar(2.0f))
      .constant(scalar(1.0f))
      .expect(f32({4}, {1, 1, 1, 1}))
      .run();
}

TEST_CASE("Clip refuses what does not fit", "[clip]") {
  const TestTensor x = f32({2}, {1, 2});
  OpTest("Clip", 13).input(x).constant(f32({2}, {1, 2})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Clip", 13).input(x).constant(scalar<int64_t>(1)).fails(ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("Clip", 6).input(x).constant(scalar(1.0f)).fails(ErrorCode::MODEL_MALFORMED);
  OpTest("Clip", 13).input(bools({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
