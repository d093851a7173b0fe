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

TEST_CASE("BatchNormalization refuses training and wrong shapes", "[batch_norm]") {
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
  old.fails(ErrorCode::MODEL_UNSUPPORTED);
  old.set("is_test", 1).tolerance(1e-5, 2e-5).expect(reference_batch_norm(x, p, 1e-5)).run();
  test(p).set("training_mode", 1).fails(ErrorCode::MODEL_UNSUPPORTED);
  OpTest("BatchNormalization", 9).input(x).weight(p.scale).fails(ErrorCode::GRAPH_INPUT_MISSING);
}

}  // namespace
}  // namespace sardonyx::test
