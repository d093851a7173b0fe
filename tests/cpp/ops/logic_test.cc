#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/elementwise.h"

namespace sardonyx::test {
namespace {

TEST_CASE("Not", "[logic]") {
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{9}, Shape{1, 5, 2, 3}}) {
    const TestTensor x = random_tensor(DType::kBool, shape, 1);
    OpTest("Not").input(x).expect(reference::map(x, [](double v) { return v == 0; })).run();
  }
  OpTest("Not").input(f32({1}, {1})).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
