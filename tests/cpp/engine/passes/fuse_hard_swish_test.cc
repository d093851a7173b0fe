#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

Node fuse(GraphBuilder& g, ValueId y, const std::string& expected_types) {
  g.output(y, "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  run_pass(*graph, "fuse_hard_swish");
  REQUIRE(types(*graph) == expected_types);
  check_equivalent(*before, *graph);
  return graph->nodes.back();
}

ValueId ramp(GraphBuilder& g, ValueId x, float bias = 3, float top = 6) {
  return g.node("Clip", {g.node("Add", {x, g.scalar(bias)}), g.scalar(0.0f), g.scalar(top)});
}

// Values on both sides of the bends at -3 and 3.
ValueId input(GraphBuilder& g) {
  return g.node("Mul", {g.input("x", {2, 5, 7}), g.scalar(8.0f)});
}

TEST_CASE("fuse_hard_swish finds HardSwish", "[passes]") {
  GraphBuilder g(13);
  const ValueId x = input(g);
  SECTION("x * clip(x + 3, 0, 6) / 6") {
    fuse(g, g.node("Div", {g.node("Mul", {x, ramp(g, x)}), g.scalar(6.0f)}), "Mul HardSwish");
  }
  SECTION("clip(x + 3, 0, 6) * x * (1 / 6)") {
    const ValueId sixth = g.constant<float>({1}, {1.0f / 6});
    fuse(g, g.node("Mul", {sixth, g.node("Mul", {ramp(g, x), x})}), "Mul HardSwish");
  }
  SECTION("x * HardSigmoid(x)") {
    const ValueId gate = g.node("HardSigmoid", {x}, {{"alpha", 1.0f / 6}});
    fuse(g, g.node("Mul", {x, gate}), "Mul HardSwish");
  }
}

TEST_CASE("fuse_hard_swish finds HardSigmoid", "[passes]") {
  GraphBuilder g;
  const ValueId x = input(g);
  SECTION("clip(x + 3, 0, 6) / 6") {
    const Node gate = fuse(g, g.node("Div", {ramp(g, x), g.scalar(6.0f)}), "Mul HardSigmoid");
    CHECK(gate.attributes.get_float("alpha", 0) == 1.0f / 6);
    CHECK(gate.attributes.get_float("beta", 0) == 0.5f);
  }
  SECTION("with other numbers") {
    fuse(g, g.node("Mul", {g.scalar(0.25f), ramp(g, x, 1, 4)}), "Mul HardSigmoid");
  }
  SECTION("which a second round takes into HardSwish") {
    g.output(g.node("Mul", {x, g.node("Div", {ramp(g, x), g.scalar(6.0f)})}), "y");
    const auto graph = g.finish();
    const auto before = copy(*graph);
    while (run_pass(*graph, "fuse_hard_swish")) continue;
    CHECK(types(*graph) == "Mul HardSwish");
    check_equivalent(*before, *graph);
  }
}

TEST_CASE("fuse_hard_swish leaves what is something else", "[passes]") {
  GraphBuilder g;
  const ValueId x = input(g);
  SECTION("another divisor") {
    fuse(g, g.node("Div", {ramp(g, x), g.scalar(5.0f)}), "Mul Add Clip Div");
  }
  SECTION("other bounds of HardSwish") {
    fuse(g, g.node("Div", {g.node("Mul", {x, ramp(g, x, 2, 4)}), g.scalar(4.0f)}),
         "Mul Add Clip Mul Div");
  }
  SECTION("a low bound") {
    const ValueId sum = g.node("Add", {x, g.scalar(3.0f)});
    const ValueId clip = g.node("Clip", {sum, g.scalar(-1.0f), g.scalar(6.0f)});
    fuse(g, g.node("Div", {clip, g.scalar(6.0f)}), "Mul Add Clip Div");
  }
  SECTION("a second reader") {
    const ValueId clip = ramp(g, x);
    g.output(clip, "clip");
    fuse(g, g.node("Div", {clip, g.scalar(6.0f)}), "Mul Add Clip Div");
  }
  SECTION("a number that raises the rank") {
    const ValueId sum = g.node("Add", {x, g.constant<float>({1, 1, 1, 1}, {3})});
    const ValueId clip = g.node("Clip", {sum, g.scalar(0.0f), g.scalar(6.0f)});
    fuse(g, g.node("Div", {clip, g.scalar(6.0f)}), "Mul Add Clip Div");
  }
  SECTION("the gate of another value") {
    const ValueId other = g.node("Neg", {x});
    const ValueId gated = g.node("Mul", {other, ramp(g, x)});
    fuse(g, g.node("Div", {gated, g.scalar(6.0f)}), "Mul Neg Add Clip Mul Div");
  }
  SECTION("HardSigmoid with other numbers") {
    fuse(g, g.node("Mul", {x, g.node("HardSigmoid", {x})}), "Mul HardSigmoid Mul");
  }
}

}  // namespace
}  // namespace sardonyx::test
