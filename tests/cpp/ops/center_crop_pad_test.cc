#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/convolution.h"

namespace sardonyx::test {
namespace {

TestTensor reference_resized(const TestTensor& x, const Shape& out) {
  TestTensor y = make_tensor(x.dtype, out);
  int64_t at = 0;
  reference::for_each_index({out.begin(), out.end()}, [&](const reference::Ints& index) {
    int64_t offset = 0;
    bool inside = true;
    for (int axis = 0; axis < out.rank(); ++axis) {
      const int64_t in = x.shape[axis];
      const int64_t begin = in > out[axis] ? (in - out[axis]) / 2 : -((out[axis] - in) / 2);
      const int64_t i = index[static_cast<size_t>(axis)] + begin;
      inside = inside && i >= 0 && i < in;
      offset = offset * in + i;
    }
    set_element(y, at++, inside ? element(x, offset) : 0);
  });
  return y;
}

TEST_CASE("CenterCropPad cuts and pads", "[center_crop_pad]") {
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kUint8, DType::kFloat16}) {
    const TestTensor x = random_tensor(dtype, {5, 4, 3}, 1, 0, 9);
    for (const Shape& out : {Shape{5, 4, 3}, Shape{2, 1, 2}, Shape{8, 7, 6}, Shape{3, 9, 1},
                             Shape{0, 4, 3}, Shape{4, 5, 4}}) {
      const std::vector<int64_t> extents(out.begin(), out.end());
      OpTest("CenterCropPad", 18)
          .input(x)
          .weight(i64({3}, extents))
          .expect(reference_resized(x, out))
          .run();
    }
    OpTest("CenterCropPad", 18)
        .ints("axes", {-1, 0})
        .input(x)
        .weight(i64({2}, {7, 2}))
        .expect(reference_resized(x, {2, 4, 7}))
        .run();
  }
}

TEST_CASE("CenterCropPad refuses what does not fit", "[center_crop_pad]") {
  const TestTensor x = random_f32({5, 4}, 1);
  OpTest("CenterCropPad", 18).input(x).weight(i64({1}, {3})).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("CenterCropPad", 18).input(x).weight(i64({2}, {3, -1})).fails(ErrorCode::VALUE_RANGE);
  OpTest("CenterCropPad", 18)
      .ints("axes", {2})
      .input(x)
      .weight(i64({1}, {3}))
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
