#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

// `scale` and `bias` have an element per channel or per group.
TestTensor reference_norm(const TestTensor& x, int64_t groups, const TestTensor& scale,
                          const TestTensor& bias, double epsilon) {
  TestTensor y = x;
  const int64_t channels = x.shape[1], plane = x.shape.product(2, x.shape.rank());
  const int64_t members = channels / groups, count = members * plane;
  for (int64_t group = 0; group < x.shape[0] * groups; ++group) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; ++i) sum += element(x, group * count + i);
    const double n = static_cast<double>(count), mean = sum / n;
    for (int64_t i = 0; i < count; ++i) {
      squares += std::pow(element(x, group * count + i) - mean, 2);
    }
    for (int64_t i = 0; i < count; ++i) {
      const int64_t channel = group % groups * members + i / plane;
      const int64_t at = scale.size() == channels ? channel : group % groups;
      const double value =
          (element(x, group * count + i) - mean) / std::sqrt(squares / n + epsilon);
      set_element(y, group * count + i, value * element(scale, at) + element(bias, at));
    }
  }
  return y;
}

TEST_CASE("InstanceNormalization over odd shapes", "[group_norm]") {
  for (const Shape& shape : {Shape{2, 3, 5, 7}, Shape{1, 5, 9}, Shape{2, 1, 2, 2, 3}}) {
    const TestTensor x = random_f32(shape, 1);
    const TestTensor scale = random_f32({shape[1]}, 2), bias = random_f32({shape[1]}, 3);
    OpTest("InstanceNormalization", 6)
        .set("epsilon", 0.01)
        .input(x)
        .weight(scale)
        .weight(bias)
        .tolerance(1e-4, 1e-5)
        .expect(reference_norm(x, shape[1], scale, bias, 0.01))
        .run();
  }
}

TEST_CASE("GroupNormalization with factors per group and per channel", "[group_norm]") {
  const TestTensor x = random_f32({2, 6, 3, 5}, 1);
  for (int64_t groups : {1, 2, 3, 6}) {
    for (int opset : {18, 21}) {
      const int64_t factors = opset == 18 ? groups : 6;
      const TestTensor scale = random_f32({factors}, 2), bias = random_f32({factors}, 3);
      OpTest("GroupNormalization", opset)
          .set("num_groups", groups)
          .input(x)
          .weight(scale)
          .weight(bias)
          .tolerance(1e-4, 1e-5)
          .expect(reference_norm(x, groups, scale, bias, 1e-5))
          .run();
    }
  }
}

TEST_CASE("InstanceNormalization of float16", "[group_norm]") {
  const TestTensor x = random_tensor(DType::kFloat16, {2, 3, 4, 4}, 1);
  const TestTensor scale = random_tensor(DType::kFloat16, {3}, 2);
  const TestTensor bias = random_tensor(DType::kFloat16, {3}, 3);
  OpTest("InstanceNormalization", 6)
      .input(x)
      .weight(scale)
      .weight(bias)
      .tolerance(1e-2, 1e-2)
      .expect(reference_norm(x, 3, scale, bias, 1e-5))
      .run();
}

TEST_CASE("GroupNormalization refuses what does not fit", "[group_norm]") {
  const TestTensor x = random_f32({2, 6, 3}, 1), six = random_f32({6}, 2);
  const auto test = [&](int64_t groups) {
    OpTest out("GroupNormalization", 21);
    return out.set("num_groups", groups).input(x).weight(six);
  };
  test(4).weight(six).fails(ErrorCode::SHAPE_MISMATCH);
  test(0).weight(six).fails(ErrorCode::ATTRIBUTE_INVALID);
  test(2).weight(random_f32({2}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  OpTest("GroupNormalization").input(x).weight(six).weight(six).fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
