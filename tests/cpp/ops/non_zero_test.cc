#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

TestTensor non_zero(const TestTensor& x) {
  std::vector<std::vector<int64_t>> found;
  for (int64_t i = 0; i < x.size(); ++i) {
    if (element(x, i) != 0) found.push_back(reference::coordinates(i, x.shape));
  }
  std::vector<int64_t> out;
  for (size_t axis = 0; axis < static_cast<size_t>(x.shape.rank()); ++axis) {
    for (const auto& at : found) out.push_back(at[axis]);
  }
  return i64({x.shape.rank(), static_cast<int64_t>(found.size())}, out);
}

}  // namespace

TEST_CASE("NonZero lists coordinates in order", "[non_zero]") {
  for (const Shape& shape :
       {Shape{7}, Shape{2, 3}, Shape{3, 150}, Shape{2, 0}, Shape{0}, Shape{2, 3, 2, 2}}) {
    for (DType dtype : {DType::kFloat32, DType::kBool, DType::kInt64, DType::kFloat16}) {
      TestTensor x = random_tensor(dtype, shape, 1, 0, 1);
      for (int64_t i = 0; i < x.size(); i += 2) set_element(x, i, 0);
      OpTest("NonZero", 13).weight(x).expect(non_zero(x)).run();
    }
  }
  OpTest("NonZero", 13).input(f32({3}, {NAN, -0.0f, 1})).expect(i64({1, 2}, {0, 2})).run();
  OpTest("NonZero", 13).input(f32({2}, {0, 0})).expect(i64({1, 0}, {})).run();
}

TEST_CASE("NonZero of a scalar has no coordinates", "[non_zero]") {
  OpTest("NonZero", 13).input(scalar(2.0f)).expect(i64({0, 1}, {})).run();
  OpTest("NonZero", 13).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace sardonyx::test
