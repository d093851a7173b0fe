#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

// Corner boxes [N, 4]: intersection over union.
double overlap(const TestTensor& boxes, int64_t a, int64_t b) {
  double low[2][2], high[2][2];
  for (int64_t box = 0; box < 2; ++box) {
    for (int64_t axis = 0; axis < 2; ++axis) {
      const int64_t first = (box ? b : a) * 4;
      const double p = element(boxes, first + axis), q = element(boxes, first + axis + 2);
      low[box][axis] = std::min(p, q);
      high[box][axis] = std::max(p, q);
    }
  }
  double both = 1, areas[2] = {1, 1};
  for (int axis = 0; axis < 2; ++axis) {
    both *= std::max(0.0,
                     std::min(high[0][axis], high[1][axis]) - std::max(low[0][axis], low[1][axis]));
    for (int box = 0; box < 2; ++box) areas[box] *= high[box][axis] - low[box][axis];
  }
  return both > 0 ? both / (areas[0] + areas[1] - both) : 0;
}

TestTensor suppress(const TestTensor& boxes, const TestTensor& scores, int64_t limit, double iou,
                    double least) {
  std::vector<int64_t> out;
  const int64_t count = scores.shape[2];
  for (int64_t row = 0; row < scores.shape[0] * scores.shape[1]; ++row) {
    const int64_t batch = row / scores.shape[1];
    TestTensor mine = make_tensor(DType::kFloat32, {count, 4});
    for (int64_t i = 0; i < count * 4; ++i) {
      set_element(mine, i, element(boxes, batch * count * 4 + i));
    }
    std::vector<int64_t> order, chosen;
    for (int64_t i = 0; i < count; ++i) {
      if (element(scores, row * count + i) > least) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return element(scores, row * count + a) > element(scores, row * count + b);
    });
    for (int64_t i : order) {
      const bool free = std::none_of(chosen.begin(), chosen.end(),
                                     [&](int64_t j) { return overlap(mine, i, j) > iou; });
      if (free && static_cast<int64_t>(chosen.size()) < limit) chosen.push_back(i);
    }
    for (int64_t i : chosen) out.insert(out.end(), {batch, row % scores.shape[1], i});
  }
  return i64({static_cast<int64_t>(out.size()) / 3, 3}, out);
}

}  // namespace

TEST_CASE("NonMaxSuppression selects what a naive one selects", "[non_max_suppression]") {
  const TestTensor boxes = random_f32({2, 40, 4}, 1, 0, 1);
  const TestTensor scores = random_f32({2, 3, 40}, 2, 0, 1);
  for (int64_t limit : {0, 1, 4, 100}) {
    for (float iou : {0.0f, 0.3f, 0.8f}) {
      for (float least : {-1.0f, 0.6f, 2.0f}) {
        OpTest("NonMaxSuppression", 11)
            .input(boxes)
            .input(scores)
            .weight(scalar(limit))
            .weight(scalar(iou))
            .weight(scalar(least))
            .expect(suppress(boxes, scores, limit, double{iou}, double{least}))
            .run();
      }
    }
  }
}

TEST_CASE("boxes by their centre, ties, and defaults", "[non_max_suppression]") {
  const TestTensor scores = f32({1, 1, 3}, {0.5f, 0.5f, 0.25f});
  const TestTensor center = f32({1, 3, 4}, {0.5f, 0.5f, 1, 1, 0.5f, 0.6f, 1, 1, 5, 5, 1, 1});
  OpTest("NonMaxSuppression", 11)
      .set("center_point_box", 1)
      .input(center)
      .input(scores)
      .weight(i64({1}, {9}))
      .weight(f32({1}, {0.5f}))
      .expect(i64({2, 3}, {0, 0, 0, 0, 0, 2}))
      .run();
  OpTest("NonMaxSuppression", 10).input(center).input(scores).expect(i64({0, 3}, {})).run();
  OpTest("NonMaxSuppression", 10)
      .input(f32({1, 0, 4}, {}))
      .input(f32({1, 2, 0}, {}))
      .weight(scalar<int64_t>(5))
      .expect(i64({0, 3}, {}))
      .run();
}

TEST_CASE("NonMaxSuppression refuses shapes and dtypes", "[non_max_suppression]") {
  const TestTensor boxes = random_f32({1, 3, 4}, 1), scores = random_f32({1, 2, 3}, 2);
  const auto fails = [](const TestTensor& b, const TestTensor& s, ErrorCode code) {
    OpTest("NonMaxSuppression", 11).input(b).input(s).weight(scalar<int64_t>(1)).fails(code);
  };
  fails(random_f32({1, 3, 5}, 1), scores, ErrorCode::SHAPE_MISMATCH);
  fails(random_f32({2, 3, 4}, 1), scores, ErrorCode::SHAPE_MISMATCH);
  fails(boxes, random_f32({1, 2, 4}, 2), ErrorCode::SHAPE_MISMATCH);
  fails(boxes, random_f32({1, 3}, 2), ErrorCode::SHAPE_MISMATCH);
  fails(boxes, i64({1, 1, 3}, {0, 0, 0}), ErrorCode::DTYPE_UNSUPPORTED);
  OpTest("NonMaxSuppression", 11)
      .input(boxes)
      .input(scores)
      .weight(i64({2}, {1, 1}))
      .fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace sardonyx::test
