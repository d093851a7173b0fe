#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

struct LossCase {
  TestTensor x, targets, weights;  // weights may be absent
  std::string reduction;
  bool has_ignored = false;
  int64_t ignored = 0;
};

TestTensor log_softmax(const TestTensor& x) {
  TestTensor y = make_tensor(x.dtype, x.shape);
  const int64_t classes = x.shape[1], inner = x.shape.product(2, x.shape.rank());
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t first = i / (classes * inner) * classes * inner + i % inner;
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c) sum += std::exp(element(x, first + c * inner));
    set_element(y, i, element(x, i) - std::log(sum));
  }
  return y;
}

// `x` holds log probabilities.
TestTensor loss(const LossCase& c, const TestTensor& x) {
  TestTensor y = make_tensor(x.dtype, c.reduction == "none" ? c.targets.shape : Shape{});
  const int64_t classes = x.shape[1], inner = x.shape.product(2, x.shape.rank());
  double sum = 0, weight_sum = 0;
  for (int64_t i = 0; i < c.targets.size(); ++i) {
    const auto target = static_cast<int64_t>(element(c.targets, i));
    double weight = 1, value = 0;
    if (c.has_ignored && target == c.ignored) {
      weight = 0;
    } else {
      if (c.weights.dtype != DType::kUndefined) weight = element(c.weights, target);
      value = -element(x, (i / inner * classes + target) * inner + i % inner) * weight;
    }
    sum += value;
    weight_sum += weight;
    if (c.reduction == "none") set_element(y, i, value);
  }
  if (c.reduction == "sum") set_element(y, 0, sum);
  if (c.reduction == "mean") set_element(y, 0, sum / weight_sum);
  return y;
}

OpTest test_of(const char* type, const LossCase& c) {
  OpTest test(type, 13);
  test.set("reduction", c.reduction.c_str());
  if (c.has_ignored) test.set("ignore_index", c.ignored);
  test.input(c.x).input(c.targets);
  if (c.weights.dtype != DType::kUndefined) test.weight(c.weights);
  return test;
}

std::vector<LossCase> cases() {
  std::vector<LossCase> out;
  for (const Shape& shape : {Shape{3, 5}, Shape{2, 4, 3}, Shape{2, 3, 2, 3}, Shape{0, 3}}) {
    for (const char* reduction : {"none", "sum", "mean"}) {
      for (int form = 0; form < 4; ++form) {
        LossCase c;
        c.x = random_f32(shape, 1);
        Shape places{shape[0]};
        for (int i = 2; i < shape.rank(); ++i) places.push_back(shape[i]);
        c.targets = random_tensor(DType::kInt64, places, 2, 0, static_cast<double>(shape[1] - 1));
        if (form & 1) c.weights = random_f32({shape[1]}, 3, 0.5, 2);
        if (form & 2) {
          c.has_ignored = true;
          c.ignored = -7;
          if (c.targets.size() > 1) set_element(c.targets, 1, -7);
        }
        c.reduction = reduction;
        out.push_back(c);
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("NegativeLogLikelihoodLoss in every form", "[loss]") {
  for (const LossCase& c : cases()) {
    test_of("NegativeLogLikelihoodLoss", c).expect(loss(c, c.x)).run();
  }
}

TEST_CASE("SoftmaxCrossEntropyLoss in every form, with and without log_prob", "[loss]") {
  for (const LossCase& c : cases()) {
    const TestTensor y = log_softmax(c.x);
    test_of("SoftmaxCrossEntropyLoss", c).expect(loss(c, y)).tolerance(1e-5, 1e-5).run();
    test_of("SoftmaxCrossEntropyLoss", c).expect(loss(c, y)).expect(y).tolerance(1e-5, 1e-5).run();
  }
}

TEST_CASE("scores that exp() of float32 does not hold", "[loss]") {
  OpTest("SoftmaxCrossEntropyLoss", 13)
      .input(f32({1, 2}, {1000, 900}))
      .input(i64({1}, {1}))
      .expect(f32({}, {100}))
      .run();
}

TEST_CASE("losses refuse targets and shapes", "[loss]") {
  const TestTensor x = random_f32({2, 3}, 1);
  for (const char* type : {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"}) {
    OpTest(type, 13).input(x).weight(i64({2}, {0, 3})).fails(ErrorCode::INDEX_RANGE);
    OpTest(type, 13).input(x).weight(i64({2}, {0, -1})).fails(ErrorCode::INDEX_RANGE);
    OpTest(type, 13).input(x).weight(i64({3}, {0, 0, 0})).fails(ErrorCode::SHAPE_MISMATCH);
    OpTest(type, 13).input(x).weight(i64({2, 1}, {0, 0})).fails(ErrorCode::SHAPE_MISMATCH);
    OpTest(type, 13)
        .input(x)
        .weight(i64({2}, {0, 0}))
        .weight(f32({2}, {1, 1}))
        .fails(ErrorCode::SHAPE_MISMATCH);
    OpTest(type, 13)
        .set("reduction", "max")
        .input(x)
        .weight(i64({2}, {0, 0}))
        .fails(ErrorCode::ATTRIBUTE_INVALID);
    OpTest(type, 13)
        .input(f32({2}, {0, 0}))
        .weight(i64({2}, {0, 0}))
        .fails(ErrorCode::SHAPE_MISMATCH);
    OpTest(type, 13).input(x).weight(f32({2}, {0, 0})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  }
}

}  // namespace sardonyx::test
