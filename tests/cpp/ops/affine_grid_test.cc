#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/convolution.h"

namespace sardonyx::test {
namespace {

using reference::Ints;

TestTensor reference_grid(const TestTensor& theta, const Ints& size, bool align) {
  const auto axes = static_cast<int64_t>(size.size()) - 2;
  Shape out{size[0]};
  for (size_t i = 2; i < size.size(); ++i) out.push_back(size[i]);
  out.push_back(axes);
  TestTensor y = make_tensor(theta.dtype, out);
  int64_t at = 0;
  reference::for_each_index({out.begin(), out.end() - 1}, [&](const Ints& index) {
    for (int64_t row = 0; row < axes; ++row) {
      const int64_t first = (index[0] * axes + row) * (axes + 1);
      double sum = element(theta, first + axes);
      for (int64_t k = 0; k < axes; ++k) {
        const auto axis = static_cast<size_t>(axes - k);  // the innermost comes first
        const auto i = static_cast<double>(index[axis]), n = static_cast<double>(size[axis + 1]);
        const double position = align ? (n > 1 ? 2 * i / (n - 1) - 1 : -1) : (2 * i + 1) / n - 1;
        sum += element(theta, first + k) * position;
      }
      set_element(y, at++, sum);
    }
  });
  return y;
}

TEST_CASE("AffineGrid of images and volumes", "[affine_grid]") {
  for (bool align : {false, true}) {
    for (const Ints& size : {Ints{2, 3, 4, 5}, Ints{1, 1, 1, 6}, Ints{2, 1, 2, 3, 4}}) {
      const auto axes = static_cast<int64_t>(size.size()) - 2;
      const TestTensor theta = random_f32({size[0], axes, axes + 1}, 1);
      OpTest("AffineGrid", 20)
          .set("align_corners", align ? 1 : 0)
          .input(theta)
          .weight(i64({axes + 2}, size))
          .expect(reference_grid(theta, size, align))
          .run();
    }
  }
}

TEST_CASE("AffineGrid refuses what does not fit", "[affine_grid]") {
  const TestTensor theta = random_f32({2, 2, 3}, 1);
  const auto test = [&](const Ints& size) {
    return OpTest("AffineGrid", 20)
        .input(theta)
        .weight(i64({static_cast<int64_t>(size.size())}, size));
  };
  test({2, 1, 3}).fails(ErrorCode::SHAPE_MISMATCH);
  test({3, 1, 3, 3}).fails(ErrorCode::SHAPE_MISMATCH);
  test({2, 1, -3, 3}).fails(ErrorCode::VALUE_RANGE);
  OpTest("AffineGrid", 20)
      .input(random_f32({2, 2, 2}, 1))
      .weight(i64({4}, {2, 1, 3, 3}))
      .fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
