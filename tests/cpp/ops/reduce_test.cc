#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <functional>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

using Fold = std::function<double(const std::vector<double>&)>;

// Collects the elements of each result, then folds them.
TestTensor reduce(const TestTensor& x, const std::vector<int>& axes, bool keepdims,
                  const Fold& fold) {
  std::vector<bool> gone(static_cast<size_t>(x.shape.rank()), axes.empty());
  for (int axis : axes) gone[static_cast<size_t>(axis)] = true;
  Shape kept, shape;
  for (int axis = 0; axis < x.shape.rank(); ++axis) {
    const bool reduced = gone[static_cast<size_t>(axis)];
    kept.push_back(reduced ? 1 : x.shape[axis]);
    if (!reduced || keepdims) shape.push_back(reduced ? 1 : x.shape[axis]);
  }
  TestTensor y = make_tensor(x.dtype, shape);
  std::vector<std::vector<double>> groups(static_cast<size_t>(y.size()));
  for (int64_t i = 0; i < x.size(); ++i) {
    int64_t rest = i, at = 0, step = 1;
    for (int axis = x.shape.rank() - 1; axis >= 0; --axis) {
      if (!gone[static_cast<size_t>(axis)]) at += rest % x.shape[axis] * step;
      rest /= x.shape[axis];
      step *= kept[axis];
    }
    groups[static_cast<size_t>(at)].push_back(element(x, i));
  }
  for (int64_t i = 0; i < y.size(); ++i) set_element(y, i, fold(groups[static_cast<size_t>(i)]));
  return y;
}

struct Case {
  const char* type;
  int axes_since;
  Fold fold;
};

double total(const std::vector<double>& v, double (*map)(double)) {
  double sum = 0;
  for (double x : v) sum += map(x);
  return sum;
}

double same(double x) {
  return x;
}
double square(double x) {
  return x * x;
}
double absolute(double x) {
  return std::fabs(x);
}

const Case kCases[] = {
    {"ReduceSum", 13, [](const auto& v) { return total(v, same); }},
    {"ReduceMean", 18,
     [](const auto& v) { return total(v, same) / static_cast<double>(v.size()); }},
    {"ReduceMax", 18, [](const auto& v) { return *std::max_element(v.begin(), v.end()); }},
    {"ReduceMin", 18, [](const auto& v) { return *std::min_element(v.begin(), v.end()); }},
    {"ReduceProd", 18,
     [](const auto& v) {
       double product = 1;
       for (double x : v) product *= x;
       return product;
     }},
    {"ReduceL1", 18, [](const auto& v) { return total(v, absolute); }},
    {"ReduceL2", 18, [](const auto& v) { return std::sqrt(total(v, square)); }},
    {"ReduceSumSquare", 18, [](const auto& v) { return total(v, square); }},
    {"ReduceLogSumExp", 18,
     [](const auto& v) {
       double sum = 0;
       for (double x : v) sum += std::exp(x);
       return std::log(sum);
     }},
};

std::vector<int64_t> as_int64(const std::vector<int>& axes) {
  return {axes.begin(), axes.end()};
}

}  // namespace

TEST_CASE("reductions over every set of axes, axes as attribute and as input", "[reduce]") {
  const std::vector<std::vector<int>> sets = {{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 2}, {0, 1, 2}};
  const TestTensor x = random_f32({3, 5, 7}, 1);
  for (const Case& c : kCases) {
    for (const auto& axes : sets) {
      for (int keepdims : {0, 1}) {
        const TestTensor y = reduce(x, axes, keepdims != 0, c.fold);
        OpTest(c.type, 11)
            .ints("axes", as_int64(axes))
            .set("keepdims", keepdims)
            .input(x)
            .expect(y)
            .tolerance(1e-4, 1e-5)
            .run();
        OpTest(c.type, 18)
            .set("keepdims", keepdims)
            .input(x)
            .weight(i64({static_cast<int64_t>(axes.size())}, as_int64(axes)))
            .expect(y)
            .tolerance(1e-4, 1e-5)
            .run();
      }
    }
  }
}

TEST_CASE("reductions of integers are exact", "[reduce]") {
  for (DType dtype : {DType::kInt64, DType::kInt32}) {
    const TestTensor x = random_tensor(dtype, {4, 6}, 2, -9, 9);
    for (const Case& c : kCases) {
      const std::string type = c.type;
      if (type == "ReduceL2" || type == "ReduceMean" || type == "ReduceLogSumExp") continue;
      OpTest(c.type, 18)
          .input(x)
          .constant(i64({1}, {-1}))
          .expect(reduce(x, {1}, true, c.fold))
          .run();
    }
  }
  OpTest("ReduceSum", 13)
      .input(i64({2}, {(int64_t{1} << 60) + 1, 1}))
      .expect(i64({1}, {(int64_t{1} << 60) + 2}))
      .run();
}

TEST_CASE("no axes reduce all or nothing", "[reduce]") {
  const TestTensor x = random_f32({2, 3}, 3);
  OpTest("ReduceSum", 13).input(x).absent().expect(reduce(x, {}, true, kCases[0].fold)).run();
  OpTest("ReduceSum", 13).set("noop_with_empty_axes", 1).input(x).absent().expect(x).run();
  OpTest("ReduceSum", 13)
      .input(x)
      .weight(i64({0}, {}))
      .expect(reduce(x, {}, true, kCases[0].fold))
      .run();
}

TEST_CASE("reductions of nothing give the neutral element", "[reduce]") {
  const TestTensor x = random_f32({2, 0, 3}, 4);
  OpTest("ReduceSum", 13)
      .input(x)
      .constant(i64({1}, {1}))
      .expect(f32({2, 1, 3}, {0, 0, 0, 0, 0, 0}))
      .run();
  OpTest("ReduceMax", 18)
      .input(x)
      .constant(i64({2}, {1, 2}))
      .expect(f32({2, 1, 1}, {-INFINITY, -INFINITY}))
      .run();
  OpTest("ReduceSum", 13).input(x).constant(i64({1}, {0})).expect(f32({1, 0, 3}, {})).run();
}

TEST_CASE("extremes of nothing are the dtype's own, and of uint64 exact", "[reduce]") {
  OpTest("ReduceMax", 20).input(bools({0}, {})).expect(bools({1}, {0})).run();
  OpTest("ReduceMin", 20).input(bools({0}, {})).expect(bools({1}, {1})).run();
  OpTest("ReduceMax", 20).input(i32({0}, {})).expect(i32({1}, {INT32_MIN})).run();
  OpTest("ReduceMin", 20).input(i64({0}, {})).expect(i64({1}, {INT64_MAX})).run();
  const auto bytes = [](std::vector<uint8_t> v) {
    return tensor<uint8_t>({static_cast<int64_t>(v.size())}, v);
  };
  OpTest("ReduceMax", 20).input(bytes({})).expect(bytes({0})).run();
  OpTest("ReduceMin", 20).input(bytes({})).expect(bytes({255})).run();
  const TestTensor big = tensor<uint64_t>({3}, {UINT64_MAX - 1, 5, UINT64_MAX});
  OpTest("ReduceMax", 20).input(big).expect(tensor<uint64_t>({1}, {UINT64_MAX})).run();
  OpTest("ReduceMin", 20).input(big).expect(tensor<uint64_t>({1}, {5})).run();
  const TestTensor none = tensor<uint64_t>({0}, {});
  OpTest("ReduceMax", 20).input(none).expect(tensor<uint64_t>({1}, {0})).run();
  OpTest("ReduceMin", 20).input(none).expect(tensor<uint64_t>({1}, {UINT64_MAX})).run();
}

TEST_CASE("ReduceLogSumExp of large, infinite and no elements", "[reduce]") {
  OpTest("ReduceLogSumExp", 18).input(f32({2}, {1000, 1000})).expect(f32({1}, {1000.6931f})).run();
  OpTest("ReduceLogSumExp", 18).input(f32({2}, {-INFINITY, 3})).expect(f32({1}, {3})).run();
  OpTest("ReduceLogSumExp", 18).input(f32({2}, {INFINITY, 3})).expect(f32({1}, {INFINITY})).run();
  OpTest("ReduceLogSumExp", 18).input(f32({2}, {NAN, 3})).expect(f32({1}, {NAN})).run();
  OpTest("ReduceLogSumExp", 18).input(f32({0}, {})).expect(f32({1}, {-INFINITY})).run();
}

TEST_CASE("NaN is kept by maxima and minima", "[reduce]") {
  for (const char* type : {"ReduceMax", "ReduceMin"}) {
    OpTest(type, 18).input(f32({3}, {1, NAN, 2})).expect(f32({1}, {NAN})).run();
    OpTest(type, 18)
        .input(f32({3, 1}, {1, NAN, 2}))
        .constant(i64({1}, {0}))
        .expect(f32({1, 1}, {NAN}))
        .run();
  }
}

TEST_CASE("axes out of range or named twice are refused", "[reduce]") {
  const TestTensor x = random_f32({2, 3}, 5);
  OpTest("ReduceMean", 11).ints("axes", {2}).input(x).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("ReduceMean", 18).input(x).weight(i64({1}, {-3})).fails(ErrorCode::ATTRIBUTE_INVALID);
  OpTest("ReduceMean", 18).input(x).weight(i64({2}, {1, -1})).fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace sardonyx::test
