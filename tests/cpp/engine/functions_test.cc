// Operators that are written with others.
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "engine/functions/registry.h"
#include "engine/functions/resolve.h"
#include "engine/graph_edit.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

std::unique_ptr<Graph> with_node(const std::string& type, AttributeList attributes = {}) {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3, 4, 5});
  g.output(g.node(type, {x}, std::move(attributes)), "y");
  return g.finish();
}

TEST_CASE("a function becomes nodes that have kernels, and keeps the names of its outputs") {
  const auto graph = with_node("MeanVarianceNormalization");
  CHECK(types(*graph) == "ReduceMean Sub Mul ReduceMean Sqrt Add Div");
  CHECK(graph->values[graph->outputs[0]].name == "y");
  CHECK(graph->values[graph->outputs[0]].shape == Shape({2, 3, 4, 5}));
  check_equivalent(*graph, *graph);
}

TEST_CASE("the body computes the function") {
  const auto graph = with_node("MeanVarianceNormalization", {{"axes", ints({-1})}});
  const std::vector<float> y = run_compiled(*graph)[0];
  for (size_t row = 0; row < y.size(); row += 5) {
    double sum = 0, squares = 0;
    for (size_t i = row; i < row + 5; ++i) {
      sum += y[i];
      squares += double{y[i]} * y[i];
    }
    CHECK(std::fabs(sum) < 1e-4);
    CHECK(std::fabs(squares - 5) < 1e-3);
  }
}

TEST_CASE("an error in a body names the node of the model") {
  GraphBuilder g;
  g.output(g.node("MeanVarianceNormalization", {}), "y");
  const auto graph = g.raw();
  graph->nodes[0].name = "mvn";
  REQUIRE(normalize(*graph).ok());
  const Status status = resolve_graph(*graph);
  CHECK(status.code() == ErrorCode::GRAPH_INPUT_MISSING);
  CHECK(status.node() == "mvn");
  CHECK(status.op() == "MeanVarianceNormalization");
}

// x [2, 3, 4] and the operand of an operator of opset 6.
std::unique_ptr<Graph> old_operator(const std::string& type, const Shape& operand,
                                    AttributeList attributes) {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3, 4});
  const ValueId y = g.input("y", operand);
  g.output(g.node(type, {x, y}, std::move(attributes)), "z");
  auto graph = g.raw();
  graph->nodes[0].opset = 6;
  REQUIRE(normalize(*graph).ok());
  return graph;
}

TEST_CASE("the second operand of opset 6 aligns at an axis") {
  const auto aligned = old_operator("Add", {3}, {{"broadcast", int64_t{1}}, {"axis", int64_t{1}}});
  REQUIRE(resolve_graph(*aligned).ok());
  CHECK(types(*aligned) == "Unsqueeze Add");
  CHECK(aligned->values[aligned->outputs[0]].shape == Shape({2, 3, 4}));
  const auto last = old_operator("Mul", {4}, {{"broadcast", int64_t{1}}});
  REQUIRE(resolve_graph(*last).ok());
  CHECK(types(*last) == "Mul");
  const auto slopes = old_operator("PRelu", {3}, {});
  REQUIRE(resolve_graph(*slopes).ok());
  CHECK(types(*slopes) == "Unsqueeze PRelu");
  for (const int64_t axis : {int64_t{3}, int64_t{-4}, INT64_MAX}) {
    const auto beyond = old_operator("Add", {3}, {{"broadcast", int64_t{1}}, {"axis", axis}});
    CHECK(resolve_graph(*beyond).code() == ErrorCode::ATTRIBUTE_INVALID);
  }
}

TEST_CASE("no function hides behind a kernel") {
  for (const Function& function : all_functions()) {
    INFO(function.name);
    for (const Operator& op : all_operators()) {
      const bool same = op.name == function.name && op.domain == function.domain;
      CHECK_FALSE((same && op.since <= function.since && op.until >= function.until));
    }
  }
}

}  // namespace
}  // namespace sardonyx::test
