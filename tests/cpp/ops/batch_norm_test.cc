#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

struct Parameters {
  TestTensor scale, bias, mean, variance;
  explicit Parameters(int64_t channels)
      : scale(random_f32({channels}, 2)),
        bias(random_f32({channels}, 3)),
        mean(random_f32({channels}, 4)),
        variance(random_f32({channels}, 5, 0.1, 2)) {}
};

TestTensor reference_batch_norm(const TestTensor& x, const Parameters& p, double epsilon) {
  TestTensor y = x;
  const int64_t channels = p.scale.size();
  const int64_t plane = x.shape.rank() > 2 ? x.shape.product(2, x.shape.rank()) : 1;
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t c = i / plane % channels;
    set_element(y, i,
                (element(x, i) - element(p.mean, c)) / std::sqrt(element(p.variance, c) + epsilon) *
                        element(p.scale, c) +
                    element(p.bias, c));
  }
  return y;
}

TEST_CASE("BatchNormalization over odd shapes", "[batch_norm]") {
  for (const Shape& shape :
       {Shape{2, 5, 3, 7}, Shape{1, 1, 1, 1}, Shape{3, 7}, Shape{2, 3, 9}, Shape{1, 8, 4, 4},
        Shape{1, 2, 3, 2, 5}, Shape{6}, Shape{0, 3, 2, 2}}) {
    const TestTensor x = random_f32(shape, 1);
    const Parameters p(shape.rank() > 1 ? shape[1] : 1);
    for (double epsilon : {1e-5, 0.25}) {
      OpTest test("BatchNormalization", 15);
      if (epsilon != 1e-5) test.set("epsilon", epsilon);
      test.input(x).weight(p.scale).weight(p.bias).weight(p.mean).weight(p.variance);
      test.tolerance(1e-5, 2e-5).expect(reference_batch_norm(x, p, epsilon)).run();
    }
  }
}

// Means and variances of the channels of x.
Parameters measured(const TestTensor& x, int64_t channels) {
  Parameters out(channels);
  const int64_t plane = x.shape.product(2, x.shape.rank());
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0, squares = 0, count = 0;
    for (int64_t i = 0; i < x.size(); ++i) {
      if (i / plane % channels != c) continue;
      sum += element(x, i);
      squares += element(x, i) * element(x, i);
      ++count;
    }
    set_element(out.mean, c, sum / count);
    set_element(out.variance, c, squares / count - sum / count * sum / count);
  }
  return out;
}

TEST_CASE("BatchNormalization in training", "[batch_norm]") {
  const TestTensor x = random_f32({3, 5, 4, 3}, 1);
  const Parameters before(5), own = measured(x, 5);
  TestTensor mean = before.mean, variance = before.variance;
  for (int64_t c = 0; c < 5; ++c) {
    set_element(mean, c, 0.75 * element(before.mean, c) + 0.25 * element(own.mean, c));
    set_element(variance, c, 0.75 * element(before.variance, c) + 0.25 * element(own.variance, c));
  }
  const auto test = [&](int opset) {
    OpTest out("BatchNormalization", opset);
    out.set("momentum", 0.75).tolerance(1e-4, 1e-4).input(x);
    out.weight(before.scale).weight(before.bias).weight(before.mean).weight(before.variance);
    return out.expect(reference_batch_norm(x, own, 1e-5));
  };
  test(15).set("training_mode", 1).expect(mean).expect(variance).run();
  test(15).set("training_mode", 1).run();
  test(9).expect(mean).expect(variance).expect(own.mean).expect(own.variance).run();
  test(6).run();
}

TEST_CASE("BatchNormalization with parameters for every element", "[batch_norm]") {
  const TestTensor x = random_f32({3, 2, 2, 3}, 1);
  const Parameters p(12);
  TestTensor flat = x;
  flat.shape = {3, 12};
  TestTensor y = reference_batch_norm(flat, p, 1e-5);
  y.shape = x.shape;
  OpTest("BatchNormalization", 7)
      .set("spatial", 0)
      .tolerance(1e-5, 2e-5)
      .input(x)
      .weight(p.scale)
      .weight(p.bias)
      .weight(p.mean)
      .weight(p.variance)
      .expect(y)
      .run();
}

TEST_CASE("BatchNormalization of other floats", "[batch_norm]") {
  for (DType dtype : {DType::kFloat16, DType::kBfloat16, DType::kFloat64}) {
    const TestTensor x = random_tensor(dtype, {2, 3, 4, 4}, 1);
    const Parameters p(3);
    OpTest("BatchNormalization", 15)
        .tolerance(2e-2, 2e-2)
        .input(x)
        .weight(p.scale)
        .weight(p.bias)
        .weight(p.mean)
        .weight(p.variance)
        .expect(reference_batch_norm(x, p, 1e-5))
        .run();
  }
}

TEST_CASE("BatchNormalization refuses wrong shapes and outputs", "[batch_norm]") {
  const TestTensor x = random_f32({2, 5, 3, 7}, 1);
  const Parameters p(5), wrong(4);
  const auto test = [&](const Parameters& given) {
    OpTest out("BatchNormalization", 15);
    out.input(x).weight(given.scale).weight(p.bias).weight(p.mean).weight(p.variance);
    return out;
  };
  test(wrong).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest old("BatchNormalization", 6);
  old.input(x).weight(p.scale).weight(p.bias).weight(p.mean).weight(p.variance);
  old.set("is_test", 1).tolerance(1e-5, 2e-5).expect(reference_batch_norm(x, p, 1e-5)).run();
  const TestTensor y = reference_batch_norm(x, p, 1e-5);
  test(p).expect(y).expect(p.mean).expect(p.variance).fails(ErrorCode::MODEL_MALFORMED);
  OpTest("BatchNormalization", 9).input(x).weight(p.scale).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace
}  // namespace sardonyx::test
