#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

const char* const kDomain = "ai.onnx.preview.training";

struct Step {
  double x, g, v, h;
};

// Elements of two tensors, one step each.
TestTensor tensor_of(const std::vector<Step>& steps, double Step::* field) {
  TestTensor out = make_tensor(DType::kFloat32, {static_cast<int64_t>(steps.size())});
  for (size_t i = 0; i < steps.size(); ++i)
    set_element(out, static_cast<int64_t>(i), steps[i].*field);
  return out;
}

const std::vector<Step> kFirst = {{1, 0.5, 0.1, 0.2}, {-2, 0.25, 0.3, 0.4}};
const std::vector<Step> kSecond = {{0.5, -1, 0.2, 0.1}};
constexpr double kRate = 0.125;

}  // namespace

TEST_CASE("Adam steps two tensors", "[optimizer_step]") {
  for (int64_t count : {0, 3}) {
    const auto step = [&](Step s) {
      const auto t = static_cast<double>(count);
      s.g += 0.25 * s.x;
      s.v = 0.5 * s.v + 0.5 * s.g;
      s.h = 0.75 * s.h + 0.25 * s.g * s.g;
      double rate = kRate;
      if (count > 0) rate *= std::sqrt(1 - std::pow(0.75, t)) / (1 - std::pow(0.5, t));
      s.x = (s.x - rate * s.v / (std::sqrt(s.h) + 0.0625)) * (1 - 0.125);
      return s;
    };
    std::vector<Step> first, second;
    for (const Step& s : kFirst) first.push_back(step(s));
    for (const Step& s : kSecond) second.push_back(step(s));
    OpTest test("Adam", 1, kDomain);
    test.set("alpha", 0.5).set("beta", 0.75).set("epsilon", 0.0625);
    test.set("norm_coefficient", 0.25).set("norm_coefficient_post", 0.125);
    test.input(scalar(static_cast<float>(kRate))).input(scalar(count));
    for (double Step::* field : {&Step::x, &Step::g, &Step::v, &Step::h}) {
      test.input(tensor_of(kFirst, field)).input(tensor_of(kSecond, field));
    }
    for (double Step::* field : {&Step::x, &Step::v, &Step::h}) {
      test.expect(tensor_of(first, field)).expect(tensor_of(second, field));
    }
    test.run();
  }
}

TEST_CASE("Adagrad steps a tensor", "[optimizer_step]") {
  std::vector<Step> after;
  for (Step s : kFirst) {
    s.h += s.g * s.g;
    s.x -= kRate / (1 + 2 * 0.5) * s.g / (std::sqrt(s.h) + 0.25);
    after.push_back(s);
  }
  OpTest("Adagrad", 1, kDomain)
      .set("decay_factor", 0.5)
      .set("epsilon", 0.25)
      .input(scalar(static_cast<float>(kRate)))
      .input(scalar<int64_t>(2))
      .input(tensor_of(kFirst, &Step::x))
      .input(tensor_of(kFirst, &Step::g))
      .input(tensor_of(kFirst, &Step::h))
      .expect(tensor_of(after, &Step::x))
      .expect(tensor_of(after, &Step::h))
      .run();
}

TEST_CASE("Momentum steps a tensor, in both modes", "[optimizer_step]") {
  for (const bool nesterov : {false, true}) {
    for (int64_t count : {0, 1}) {
      std::vector<Step> after;
      for (Step s : kFirst) {
        s.g += 0.25 * s.x;
        s.v = 0.5 * s.v + (count > 0 ? 0.75 : 1) * s.g;
        s.x -= kRate * (nesterov ? s.g + 0.5 * s.v : s.v);
        after.push_back(s);
      }
      OpTest("Momentum", 1, kDomain)
          .set("mode", nesterov ? "nesterov" : "standard")
          .set("alpha", 0.5)
          .set("beta", 0.75)
          .set("norm_coefficient", 0.25)
          .input(scalar(static_cast<float>(kRate)))
          .input(scalar(count))
          .input(tensor_of(kFirst, &Step::x))
          .input(tensor_of(kFirst, &Step::g))
          .input(tensor_of(kFirst, &Step::v))
          .expect(tensor_of(after, &Step::x))
          .expect(tensor_of(after, &Step::v))
          .run();
    }
  }
}

TEST_CASE("optimizer steps refuse counts, shapes and dtypes", "[optimizer_step]") {
  const TestTensor x = random_f32({2}, 1), rate = scalar(0.1f), step = scalar<int64_t>(1);
  const auto adam = [&] { return OpTest("Adam", 1, kDomain).input(rate).input(step); };
  adam().input(x).input(x).input(x).fails(ErrorCode::MODEL_MALFORMED);
  adam().fails(ErrorCode::MODEL_MALFORMED);
  adam().input(x).input(x).input(x).input(random_f32({3}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
  adam().input(x).input(x).input(x).input(i64({2}, {0, 0})).fails(ErrorCode::DTYPE_UNSUPPORTED);
  adam().input(x).input(x).input(x).absent().fails(ErrorCode::GRAPH_INPUT_MISSING);
  OpTest("Momentum", 1, kDomain)
      .input(rate)
      .input(step)
      .input(x)
      .input(x)
      .input(x)
      .fails(ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace sardonyx::test
