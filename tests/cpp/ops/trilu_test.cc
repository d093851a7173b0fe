#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

TestTensor trilu(TestTensor x, int64_t k, bool upper) {
  const int rank = x.shape.rank();
  const int64_t columns = x.shape[rank - 1];
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t distance = i % columns - i / columns % x.shape[rank - 2];
    if (upper ? distance < k : distance > k) set_element(x, i, 0);
  }
  return x;
}

}  // namespace

TEST_CASE("Trilu keeps either triangle of every matrix", "[trilu]") {
  for (const Shape& shape : {Shape{4, 5}, Shape{5, 4}, Shape{2, 3, 3}, Shape{1, 7}, Shape{3, 0},
                             Shape{0, 3}, Shape{2, 2, 4, 3}}) {
    for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kBool, DType::kFloat16}) {
      const TestTensor x = random_tensor(dtype, shape, 1, 1, 9);
      for (int upper : {0, 1}) {
        OpTest("Trilu", 14).set("upper", upper).input(x).expect(trilu(x, 0, upper != 0)).run();
        for (int64_t k : {-9, -4, -1, 0, 1, 2, 5, 9}) {
          OpTest("Trilu", 14)
              .set("upper", upper)
              .input(x)
              .weight(scalar<int64_t>(k))
              .expect(trilu(x, k, upper != 0))
              .run();
        }
      }
    }
  }
}

TEST_CASE("Trilu takes any k and refuses what is no matrix", "[trilu]") {
  const TestTensor x = random_f32({2, 2}, 2);
  OpTest("Trilu", 14).input(x).weight(scalar(INT64_MAX)).expect(trilu(x, 5, true)).run();
  OpTest("Trilu", 14).input(x).weight(scalar(INT64_MIN)).expect(x).run();
  OpTest("Trilu", 14).input(random_f32({3}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Trilu", 14).input(x).weight(i64({2}, {0, 1})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("Trilu", 14).input(x).weight(scalar(1.0f)).fails(ErrorCode::DTYPE_UNSUPPORTED);
}

}  // namespace sardonyx::test
