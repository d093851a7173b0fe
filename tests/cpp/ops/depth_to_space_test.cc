#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

TestTensor depth_to_space(const TestTensor& x, int64_t size, bool column_row_depth) {
  const Shape& s = x.shape;
  const int64_t channels = s[1] / (size * size);
  return reference::gather_from(
      x, {s[0], channels, s[2] * size, s[3] * size}, [=](const std::vector<int64_t>& at) {
        const int64_t place = at[2] % size * size + at[3] % size;
        const int64_t channel =
            column_row_depth ? at[1] * size * size + place : place * channels + at[1];
        return std::vector<int64_t>{at[0], channel, at[2] / size, at[3] / size};
      });
}

}  // namespace

TEST_CASE("DepthToSpace in both modes, and SpaceToDepth back", "[depth_to_space]") {
  for (DType dtype : {DType::kFloat32, DType::kUint8, DType::kInt64}) {
    for (const Shape& shape : {Shape{2, 8, 2, 3}, Shape{1, 4, 1, 1}, Shape{1, 12, 0, 2}}) {
      const TestTensor x = random_tensor(dtype, shape, 1, 0, 99);
      const TestTensor wide = depth_to_space(x, 2, false);
      OpTest("DepthToSpace", 1).set("blocksize", 2).input(x).expect(wide).run();
      OpTest("SpaceToDepth", 1).set("blocksize", 2).input(wide).expect(x).run();
      OpTest("DepthToSpace", 13)
          .set("blocksize", 2)
          .set("mode", "CRD")
          .input(x)
          .expect(depth_to_space(x, 2, true))
          .run();
    }
  }
  const TestTensor x = random_f32({1, 9, 2, 2}, 2);
  OpTest("DepthToSpace", 13).set("blocksize", 3).input(x).expect(depth_to_space(x, 3, false)).run();
  OpTest("DepthToSpace", 13).set("blocksize", 1).input(x).expect(x).run();
}

TEST_CASE("DepthToSpace and SpaceToDepth refuse sizes and shapes", "[depth_to_space]") {
  const TestTensor x = random_f32({1, 3, 3, 3}, 1);
  for (const char* type : {"DepthToSpace", "SpaceToDepth"}) {
    OpTest(type, 13).set("blocksize", 2).input(x).fails(ErrorCode::SHAPE_MISMATCH);
    OpTest(type, 13).set("blocksize", 0).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
    OpTest(type, 13).set("blocksize", INT64_MAX).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
    OpTest(type, 13).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
    OpTest(type, 13).set("blocksize", 1).input(random_f32({3}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  }
  OpTest("DepthToSpace", 13)
      .set("blocksize", 1)
      .set("mode", "RCD")
      .input(x)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace sardonyx::test
