// Weights that the model lists among its inputs.
#include <catch2/catch_test_macros.hpp>

#include "engine/session.h"
#include "tests/cpp/engine/graph_builder.h"

namespace sardonyx::test {
namespace {

// y = x · w + Relu(bias), w and bias inputs with defaults.
std::unique_ptr<Graph> make_graph() {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 2});
  const ValueId w = g.constant<float>({2, 1}, {10, 1});
  const ValueId bias = g.constant<float>({1}, {5});
  g.make_optional(w);
  g.make_optional(bias);
  g.output(g.node("Add", {g.node("MatMul", {x, w}), g.node("Relu", {bias})}), "y");
  auto graph = g.finish();
  graph->values[w].name = "w";
  graph->values[bias].name = "bias";
  return graph;
}

float answer(Run& run) {
  REQUIRE(run.start().ok());
  REQUIRE(run.advance(0).ok());
  return *run.output(0).as<float>();
}

Status feed(Run& run, size_t index, const Shape& shape, std::vector<float>& values) {
  const TensorView view{DType::kFloat32, Layout::kRowMajor, shape, values.data()};
  return run.set_input(index, view, view.bytes());
}

}  // namespace

TEST_CASE("weights among the inputs are constants unless they are to be fed") {
  std::vector<float> x{1, 2};
  const auto fixed = Session::create(make_graph()).take();
  CHECK(fixed->graph().inputs.size() == 1);
  Run run(*fixed);
  REQUIRE(feed(run, 0, {1, 2}, x).ok());
  CHECK(answer(run) == 17);
}

TEST_CASE("a run that feeds a weight takes the fed value, others its default") {
  std::vector<float> x{1, 2}, w{1, 1}, bias{-1};
  const auto session = Session::create(make_graph(), {.fed_weights = {"bias", "w"}}).take();
  REQUIRE(session->graph().inputs.size() == 3);
  CHECK(session->graph().values[session->graph().inputs[1]].optional_input);
  Run run(*session);
  CHECK(run.start().code() == ErrorCode::INPUT_MISSING);
  REQUIRE(feed(run, 0, {1, 2}, x).ok());
  CHECK(answer(run) == 17);
  REQUIRE(feed(run, 1, {2, 1}, w).ok());
  CHECK(answer(run) == 8);
  REQUIRE(feed(run, 2, {1}, bias).ok());
  CHECK(answer(run) == 3);
  CHECK(feed(run, 1, {1, 2}, w).code() == ErrorCode::INPUT_SHAPE);
  run.reset();
  REQUIRE(feed(run, 0, {1, 2}, x).ok());
  CHECK(answer(run) == 17);
}

TEST_CASE("only weights among the inputs can be fed") {
  for (const char* name : {"x", "y", "nothing"}) {
    const auto session = Session::create(make_graph(), {.fed_weights = {name}});
    CHECK(session.status().code() == ErrorCode::INVALID_ARGUMENT);
    CHECK(session.status().tensor() == name);
  }
}

}  // namespace sardonyx::test
