#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

Node fuse(GraphBuilder& g, ValueId y, const std::string& expected_types) {
  g.output(y, "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  run_pass(*graph, "fuse_gelu");
  REQUIRE(types(*graph) == expected_types);
  check_equivalent(*before, *graph);
  return graph->nodes.back();
}

ValueId erf_gate(GraphBuilder& g, ValueId x, float one = 1) {
  const ValueId erf = g.node("Erf", {g.node("Div", {x, g.scalar(std::sqrt(2.0f))})});
  return g.node("Add", {erf, g.scalar(one)});
}

ValueId tanh_gate(GraphBuilder& g, ValueId x, float exponent = 3) {
  const ValueId cube = g.node("Pow", {x, g.scalar(exponent)});
  const ValueId sum = g.node("Add", {x, g.node("Mul", {cube, g.scalar(0.044715f)})});
  const ValueId scaled = g.node("Mul", {g.scalar(0.7978845608f), sum});
  return g.node("Add", {g.scalar(1.0f), g.node("Tanh", {scaled})});
}

ValueId nested_tanh_gate(GraphBuilder& g, ValueId x, float factor = 0.044715f) {
  const ValueId scaled = g.node("Mul", {g.scalar(factor), x});
  const ValueId cubic = g.node("Mul", {x, g.node("Mul", {scaled, x})});
  const ValueId sum = g.node("Add", {cubic, x});
  const ValueId tanh = g.node("Tanh", {g.node("Mul", {sum, g.scalar(0.7978845608f)})});
  return g.node("Add", {tanh, g.scalar(1.0f)});
}

TEST_CASE("fuse_gelu finds the three orders of the factors", "[passes]") {
  GraphBuilder g(13);
  const ValueId x = g.node("Mul", {g.input("x", {2, 5, 7}), g.scalar(4.0f)});
  const ValueId half = g.scalar(0.5f);
  SECTION("(x * gate) * 1/2") {
    fuse(g, g.node("Mul", {g.node("Mul", {x, erf_gate(g, x)}), half}), "Mul Gelu");
  }
  SECTION("x * (gate * 1/2)") {
    fuse(g, g.node("Mul", {x, g.node("Mul", {half, erf_gate(g, x)})}), "Mul Gelu");
  }
  SECTION("(x * 1/2) * gate") {
    fuse(g, g.node("Mul", {g.node("Mul", {x, half}), erf_gate(g, x)}), "Mul Gelu");
  }
  SECTION("with tanh") {
    const Node gelu =
        fuse(g, g.node("Mul", {g.node("Mul", {x, half}), tanh_gate(g, x)}), "Mul Gelu");
    CHECK(gelu.attributes.get_string("approximate", "") == "tanh");
  }
  SECTION("with tanh of products by x") {
    const Node gelu =
        fuse(g, g.node("Mul", {x, g.node("Mul", {half, nested_tanh_gate(g, x)})}), "Mul Gelu");
    CHECK(gelu.attributes.get_string("approximate", "") == "tanh");
  }
}

TEST_CASE("fuse_gelu leaves what is something else", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 5, 7});
  const ValueId half = g.scalar(0.5f);
  SECTION("another sum") {
    fuse(g, g.node("Mul", {g.node("Mul", {x, erf_gate(g, x, 2)}), half}), "Div Erf Add Mul Mul");
  }
  SECTION("another factor") {
    fuse(g, g.node("Mul", {g.node("Mul", {x, erf_gate(g, x)}), g.scalar(0.25f)}),
         "Div Erf Add Mul Mul");
  }
  SECTION("the gate of another value") {
    const ValueId other = g.node("Neg", {x});
    fuse(g, g.node("Mul", {g.node("Mul", {other, erf_gate(g, x)}), half}),
         "Neg Div Erf Add Mul Mul");
  }
  SECTION("another reader of the gate") {
    const ValueId gate = erf_gate(g, x);
    g.output(gate, "gate");
    fuse(g, g.node("Mul", {g.node("Mul", {x, gate}), half}), "Div Erf Add Mul Mul");
  }
  SECTION("another power") {
    fuse(g, g.node("Mul", {g.node("Mul", {x, half}), tanh_gate(g, x, 2)}),
         "Mul Pow Mul Add Mul Tanh Add Mul");
  }
  SECTION("another factor of the cube") {
    fuse(g, g.node("Mul", {g.node("Mul", {x, half}), nested_tanh_gate(g, x, 0.05f)}),
         "Mul Mul Mul Mul Add Mul Tanh Add Mul");
  }
  SECTION("a number that raises the rank") {
    const ValueId wide = g.constant<float>({1, 1, 1, 1}, {0.5f});
    fuse(g, g.node("Mul", {g.node("Mul", {x, erf_gate(g, x)}), wide}), "Div Erf Add Mul Mul");
  }
}

}  // namespace
}  // namespace sardonyx::test
