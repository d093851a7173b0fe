#include "tests/cpp/engine/graph_run.h"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstring>

#include "engine/passes/evaluate_node.h"
#include "tests/cpp/engine/graph_builder.h"

namespace sardonyx::test {
namespace {

void require_ok(const Status& status) {
  INFO(status.message() << " (" << status.node() << " " << status.op() << ")");
  REQUIRE(status.ok());
}

// Makes the input a constant of random numbers.
void feed(Value& value, uint32_t seed) {
  REQUIRE(value.dtype == DType::kFloat32);
  auto constant = make_constant(value.dtype, value.shape);
  require_ok(constant.status());
  const auto count = static_cast<size_t>((*constant)->view().elements());
  const std::vector<float> numbers = random_floats(count, seed, -1.0f, 1.0f);
  if (count > 0) std::memcpy((*constant)->view().data, numbers.data(), count * sizeof(float));
  value.constant = constant.take();
  value.optional_input = false;
}

}  // namespace

Outputs interpret(const Graph& graph, uint32_t seed) {
  const std::unique_ptr<Graph> run = copy(graph);
  for (ValueId id : run->inputs) feed(run->values[id], seed++);
  NodeFacts facts;
  for (const Node& node : run->nodes) {
    require_ok(infer_node(*run, node, facts));
    auto results = evaluate_node(*run, node, facts);
    require_ok(results.status());
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      Value& value = run->values[node.outputs[i]];
      value.constant = (*results)[i];
      value.shape = value.constant->shape;
      value.dtype = value.constant->dtype;
      value.has_shape = true;
    }
  }
  Outputs outputs;
  for (ValueId id : run->outputs) outputs.push_back(contents(*run, id));
  return outputs;
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
  check_same(interpret(after), interpret(before));
}

}  // namespace sardonyx::test
