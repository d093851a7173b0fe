#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {

TEST_CASE("IsNaN and IsInf of every float", "[float_class]") {
  for (DType dtype : {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16}) {
    for (const Shape& shape : {Shape{6}, Shape{1, 6, 1, 1}}) {
      TestTensor x = make_tensor(dtype, shape);
      const double values[] = {1, NAN, INFINITY, -INFINITY, 0, -2};
      for (int64_t i = 0; i < 6; ++i) set_element(x, i, values[i]);
      OpTest("IsNaN", 20).input(x).expect(bools(shape, {0, 1, 0, 0, 0, 0})).run();
      OpTest("IsInf", 20).input(x).expect(bools(shape, {0, 0, 1, 1, 0, 0})).run();
      OpTest("IsInf", 20)
          .set("detect_positive", 0)
          .input(x)
          .expect(bools(shape, {0, 0, 0, 1, 0, 0}))
          .run();
      OpTest("IsInf", 20)
          .set("detect_negative", 0)
          .input(x)
          .expect(bools(shape, {0, 0, 1, 0, 0, 0}))
          .run();
    }
  }
  OpTest("IsNaN", 13).input(f32({0}, {})).expect(bools({0}, {})).run();
  OpTest("IsNaN", 13).input(i64({1}, {0})).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
