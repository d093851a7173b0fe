#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

TestTensor eye(DType dtype, const Shape& shape, int64_t k) {
  TestTensor out = make_tensor(dtype, shape);
  for (int64_t i = 0; i < out.size(); ++i) {
    set_element(out, i, i % shape[1] - i / shape[1] == k ? 1 : 0);
  }
  return out;
}

}  // namespace

TEST_CASE("EyeLike on every diagonal", "[eye_like]") {
  for (const Shape& shape : {Shape{3, 3}, Shape{2, 4}, Shape{4, 2}, Shape{0, 2}, Shape{2, 0}}) {
    const TestTensor x = random_f32(shape, 1);
    for (int64_t k : {INT64_MIN, int64_t{-3}, int64_t{-1}, int64_t{0}, int64_t{2}, INT64_MAX}) {
      OpTest("EyeLike", 9).set("k", k).input(x).expect(eye(DType::kFloat32, shape, k)).run();
      for (DType dtype : {DType::kFloat16, DType::kInt32, DType::kBool}) {
        OpTest("EyeLike", 22)
            .set("k", k)
            .set("dtype", static_cast<int>(dtype))
            .input(x)
            .expect(eye(dtype, shape, k))
            .run();
      }
    }
  }
}

TEST_CASE("EyeLike refuses what is no matrix and no dtype", "[eye_like]") {
  OpTest("EyeLike", 9).input(random_f32({3}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("EyeLike", 9)
      .set("dtype", 77)
      .input(random_f32({2, 2}, 1))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace sardonyx::test
