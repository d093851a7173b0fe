// Elementwise operators between convolutions: what they compute, and that they stay in NC4HW4.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "engine/lowering.h"
#include "engine/pass.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

ValueId conv(GraphBuilder& g, ValueId x, int64_t from, int64_t to, int64_t kernel = 1) {
  const int64_t pad = kernel / 2;
  return g.node("Conv", {x, g.random({to, from, kernel, kernel}), g.random({to})},
                {{"pads", ints({pad, pad, pad, pad})}});
}

// How often the compiled graph converts between layouts.
int64_t count_conversions(const Graph& graph) {
  const auto program = copy(graph);
  REQUIRE(run_passes(*program).ok());
  auto lowering = lower_to_cpu(*program);
  REQUIRE(lowering.ok());
  const auto lowered = lowering.take();
  return std::count_if(lowered->steps.begin(), lowered->steps.end(),
                       [](const Step& step) { return step.node->type == "ConvertLayout"; });
}

int64_t conversions(GraphBuilder& g) {
  const auto graph = g.finish();
  check_same(run_compiled(*graph), interpret(*graph));
  return count_conversions(*graph);
}

TEST_CASE("a gate of one value per channel keeps the layout", "[layout]") {
  GraphBuilder g;
  const ValueId h = conv(g, g.input("x", {2, 3, 9, 7}), 3, 10, 3);
  const ValueId pooled = g.node("GlobalAveragePool", {h});
  const ValueId gate = g.node("Sigmoid", {conv(g, pooled, 10, 10)});
  g.output(conv(g, g.node("Mul", {h, gate}), 10, 6), "y");
  CHECK(conversions(g) == 1);  // of the output
}

TEST_CASE("constants of one value per channel keep the layout", "[layout]") {
  GraphBuilder g;
  const ValueId h = conv(g, g.input("x", {1, 3, 9, 7}), 3, 6, 3);
  const ValueId bent = g.node("PRelu", {h, g.random({6, 1, 1})});
  const ValueId shifted = g.node("Max", {g.random({1, 6, 1, 1}), g.node("Exp", {bent})});
  g.output(conv(g, shifted, 6, 5), "y");
  CHECK(conversions(g) == 1);
}

TEST_CASE("a default that may be fed is no constant", "[layout]") {
  GraphBuilder g;
  const ValueId h = conv(g, g.input("x", {1, 3, 9, 7}), 3, 6, 3);
  const ValueId scale = g.random({6, 1, 1});
  g.make_optional(scale);
  g.output(conv(g, g.node("Mul", {h, scale}), 6, 5), "y");
  CHECK(count_conversions(*g.finish()) == 3);
}

TEST_CASE("an operand that broadcasts over height is converted, not the others", "[layout]") {
  GraphBuilder g;
  const ValueId h = conv(g, g.input("x", {1, 3, 9, 7}), 3, 8, 3);
  const ValueId wide = g.node("Mul", {conv(g, h, 8, 8, 3), g.random({1, 8, 1, 7})});
  g.output(conv(g, g.node("Add", {h, wide}), 8, 6), "y");
  // The factor, which has several values per channel, and the output.
  CHECK(conversions(g) == 2);
}

TEST_CASE("a row-major operand follows what reads the result", "[layout]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 8, 9, 7});
  const ValueId sum = g.node("Sub", {conv(g, x, 8, 8), x});
  SECTION("a convolution") {
    g.output(conv(g, g.node("Exp", {sum}), 8, 6), "y");
    CHECK(conversions(g) == 2);  // of x, once for both readers, and the output
  }
  SECTION("an operator of rows") {
    g.output(g.node("Softmax", {sum}), "y");
    CHECK(conversions(g) == 2);  // of x and of the convolution
  }
}

TEST_CASE("operands over channels that differ are read row-major", "[layout]") {
  GraphBuilder g;
  const ValueId h = conv(g, g.input("x", {1, 3, 9, 7}), 3, 8, 3);
  const ValueId map = g.node("ReduceMax", {h}, {{"axes", ints({1})}});
  g.output(conv(g, g.node("Mul", {h, map}), 8, 6), "y");
  CHECK(conversions(g) == 3);
}

TEST_CASE("dims that a run tells", "[layout]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {kUnknownDim, 3, kUnknownDim, kUnknownDim});
  const ValueId h = conv(g, x, 3, 8, 3);
  const ValueId gate = g.node("HardSigmoid", {conv(g, g.node("GlobalAveragePool", {h}), 8, 8)});
  const ValueId sum = g.node("Add", {h, conv(g, g.node("Mul", {h, gate}), 8, 8, 3)});
  g.output(g.node("Sub", {sum, g.random({8, 1, 1})}), "y");
  const auto graph = g.finish();
  for (const Shape& shape : {Shape{1, 3, 6, 5}, Shape{2, 3, 1, 9}, Shape{3, 3, 1, 1}}) {
    check_same(run_compiled(*graph, 7, {shape}), interpret(*graph, 7, {shape}));
  }
}

}  // namespace
}  // namespace sardonyx::test
