// Operators of the first opsets, against their formulas.
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

// The output for x [1, 2, 4, 3], which counts from 0.
std::vector<float> run_on_image(const std::string& type, AttributeList attributes) {
  GraphBuilder g(6);
  std::vector<float> values(24);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const ValueId zero = g.input("zero", {1, 2, 4, 3});
  const ValueId x = g.constant<float>({1, 2, 4, 3}, values);
  const ValueId y = g.node("Sub", {x, g.node("Sub", {zero, zero})});
  g.output(g.node(type, {y}, std::move(attributes)), "y");
  return run_compiled(*g.finish())[0];
}

void check_near(const std::vector<float>& actual, const std::vector<double>& expected) {
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    CAPTURE(i);
    CHECK(std::fabs(actual[i] - expected[i]) <= 1e-5 * (1 + std::fabs(expected[i])));
  }
}

void check_map(const std::string& type, AttributeList attributes,
               const std::function<double(double x, size_t channel)>& formula) {
  std::vector<double> expected;
  for (size_t i = 0; i < 24; ++i) expected.push_back(formula(static_cast<double>(i), i / 12));
  check_near(run_on_image(type, std::move(attributes)), expected);
}

TEST_CASE("Affine, ScaledTanh, ParametricSoftplus and ImageScaler") {
  const AttributeList factors{{"alpha", 0.5f}, {"beta", 0.25f}};
  check_map("Affine", factors, [](double x, size_t) { return 0.5 * x + 0.25; });
  check_map("ScaledTanh", factors, [](double x, size_t) { return 0.5 * std::tanh(0.25 * x); });
  check_map("ParametricSoftplus", factors,
            [](double x, size_t) { return 0.5 * std::log1p(std::exp(0.25 * x)); });
  check_map("ImageScaler", {{"scale", 2.0f}, {"bias", floats({1, -1})}},
            [](double x, size_t channel) { return 2 * x + (channel == 0 ? 1 : -1); });
}

TEST_CASE("Crop cuts a border or keeps a scale") {
  // Left 1, top 2, right 0, bottom 1: row 2 of 4, columns 1 and 2.
  check_near(run_on_image("Crop", {{"border", ints({1, 2, 0, 1})}}), {7, 8, 19, 20});
  check_near(run_on_image("Crop", {{"border", ints({1, 2, 0, 0})}, {"scale", ints({2, 1})}}),
             {7, 10, 19, 22});
}

TEST_CASE("Upsample of opset 1 repeats elements") {
  const auto y = run_on_image("Upsample", {{"height_scale", 2.0f}, {"width_scale", 1.0f}});
  std::vector<double> expected;
  for (size_t row = 0; row < 16; ++row) {
    for (size_t i = 0; i < 3; ++i) expected.push_back(static_cast<double>(row / 2 * 3 + i));
  }
  check_near(y, expected);
}

TEST_CASE("Crop refuses borders that are none") {
  for (const auto& border : {ints({1, 2, 3}), ints({1, -2, 0, 0}), ints({})}) {
    GraphBuilder g(6);
    g.output(g.node("Crop", {g.input("x", {1, 1, 4, 4})}, {{"border", border}}), "y");
    const auto graph = g.raw();
    REQUIRE(normalize(*graph).ok());
    CHECK(resolve_graph(*graph).code() == ErrorCode::ATTRIBUTE_INVALID);
  }
}

}  // namespace
}  // namespace sardonyx::test
