#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

ValueId conv(GraphBuilder& g) {
  const ValueId x = g.input("x", {1, 3, 6, 5});
  return g.node("Conv", {x, g.random({4, 3, 3, 3}), g.random({4})});
}

ValueId gemm(GraphBuilder& g) {
  const ValueId x = g.input("x", {3, 5});
  return g.node("Gemm", {x, g.random({5, 4}), g.random({4})}, {{"alpha", 1.5f}});
}

// The only node after the pass; the graph must compute the same as before.
Node fuse(GraphBuilder& g, ValueId y, const std::string& expected_types) {
  g.output(y, "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  run_pass(*graph, "fuse_activation");
  REQUIRE(types(*graph) == expected_types);
  CHECK(graph->values[graph->outputs.back()].name == "y");
  check_equivalent(*before, *graph);
  return graph->nodes[0];
}

TEST_CASE("fuse_activation takes an activation into Conv and Gemm", "[passes]") {
  const bool convolution = GENERATE(true, false);
  CAPTURE(convolution);
  GraphBuilder g;
  const ValueId h = convolution ? conv(g) : gemm(g);
  std::string name;
  std::vector<float> params;
  ValueId y = kNoValue;
  SECTION("Relu") {
    y = g.node(name = "Relu", {h});
  }
  SECTION("Sigmoid") {
    y = g.node(name = "Sigmoid", {h});
  }
  SECTION("Tanh") {
    y = g.node(name = "Tanh", {h});
  }
  SECTION("HardSwish") {
    y = g.node(name = "HardSwish", {h});
  }
  SECTION("LeakyRelu") {
    y = g.node(name = "LeakyRelu", {h}, {{"alpha", 0.25f}});
    params = {0.25f};
  }
  SECTION("HardSigmoid") {
    y = g.node(name = "HardSigmoid", {h}, {{"alpha", 0.3f}});
    params = {0.3f, 0.5f};
  }
  SECTION("Clip") {
    y = g.node(name = "Clip", {h, g.scalar(-0.5f), g.scalar(0.75f)});
    params = {-0.5f, 0.75f};
  }
  SECTION("Silu") {
    name = "Silu";
    y = g.node("Mul", {h, g.node("Sigmoid", {h})});
  }
  SECTION("Silu, gate first") {
    name = "Silu";
    y = g.node("Mul", {g.node("Sigmoid", {h}), h});
  }
  const std::string type = convolution ? "FusedConv" : "FusedGemm";
  const Node fused = fuse(g, y, type);
  CHECK(fused.domain == "com.microsoft");
  CHECK(fused.attributes.get_string("activation", "") == name);
  const auto actual = fused.attributes.get_floats("activation_params");
  CHECK(std::vector<float>(actual.begin(), actual.end()) == params);
  if (!convolution) CHECK(fused.attributes.get_float("alpha", 0) == 1.5f);
}

TEST_CASE("fuse_activation reads the attributes of an old Clip", "[passes]") {
  GraphBuilder g(10);
  const ValueId h = conv(g);
  const Node fused = fuse(g, g.node("Clip", {h}, {{"min", 0.0f}, {"max", 6.0f}}), "FusedConv");
  const auto params = fused.attributes.get_floats("activation_params");
  CHECK(std::vector<float>(params.begin(), params.end()) == std::vector<float>{0.0f, 6.0f});
}

TEST_CASE("fuse_activation leaves what it can not express", "[passes]") {
  GraphBuilder g;
  const ValueId h = conv(g);
  SECTION("another reader") {
    g.output(g.node("Tanh", {h}), "z");
    fuse(g, g.node("Relu", {h}), "Conv Tanh Relu");
  }
  SECTION("a graph output in between") {
    g.output(h, "h");
    fuse(g, g.node("Relu", {h}), "Conv Relu");
  }
  SECTION("a gate with another reader") {
    const ValueId gate = g.node("Sigmoid", {h});
    g.output(gate, "gate");
    fuse(g, g.node("Mul", {h, gate}), "Conv Sigmoid Mul");
  }
  SECTION("another gate") {
    fuse(g, g.node("Mul", {h, g.node("Tanh", {h})}), "Conv Tanh Mul");
  }
}

TEST_CASE("fuse_activation leaves a Clip whose bounds are fed", "[passes]") {
  GraphBuilder g;
  const ValueId low = g.input("low", {});
  const ValueId h = conv(g);
  fuse(g, g.node("Clip", {h, low}), "Conv Clip");
}

TEST_CASE("fuse_activation fuses one activation, not two", "[passes]") {
  GraphBuilder g;
  const ValueId h = g.node("Relu", {conv(g)});
  g.output(g.node("Sigmoid", {h}), "y");
  const auto graph = g.finish();
  CHECK(run_pass(*graph, "fuse_activation"));
  CHECK_FALSE(run_pass(*graph, "fuse_activation"));
  CHECK(types(*graph) == "FusedConv Sigmoid");
}

}  // namespace
}  // namespace sardonyx::test
