// Operators of com.microsoft on quantized tensors, against their formulas on floats: they may be
// off by the steps of quantization.
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/functions/resolve.h"
#include "engine/graph_edit.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

constexpr uint32_t kSeed = 7;
constexpr const char* kMicrosoft = "com.microsoft";
constexpr float kStep = 1.0f / 64;

// What run_compiled() feeds as input i.
std::vector<float> fed(size_t count, uint32_t i) {
  return random_floats(count, kSeed + i, -1.0f, 1.0f);
}

void check_near(const std::vector<float>& actual, const std::vector<double>& expected,
                double tolerance) {
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    CAPTURE(i);
    CHECK(std::fabs(actual[i] - expected[i]) <= tolerance);
  }
}

// A graph of quantized tensors between float inputs and outputs.
struct Quantized {
  GraphBuilder g{21};
  ValueId scale = g.scalar(kStep), zero = g.constant<uint8_t>({}, {128});

  ValueId input(const std::string& name, const Shape& shape) {
    return g.node("QuantizeLinear", {g.input(name, shape), scale, zero});
  }
  std::vector<float> run(const std::string& type, std::vector<ValueId> inputs,
                         AttributeList attributes = {}) {
    const ValueId y = g.node(type, std::move(inputs), std::move(attributes), kMicrosoft);
    g.output(g.node("DequantizeLinear", {y, scale, zero}), "y");
    return run_compiled(*g.finish())[0];
  }
};

TEST_CASE("QLinearAdd and QLinearMul") {
  const auto a = fed(12, 0), b = fed(4, 1);
  for (const bool adds : {true, false}) {
    Quantized q;
    const ValueId x = q.input("a", {3, 4}), y = q.input("b", {4});
    const auto found = q.run(adds ? "QLinearAdd" : "QLinearMul",
                             {x, q.scale, q.zero, y, q.scale, q.zero, q.scale, q.zero});
    std::vector<double> expected;
    for (size_t i = 0; i < 12; ++i) {
      const double v = double{a[i]}, w = double{b[i % 4]};
      expected.push_back(adds ? v + w : v * w);
    }
    check_near(found, expected, 2 * kStep);
  }
}

TEST_CASE("quantized maps and poolings") {
  struct Case {
    const char* type;
    AttributeList attributes;
    std::function<double(double)> formula;
  };
  const auto x = fed(2 * 3 * 4, 0);
  const Case cases[] = {
      {"QLinearSigmoid", {}, [](double v) { return 1 / (1 + std::exp(-v)); }},
      {"QLinearLeakyRelu", {{"alpha", 0.25f}}, [](double v) { return v < 0 ? v / 4 : v; }},
      {"QLinearAveragePool", {{"kernel_shape", ints({1})}}, [](double v) { return v; }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.type);
    Quantized q;
    const ValueId input = q.input("x", {2, 3, 4});
    const auto found = q.run(c.type, {input, q.scale, q.zero, q.scale, q.zero}, c.attributes);
    std::vector<double> expected;
    for (float v : x) expected.push_back(c.formula(double{v}));
    check_near(found, expected, 1.5 * kStep);
  }
}

TEST_CASE("QLinearGlobalAveragePool and QLinearSoftmax") {
  const auto x = fed(2 * 3 * 4, 0);
  Quantized pool, softmax;
  const auto means = pool.run("QLinearGlobalAveragePool", {pool.input("x", {2, 3, 4}), pool.scale,
                                                           pool.zero, pool.scale, pool.zero});
  const auto shares = softmax.run(
      "QLinearSoftmax",
      {softmax.input("x", {2, 3, 4}), softmax.scale, softmax.zero, softmax.scale, softmax.zero},
      {{"axis", int64_t{-1}}});
  std::vector<double> expected_means, expected_shares;
  for (size_t row = 0; row < 6; ++row) {
    double sum = 0, exponentials = 0;
    for (size_t i = 0; i < 4; ++i) {
      sum += double{x[row * 4 + i]};
      exponentials += std::exp(double{x[row * 4 + i]});
    }
    expected_means.push_back(sum / 4);
    for (size_t i = 0; i < 4; ++i) {
      expected_shares.push_back(std::exp(double{x[row * 4 + i]}) / exponentials);
    }
  }
  check_near(means, expected_means, 1.5 * kStep);
  check_near(shares, expected_shares, 1.5 * kStep);
}

TEST_CASE("QLinearConcat takes a scale per operand") {
  const auto a = fed(6, 0), b = fed(4, 1);
  Quantized q;
  const ValueId x = q.input("a", {2, 3});
  const ValueId fine = q.g.scalar(1.0f / 100), middle = q.g.constant<uint8_t>({}, {120});
  const ValueId y = q.g.node("QuantizeLinear", {q.g.input("b", {2, 2}), fine, middle});
  const auto found = q.run("QLinearConcat", {q.scale, q.zero, x, q.scale, q.zero, y, fine, middle},
                           {{"axis", int64_t{1}}});
  check_near(found, {a[0], a[1], a[2], b[0], b[1], a[3], a[4], a[5], b[2], b[3]}, 1.5 * kStep);
}

TEST_CASE("QGemm with a scale per column, a bias and alpha, to bytes and to floats") {
  const auto a = fed(6, 0);
  const std::vector<uint8_t> b{1, 5, 9, 3, 7, 2};  // [2, 3], transposed
  const std::vector<int32_t> c{100, -50};
  std::vector<double> expected;
  for (size_t i = 0; i < 4; ++i) {
    const double scale = i % 2 == 0 ? 0.125 : 0.0625;
    double sum = 0;
    for (size_t k = 0; k < 3; ++k) sum += double{a[i / 2 * 3 + k]} * (b[i % 2 * 3 + k] - 4) * scale;
    expected.push_back(0.5 * (sum + c[i % 2] * kStep * scale));
  }
  for (const bool to_bytes : {true, false}) {
    Quantized q;
    const ValueId x = q.input("a", {2, 3});
    std::vector<ValueId> inputs{x,
                                q.scale,
                                q.zero,
                                q.g.constant<uint8_t>({2, 3}, b),
                                q.g.constant<float>({2}, {0.125f, 0.0625f}),
                                q.g.constant<uint8_t>({2}, {4, 4}),
                                q.g.constant<int32_t>({2}, c)};
    const AttributeList attributes{{"alpha", 0.5f}, {"transB", int64_t{1}}};
    if (to_bytes) {
      inputs.push_back(q.scale);
      inputs.push_back(q.zero);
      check_near(q.run("QGemm", inputs, attributes), expected, 1.5 * kStep);
    } else {
      q.g.output(q.g.node("QGemm", inputs, attributes, kMicrosoft), "y");
      check_near(run_compiled(*q.g.finish())[0], expected, 1.5 * kStep);
    }
  }
}

TEST_CASE("QuantizeLinear and DequantizeLinear of com.microsoft") {
  const auto x = fed(5, 0);
  Quantized q;
  const ValueId bytes =
      q.g.node("QuantizeLinear", {q.g.input("x", {5}), q.scale, q.zero}, {}, kMicrosoft);
  q.g.output(q.g.node("DequantizeLinear", {bytes, q.scale, q.zero}, {}, kMicrosoft), "y");
  check_near(run_compiled(*q.g.finish())[0], {x.begin(), x.end()}, kStep);
}

// What an invalid node says.
ErrorCode refusal(const std::string& type, size_t inputs, AttributeList attributes = {}) {
  GraphBuilder g(21);
  const ValueId x = g.constant<uint8_t>({1, 1, 2}, {1, 2}), scale = g.scalar(0.5f);
  std::vector<ValueId> given;
  for (size_t i = 0; i < inputs; ++i) given.push_back(i % 2 == 0 ? x : scale);
  g.output(g.node(type, given, std::move(attributes), kMicrosoft), "y");
  const auto graph = g.raw();
  REQUIRE(normalize(*graph).ok());
  return resolve_graph(*graph).code();
}

TEST_CASE("quantized operators refuse what does not fit") {
  CHECK(refusal("QLinearAdd", 4) == ErrorCode::GRAPH_INPUT_MISSING);
  CHECK(refusal("QLinearSigmoid", 3) == ErrorCode::GRAPH_INPUT_MISSING);
  CHECK(refusal("QLinearConcat", 4) == ErrorCode::MODEL_MALFORMED);
  CHECK(refusal("QGemm", 3) == ErrorCode::GRAPH_INPUT_MISSING);
  CHECK(refusal("QLinearGlobalAveragePool", 5, {{"channels_last", int64_t{1}}}) ==
        ErrorCode::MODEL_UNSUPPORTED);
}

}  // namespace
}  // namespace sardonyx::test
