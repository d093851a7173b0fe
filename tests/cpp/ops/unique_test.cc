#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"
#include "tests/cpp/ops/reference/movement.h"

namespace sardonyx::test {
namespace {

struct Found {
  TestTensor values, firsts, inverse, counts;
};

Found unique(const TestTensor& x, int axis, bool sorted) {
  const int64_t dim = x.shape[axis];
  const int64_t inner = x.shape.product(axis + 1, x.shape.rank());
  std::vector<std::vector<double>> slices(static_cast<size_t>(dim));
  for (int64_t i = 0; i < x.size(); ++i) {
    slices[static_cast<size_t>(i / inner % dim)].push_back(element(x, i));
  }
  std::vector<std::vector<double>> distinct;
  for (const auto& slice : slices) {
    if (std::find(distinct.begin(), distinct.end(), slice) == distinct.end()) {
      distinct.push_back(slice);
    }
  }
  if (sorted) std::sort(distinct.begin(), distinct.end());
  std::vector<int64_t> firsts, inverse, counts;
  for (const auto& group : distinct) {
    firsts.push_back(std::find(slices.begin(), slices.end(), group) - slices.begin());
    counts.push_back(std::count(slices.begin(), slices.end(), group));
  }
  for (const auto& slice : slices) {
    inverse.push_back(std::find(distinct.begin(), distinct.end(), slice) - distinct.begin());
  }
  const auto groups = static_cast<int64_t>(distinct.size());
  Shape shape = x.shape;
  shape[axis] = groups;
  return {reference::gather_from(x, shape,
                                 [&](std::vector<int64_t> at) {
                                   auto& place = at[static_cast<size_t>(axis)];
                                   place = firsts[static_cast<size_t>(place)];
                                   return at;
                                 }),
          i64({groups}, firsts), i64({dim}, inverse), i64({groups}, counts)};
}

}  // namespace

TEST_CASE("Unique along every axis, sorted and in order", "[unique]") {
  for (DType dtype : {DType::kFloat32, DType::kInt64, DType::kInt8}) {
    for (const Shape& shape : {Shape{9}, Shape{5, 2}, Shape{2, 6}, Shape{2, 4, 2}}) {
      const TestTensor x = random_tensor(DType::kInt64, shape, 3, 0, 1);
      TestTensor y = make_tensor(dtype, shape);
      for (int64_t i = 0; i < x.size(); ++i) set_element(y, i, element(x, i) - 1);
      for (int axis = 0; axis < shape.rank(); ++axis) {
        for (int sorted : {0, 1}) {
          const Found found = unique(y, axis, sorted != 0);
          OpTest("Unique", 11)
              .set("axis", axis - shape.rank())
              .set("sorted", sorted)
              .input(y)
              .expect(found.values)
              .expect(found.firsts)
              .expect(found.inverse)
              .expect(found.counts)
              .run();
        }
      }
    }
  }
}

TEST_CASE("Unique elements without an axis", "[unique]") {
  const TestTensor x = f32({2, 3}, {2, 1, 1, 3, -0.0f, 0});
  OpTest("Unique", 11)
      .input(x)
      .expect(f32({4}, {-0.0f, 1, 2, 3}))
      .expect(i64({4}, {4, 1, 0, 3}))
      .expect(i64({6}, {2, 1, 1, 3, 0, 0}))
      .expect_absent()
      .run();
  OpTest("Unique", 11).set("sorted", 0).input(x).expect(f32({4}, {2, 1, 3, 0})).run();
  OpTest("Unique", 11).input(f32({3}, {NAN, 1, NAN})).expect(f32({2}, {1, NAN})).run();
  OpTest("Unique", 11).input(f32({0}, {})).expect(f32({0}, {})).run();
  OpTest("Unique", 11).input(scalar(5.0f)).expect(f32({1}, {5})).run();
}

TEST_CASE("Unique refuses axes out of range", "[unique]") {
  OpTest("Unique", 11).set("axis", 1).input(f32({1}, {1})).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("Unique", 11).set("axis", -2).input(f32({1}, {1})).fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace sardonyx::test
