#include "tests/cpp/engine/graph_run.h"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstring>

#include "engine/passes/evaluate_node.h"
#include "engine/session.h"
#include "tests/cpp/engine/graph_builder.h"

namespace sardonyx::test {
namespace {

void require_ok(const Status& status) {
  INFO(status.message() << " (" << status.node() << " " << status.op() << ")");
  REQUIRE(status.ok());
}

// Random numbers for an input, the same for the same seed.
ConstantPtr random_feed(const Value& value, const Shape& shape, uint32_t seed) {
  REQUIRE(value.dtype == DType::kFloat32);
  REQUIRE(shape.is_known());
  auto constant = make_constant(value.dtype, shape);
  require_ok(constant.status());
  const auto count = static_cast<size_t>((*constant)->view().elements());
  const std::vector<float> numbers = random_floats(count, seed, -1.0f, 1.0f);
  if (count > 0) std::memcpy((*constant)->view().data, numbers.data(), count * sizeof(float));
  return constant.take();
}

std::vector<ConstantPtr> random_feeds(const Graph& graph, uint32_t seed,
                                      const std::vector<Shape>& shapes) {
  std::vector<ConstantPtr> feeds;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const Value& value = graph.values[graph.inputs[i]];
    feeds.push_back(random_feed(value, shapes.empty() ? value.shape : shapes[i], seed++));
  }
  return feeds;
}

void set_constant(Value& value, ConstantPtr constant) {
  value.dtype = constant->dtype;
  value.shape = constant->shape;
  value.has_shape = true;
  value.optional_input = false;
  value.constant = std::move(constant);
}

Outputs read_outputs(const Run& run, size_t count) {
  Outputs outputs;
  for (size_t i = 0; i < count; ++i) {
    const TensorView view = run.output(i);
    REQUIRE(view.dtype == DType::kFloat32);
    outputs.emplace_back(view.as<float>(), view.as<float>() + view.elements());
  }
  return outputs;
}

void advance_to_end(Run& run, double budget_ms) {
  for (;;) {
    auto state = run.advance(budget_ms);
    require_ok(state.status());
    if (*state == Run::State::kDone) return;
  }
}

}  // namespace

Outputs interpret(const Graph& graph, uint32_t seed, const std::vector<Shape>& shapes) {
  const std::unique_ptr<Graph> run = copy(graph);
  const std::vector<ConstantPtr> feeds = random_feeds(*run, seed, shapes);
  for (size_t i = 0; i < feeds.size(); ++i) set_constant(run->values[run->inputs[i]], feeds[i]);
  NodeFacts facts;
  for (const Node& node : run->nodes) {
    require_ok(infer_node(*run, node, facts));
    auto results = evaluate_node(*run, node, facts);
    require_ok(results.status());
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) set_constant(run->values[node.outputs[i]], (*results)[i]);
    }
  }
  Outputs outputs;
  for (ValueId id : run->outputs) outputs.push_back(contents(*run, id));
  return outputs;
}

Outputs run_compiled(const Graph& graph, uint32_t seed, const std::vector<Shape>& shapes,
                     int runs) {
  const std::vector<ConstantPtr> feeds = random_feeds(graph, seed, shapes);
  auto session = Session::create(copy(graph));
  require_ok(session.status());
  Run run(**session);
  Outputs first;
  for (int i = 0; i < runs; ++i) {
    run.reset();
    for (size_t input = 0; input < feeds.size(); ++input) {
      const TensorView view = feeds[input]->view();
      require_ok(run.set_input(input, view, view.bytes()));
    }
    require_ok(run.start());
    advance_to_end(run, i % 2 == 0 ? 0 : 1e-6);
    Outputs outputs = read_outputs(run, graph.outputs.size());
    if (i == 0) first = outputs;
    REQUIRE(outputs == first);
  }
  return first;
}

void check_same(const Outputs& actual, const Outputs& expected) {
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    REQUIRE(actual[i].size() == expected[i].size());
    for (size_t j = 0; j < actual[i].size(); ++j) {
      const float difference = std::fabs(actual[i][j] - expected[i][j]);
      if (difference <= 1e-5f + 1e-5f * std::fabs(expected[i][j])) continue;
      INFO("output " << i << ", element " << j);
      REQUIRE(actual[i][j] == expected[i][j]);
    }
  }
}

void check_equivalent(const Graph& before, const Graph& after) {
  const Outputs expected = interpret(before);
  check_same(interpret(after), expected);
  check_same(run_compiled(before), expected);
}

}  // namespace sardonyx::test
