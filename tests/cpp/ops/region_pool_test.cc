#include <algorithm>
#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

double between(const TestTensor& x, int64_t plane, double v, double u) {
  const int64_t height = x.shape[2], width = x.shape[3];
  if (v < -1 || u < -1 || v > static_cast<double>(height) || u > static_cast<double>(width)) {
    return 0;
  }
  v = std::clamp(v, 0.0, static_cast<double>(height - 1));
  u = std::clamp(u, 0.0, static_cast<double>(width - 1));
  double sum = 0;
  for (int64_t r = 0; r < height; ++r) {
    for (int64_t c = 0; c < width; ++c) {
      const double a = 1 - std::fabs(v - static_cast<double>(r));
      const double b = 1 - std::fabs(u - static_cast<double>(c));
      if (a > 0 && b > 0) sum += a * b * element(x, (plane * height + r) * width + c);
    }
  }
  return sum;
}

TestTensor reference_roi_align(const TestTensor& x, const TestTensor& regions,
                               const std::vector<int64_t>& images, int64_t height, int64_t width,
                               int64_t ratio, double scale, bool half_pixel) {
  const int64_t channels = x.shape[1];
  TestTensor y = make_tensor(DType::kFloat32, {regions.shape[0], channels, height, width});
  for (int64_t i = 0; i < y.size(); ++i) {
    const int64_t j = i % width, k = i / width % height, c = i / width / height % channels;
    const int64_t r = i / width / height / channels;
    double bounds[4];
    for (int64_t b = 0; b < 4; ++b) {
      bounds[b] = element(regions, r * 4 + b) * scale - (half_pixel ? 0.5 : 0);
    }
    const double least = half_pixel ? -1e30 : 1;
    const double cell_width = std::max(bounds[2] - bounds[0], least) / static_cast<double>(width);
    const double cell_height = std::max(bounds[3] - bounds[1], least) / static_cast<double>(height);
    const auto rows = ratio ? ratio : static_cast<int64_t>(std::ceil(cell_height));
    const auto columns = ratio ? ratio : static_cast<int64_t>(std::ceil(cell_width));
    double sum = 0;
    for (int64_t a = 0; a < rows; ++a) {
      for (int64_t b = 0; b < columns; ++b) {
        const double v =
            bounds[1] + cell_height * (static_cast<double>(k) +
                                       (static_cast<double>(a) + 0.5) / static_cast<double>(rows));
        const double u =
            bounds[0] + cell_width * (static_cast<double>(j) + (static_cast<double>(b) + 0.5) /
                                                                   static_cast<double>(columns));
        sum += between(x, images[static_cast<size_t>(r)] * channels + c, v, u);
      }
    }
    set_element(y, i, sum / static_cast<double>(std::max<int64_t>(rows * columns, 1)));
  }
  return y;
}

TEST_CASE("RoiAlign takes means of samples", "[region_pool]") {
  const TestTensor x = random_f32({2, 3, 8, 9}, 1);
  const TestTensor regions = f32({3, 4}, {0, 0, 8, 8, 2.5f, 3, 9, 11, -4, -2, 3.5f, 20});
  const std::vector<int64_t> images{1, 0, 1};
  for (int64_t ratio : {0, 2}) {
    for (bool half_pixel : {true, false}) {
      OpTest test("RoiAlign", half_pixel ? 16 : 10);
      test.set("output_height", 2).set("output_width", 3).set("sampling_ratio", ratio);
      test.set("spatial_scale", 0.75).input(x).input(regions).input(i64({3}, images));
      test.tolerance(1e-4, 1e-4);
      test.expect(reference_roi_align(x, regions, images, 2, 3, ratio, 0.75, half_pixel)).run();
    }
  }
}

TEST_CASE("RoiAlign takes the largest weighted element", "[region_pool]") {
  const TestTensor x = f32({1, 1, 2, 2}, {1, 2, 3, 8});
  // One sample in the middle of four elements: each has a weight of a quarter.
  OpTest("RoiAlign", 10)
      .set("mode", "max")
      .set("sampling_ratio", 1)
      .input(x)
      .input(f32({1, 4}, {0, 0, 1, 1}))
      .input(i64({1}, {0}))
      .expect(f32({1, 1, 1, 1}, {2}))
      .run();
}

TEST_CASE("MaxRoiPool takes the largest element of each bin", "[region_pool]") {
  const TestTensor x = random_f32({2, 2, 6, 6}, 1);
  const TestTensor regions = f32({3, 5}, {0, 0, 0, 11, 11, 1, 4, 2, 9, 8, 1, 20, 20, 30, 30});
  TestTensor y = make_tensor(DType::kFloat32, {3, 2, 2, 2});
  for (int64_t i = 0; i < y.size(); ++i) {
    const int64_t r = i / 8, c = i / 4 % 2, row = i / 2 % 2, column = i % 2;
    const auto bound = [&](int64_t k) { return std::round(element(regions, r * 5 + k) * 0.5); };
    const double height = std::max(bound(4) - bound(2) + 1, 1.0) / 2;
    const double width = std::max(bound(3) - bound(1) + 1, 1.0) / 2;
    double largest = -1e30;
    for (int64_t v = 0; v < 6; ++v) {
      for (int64_t u = 0; u < 6; ++u) {
        const double a = static_cast<double>(v) - bound(2), b = static_cast<double>(u) - bound(1);
        const auto rows = static_cast<double>(row), columns = static_cast<double>(column);
        if (a < std::floor(rows * height) || a >= std::ceil((rows + 1) * height)) continue;
        if (b < std::floor(columns * width) || b >= std::ceil((columns + 1) * width)) continue;
        const int64_t plane = static_cast<int64_t>(element(regions, r * 5)) * 2 + c;
        largest = std::max(largest, element(x, (plane * 6 + v) * 6 + u));
      }
    }
    set_element(y, i, largest == -1e30 ? 0 : largest);
  }
  OpTest("MaxRoiPool", 1)
      .ints("pooled_shape", {2, 2})
      .set("spatial_scale", 0.5)
      .input(x)
      .input(regions)
      .expect(y)
      .run();
}

TEST_CASE("pooling of regions refuses what does not fit", "[region_pool]") {
  const TestTensor x = random_f32({2, 3, 8, 9}, 1), regions = random_f32({2, 4}, 2, 0, 8);
  const auto align = [&](const TestTensor& images) {
    return OpTest("RoiAlign", 16).input(x).input(regions).input(images);
  };
  align(i64({2}, {0, 2})).fails(ErrorCode::INDEX_RANGE);
  align(i64({2}, {0, -1})).fails(ErrorCode::INDEX_RANGE);
  align(i64({3}, {0, 1, 1})).fails(ErrorCode::SHAPE_MISMATCH);
  align(i64({2}, {0, 1})).set("output_height", 0).fails(ErrorCode::ATTRIBUTE_INVALID);
  align(i64({2}, {0, 1})).set("mode", "min").fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("MaxRoiPool").input(x).input(random_f32({1, 5}, 1)).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("MaxRoiPool")
      .ints("pooled_shape", {1, 1})
      .input(x)
      .input(f32({1, 5}, {7, 0, 0, 1, 1}))
      .fails(ErrorCode::INDEX_RANGE);
}

}  // namespace
}  // namespace sardonyx::test
