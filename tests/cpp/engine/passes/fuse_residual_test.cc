#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

ValueId conv(GraphBuilder& g, ValueId x, bool bias = true) {
  std::vector<ValueId> inputs = {x, g.random({4, 4, 3, 3})};
  if (bias) inputs.push_back(g.random({4}));
  return g.node("Conv", inputs, {{"pads", ints({1, 1, 1, 1})}});
}

Node fuse(GraphBuilder& g, ValueId y, const std::string& expected_types) {
  g.output(y, "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  run_pass(*graph, "fuse_residual");
  REQUIRE(types(*graph) == expected_types);
  check_equivalent(*before, *graph);
  return graph->nodes.back();
}

TEST_CASE("fuse_residual takes the Add of a value of the same shape into Conv", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 4, 5, 6});
  SECTION("first operand, with a bias") {
    CHECK(fuse(g, g.node("Add", {conv(g, x), x}), "FusedConv").inputs.size() == 4);
  }
  SECTION("second operand, without a bias") {
    const Node fused = fuse(g, g.node("Add", {x, conv(g, x, false)}), "FusedConv");
    CHECK((fused.inputs.size() == 4 && fused.inputs[2] == kNoValue));
  }
  SECTION("the other operand is computed later") {
    const ValueId h = conv(g, x);
    const ValueId late = g.node("Tanh", {g.node("Exp", {x})});
    fuse(g, g.node("Add", {h, late}), "Exp Tanh FusedConv");
  }
  SECTION("two convolutions") {
    fuse(g, g.node("Add", {conv(g, x), conv(g, x)}), "Conv FusedConv");
  }
  SECTION("a chain") {
    const ValueId a = g.node("Add", {conv(g, x), x});
    fuse(g, g.node("Add", {conv(g, a), a}), "FusedConv FusedConv");
  }
}

TEST_CASE("fuse_residual leaves what is no residual", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 4, 5, 6});
  const ValueId h = conv(g, x);
  SECTION("an operand that broadcasts") {
    fuse(g, g.node("Add", {h, g.random({4, 1, 1})}), "Conv Add");
  }
  SECTION("an operand that makes the output larger") {
    fuse(g, g.node("Add", {h, g.random({3, 1, 1, 1, 1})}), "Conv Add");
  }
  SECTION("another reader") {
    g.output(g.node("Exp", {h}), "z");
    fuse(g, g.node("Add", {h, x}), "Conv Exp Add");
  }
  SECTION("a graph output") {
    g.output(h, "h");
    fuse(g, g.node("Add", {h, x}), "Conv Add");
  }
  SECTION("twice itself") {
    fuse(g, g.node("Add", {h, h}), "Conv Add");
  }
  SECTION("an activation in between") {
    fuse(g, g.node("Add", {g.node("Relu", {h}), x}), "Conv Relu Add");
  }
}

TEST_CASE("fuse_residual follows dims that are not known", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {kUnknownDim, 4, kUnknownDim, 6});
  SECTION("through convolutions that keep them") {
    const ValueId h = g.node("Relu", {conv(g, x)});
    g.output(g.node("Add", {conv(g, g.node("Mul", {h, g.random({4, 1, 1})})), x}), "y");
    const auto graph = g.finish();
    CHECK(run_pass(*graph, "fuse_residual"));
    CHECK(types(*graph) == "Conv Relu Mul FusedConv");
  }
  SECTION("not through one that shortens them") {
    const ValueId h = g.node("Conv", {x, g.random({4, 4, 3, 1})});
    g.output(g.node("Add", {h, x}), "y");
    CHECK_FALSE(run_pass(*g.finish(), "fuse_residual"));
  }
  SECTION("not through an operand that may be longer") {
    const ValueId longer = g.node("Sub", {x, g.input("other", {1, 4, kUnknownDim, 6})});
    g.output(g.node("Add", {conv(g, x), longer}), "y");
    CHECK_FALSE(run_pass(*g.finish(), "fuse_residual"));
  }
}

TEST_CASE("fuse_residual leaves dims that may differ", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 4, kUnknownDim, 6});
  const ValueId one = g.input("one", {1, 4, kUnknownDim, 6});
  g.output(g.node("Add", {conv(g, x), one}), "y");
  CHECK_FALSE(run_pass(*g.finish(), "fuse_residual"));
}

TEST_CASE("an activation behind a residual ends up in the convolution", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 4, 5, 6});
  g.output(g.node("Relu", {g.node("Add", {conv(g, x), x})}), "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  CHECK(run_pass(*graph, "fuse_residual"));
  CHECK(run_pass(*graph, "fuse_activation"));
  CHECK(types(*graph) == "FusedConv");
  CHECK(graph->nodes[0].attributes.get_string("activation", "") == "Relu");
  check_equivalent(*before, *graph);
}

}  // namespace
}  // namespace sardonyx::test
