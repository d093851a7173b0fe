#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/convolution.h"

namespace sardonyx::test {
namespace {

using reference::Ints;

struct Case {
  std::string mode = "linear", padding = "zeros";
  bool align = false;
};

double reflected(double x, double low, double high) {
  if (high <= low) return low;
  while (x < low || x > high) x = x < low ? 2 * low - x : 2 * high - x;
  return x;
}

// The element at an index of the last `n.size()` axes of a plane, padded as the case says.
double read(const Case& c, const TestTensor& x, int64_t plane, const Ints& index, const Ints& n) {
  int64_t offset = 0;
  for (size_t i = 0; i < n.size(); ++i) {
    int64_t at = index[i];
    if (at < 0 || at >= n[i]) {
      if (c.padding == "zeros") return 0;
      const double low = c.align ? 0 : -0.5;
      const double high = static_cast<double>(n[i]) - (c.align ? 1 : 0.5);
      if (c.padding == "reflection") {
        at = static_cast<int64_t>(reflected(static_cast<double>(at), low, high));
      }
      at = std::clamp<int64_t>(at, 0, n[i] - 1);
    }
    offset = offset * n[i] + at;
  }
  int64_t size = 1;
  for (int64_t extent : n) size *= extent;
  return element(x, plane * size + offset);
}

double weight(const Case& c, double distance) {
  const double d = std::fabs(distance), a = -0.75;
  if (c.mode == "linear") return std::max(0.0, 1 - d);
  if (d <= 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
  return d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
}

double sample(const Case& c, const TestTensor& x, int64_t plane, std::vector<double> at,
              const Ints& n) {
  Ints base;
  for (size_t i = 0; i < n.size(); ++i) {
    const double extent = static_cast<double>(n[i]);
    double p = c.align ? (at[i] + 1) / 2 * (extent - 1) : ((at[i] + 1) * extent - 1) / 2;
    if (c.mode == "nearest") p = std::nearbyint(p);
    if (c.padding == "border") p = std::clamp(p, 0.0, extent - 1);
    if (c.padding == "reflection") {
      p = reflected(p, c.align ? 0 : -0.5, extent - (c.align ? 1 : 0.5));
    }
    at[i] = p;
    base.push_back(static_cast<int64_t>(c.mode == "nearest" ? p : std::floor(p)));
  }
  if (c.mode == "nearest") return read(c, x, plane, base, n);
  double sum = 0;
  reference::for_each_index(Ints(n.size(), 4), [&](const Ints& tap) {
    Ints index = base;
    double factor = 1;
    for (size_t i = 0; i < n.size(); ++i) {
      index[i] += tap[i] - 1;
      factor *= weight(c, static_cast<double>(index[i]) - at[i]);
    }
    if (factor != 0) sum += factor * read(c, x, plane, index, n);
  });
  return sum;
}

TestTensor reference_grid_sample(const Case& c, const TestTensor& x, const TestTensor& grid) {
  const Ints n = reference::spatial(x.shape);
  Shape out = x.shape;
  for (size_t i = 0; i < n.size(); ++i) {
    out[static_cast<int>(i) + 2] = grid.shape[static_cast<int>(i) + 1];
  }
  TestTensor y = make_tensor(x.dtype, out);
  const auto axes = static_cast<int64_t>(n.size());
  const int64_t points = out.product(2, out.rank());
  for (int64_t i = 0; i < y.size(); ++i) {
    const int64_t point = i / points / x.shape[1] * points + i % points;
    std::vector<double> at;
    for (int64_t axis = axes - 1; axis >= 0; --axis)
      at.push_back(element(grid, point * axes + axis));
    set_element(y, i, sample(c, x, i / points, at, n));
  }
  return y;
}

void check(const Case& c, const TestTensor& x, const TestTensor& grid, double tolerance = 1e-4) {
  OpTest("GridSample", 20)
      .set("mode", c.mode.c_str())
      .set("padding_mode", c.padding.c_str())
      .set("align_corners", c.align ? 1 : 0)
      .input(x)
      .input(grid)
      .tolerance(tolerance, tolerance)
      .expect(reference_grid_sample(c, x, grid))
      .run();
}

TEST_CASE("GridSample of images in every mode and padding", "[grid_sample]") {
  const TestTensor x = random_f32({2, 3, 5, 4}, 1);
  const TestTensor grid = random_f32({2, 3, 7, 2}, 2, -1.9, 1.9);
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    for (const char* padding : {"zeros", "border", "reflection"}) {
      for (bool align : {false, true}) check({mode, padding, align}, x, grid);
    }
  }
}

TEST_CASE("GridSample of lines and volumes", "[grid_sample]") {
  for (const char* mode : {"nearest", "linear"}) {
    for (const char* padding : {"zeros", "border", "reflection"}) {
      check({mode, padding, false}, random_f32({1, 2, 3, 4, 2}, 1),
            random_f32({1, 2, 3, 2, 3}, 2, -1.5, 1.5));
      check({mode, padding, true}, random_f32({2, 1, 6}, 1), random_f32({2, 9, 1}, 2, -1.5, 1.5));
    }
  }
}

TEST_CASE("GridSample of other dtypes", "[grid_sample]") {
  const TestTensor grid = random_f32({1, 3, 3, 2}, 2, -1, 1);
  check({"nearest", "border", false}, random_tensor(DType::kInt32, {1, 2, 4, 4}, 1, -9, 9), grid);
  check({"linear", "zeros", false}, random_tensor(DType::kFloat64, {1, 2, 4, 4}, 1), grid);
  check({"linear", "zeros", false}, random_tensor(DType::kFloat16, {1, 2, 4, 4}, 1), grid, 1e-2);
}

TEST_CASE("GridSample of positions that are no numbers reads nothing outside", "[grid_sample]") {
  const TestTensor x = random_f32({1, 1, 2, 2}, 1);
  const TestTensor grid = f32({1, 1, 3, 2}, {NAN, 0, HUGE_VALF, 0, -1e30f, 1e30f});
  OpTest("GridSample", 20).input(x).input(grid).expect(f32({1, 1, 1, 3}, {0, 0, 0})).run();
}

TEST_CASE("GridSample refuses what does not fit", "[grid_sample]") {
  const TestTensor x = random_f32({2, 3, 5, 4}, 1), grid = random_f32({2, 3, 7, 2}, 2);
  OpTest("GridSample").input(x).input(random_f32({2, 3, 7, 3}, 2)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("GridSample").input(x).input(random_f32({1, 3, 7, 2}, 2)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("GridSample")
      .input(make_tensor(DType::kFloat32, {2, 3, 0, 4}))
      .input(grid)
      .fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("GridSample").set("mode", "best").input(x).input(grid).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("GridSample")
      .set("padding_mode", "none")
      .input(x)
      .input(grid)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
