#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

TEST_CASE("TensorScatter writes rows at each entry's index", "[tensor_scatter]") {
  for (DType dtype : {DType::kFloat32, DType::kFloat16, DType::kInt8, DType::kBool}) {
    const TestTensor cache = random_tensor(dtype, {2, 3, 5, 2}, 1);
    const TestTensor update = random_tensor(dtype, {2, 3, 2, 2}, 2);
    for (bool circular : {false, true}) {
      const TestTensor indices = circular ? i64({2}, {4, 13}) : i64({2}, {3, 0});
      TestTensor y = cache;
      for (int64_t i = 0; i < update.size(); ++i) {
        const int64_t row = i / 2, outer = row / 2;
        const int64_t to = (indices.as<int64_t>()[outer / 3] + row % 2) % 5;
        set_element(y, (outer * 5 + to) * 2 + i % 2, element(update, i));
      }
      OpTest("TensorScatter", 24)
          .set("mode", circular ? "circular" : "linear")
          .input(cache)
          .input(update)
          .input(indices)
          .expect(y)
          .run();
    }
  }
}

TEST_CASE("TensorScatter along another axis, from the beginning", "[tensor_scatter]") {
  OpTest("TensorScatter", 24)
      .set("axis", 2)
      .input(i32({1, 2, 3}, {1, 2, 3, 4, 5, 6}))
      .input(i32({1, 2, 2}, {7, 8, 9, 10}))
      .expect(i32({1, 2, 3}, {7, 8, 3, 9, 10, 6}))
      .run();
  OpTest("TensorScatter", 24)
      .input(i32({1, 2, 0}, {}))
      .input(i32({1, 1, 0}, {}))
      .expect(i32({1, 2, 0}, {}))
      .run();
}

TEST_CASE("TensorScatter refuses rows and shapes that do not fit", "[tensor_scatter]") {
  const TestTensor cache = random_f32({2, 3, 4}, 1), update = random_f32({2, 2, 4}, 2);
  const auto test = [&](const TestTensor& rows) {
    OpTest out("TensorScatter", 24);
    out.input(cache).input(rows);
    return out;
  };
  test(update).input(i64({2}, {0, 2})).fails(ErrorCode::INDEX_RANGE);
  test(update).input(i64({2}, {-1, 0})).fails(ErrorCode::INDEX_RANGE);
  test(update).input(i64({2}, {INT64_MAX, 0})).fails(ErrorCode::INDEX_RANGE);
  test(update).input(i64({3}, {0, 0, 0})).fails(ErrorCode::SHAPE_MISMATCH);
  test(random_f32({2, 4, 4}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  test(random_f32({2, 2}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  test(update).set("axis", 0).fails(ErrorCode::ATTRIBUTE_INVALID);
  test(update).set("axis", 3).fails(ErrorCode::ATTRIBUTE_INVALID);
  test(update).set("mode", "round").fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
