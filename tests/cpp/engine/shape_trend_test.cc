#include "engine/shape_trend.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>

namespace sardonyx::test {
namespace {

// What comes after these shapes of one input beside one that stays; {} for nothing.
std::vector<Shape> after(std::initializer_list<Shape> shapes) {
  ShapeTrend trend;
  for (const Shape& shape : shapes) {
    int elements = 0;
    const TensorView inputs[] = {{DType::kFloat32, Layout::kRowMajor, shape, &elements},
                                 {DType::kInt64, Layout::kRowMajor, {1}, &elements}};
    trend.saw(inputs);
  }
  std::vector<Shape> next;
  for (const TensorView& view : trend.next()) {
    CHECK(view.data == nullptr);
    next.push_back(view.shape);
  }
  return next;
}

}  // namespace

TEST_CASE("two equal changes of shapes tell the next") {
  CHECK(after({{1, 4}, {2, 4}, {3, 4}}) == std::vector<Shape>{{4, 4}, {1}});
  CHECK(after({{7, 7}, {9, 8, 7}, {9, 6, 7}, {9, 4, 7}}) == std::vector<Shape>{{9, 2, 7}, {1}});
  CHECK(after({{5}, {5}, {4}, {3}}) == std::vector<Shape>{{2}, {1}});
}

TEST_CASE("other changes tell nothing") {
  CHECK(after({}).empty());
  CHECK(after({{2}, {3}}).empty());
  CHECK(after({{3}, {3}, {3}}).empty());
  CHECK(after({{1}, {2}, {4}}).empty());
  CHECK(after({{1}, {2}, {1}}).empty());
  CHECK(after({{1}, {1, 2}, {1, 3}}).empty());
  CHECK(after({{2, 1}, {2, 2}, {2}}).empty());
}

TEST_CASE("there is nothing next below zero and beyond memory") {
  CHECK(after({{2}, {1}, {0}}).empty());
  CHECK(after({{0}, {INT64_MAX / 2}, {INT64_MAX - 1}}).empty());
  CHECK(after({{0}, {INT64_MAX / 16}, {INT64_MAX / 8}}).empty());
}

}  // namespace sardonyx::test
