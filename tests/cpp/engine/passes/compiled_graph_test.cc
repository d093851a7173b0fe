// Compiled graphs (passes, layouts, memory plan, bindings) against their interpretation.
#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

void check_compiled(GraphBuilder& g, const std::vector<std::vector<Shape>>& shapes = {{}}) {
  const auto graph = g.finish();
  for (const auto& set : shapes)
    check_same(run_compiled(*graph, 7, set), interpret(*graph, 7, set));
}

ValueId conv(GraphBuilder& g, ValueId x, const Shape& weights, int64_t stride = 1) {
  const int64_t pad = weights[2] / 2;
  return g.node("Conv", {x, g.random(weights, -0.3f, 0.3f), g.random({weights[0]})},
                {{"pads", ints({pad, pad, pad, pad})}, {"strides", ints({stride, stride})}});
}

TEST_CASE("a residual network compiles to what it means", "[compiled]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 3, 13, 11});
  const ValueId stem = g.node("Relu", {conv(g, x, {16, 3, 3, 3}, 2)});
  const ValueId left = conv(g, g.node("Relu", {conv(g, stem, {16, 16, 3, 3})}), {16, 16, 1, 1});
  const ValueId sum = g.node("Relu", {g.node("Add", {left, stem})});
  const ValueId pooled = g.node("GlobalAveragePool", {sum});
  const ValueId flat = g.node("Flatten", {pooled});
  g.output(sum, "features");
  g.output(g.node("Gemm", {flat, g.random({16, 7}), g.random({7})}), "y");
  check_compiled(g);
}

TEST_CASE("channel counts that are no multiple of 4 keep their padding lanes apart", "[compiled]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3, 9, 9});
  const ValueId a = conv(g, x, {10, 3, 3, 3});
  const ValueId b = conv(g, x, {9, 3, 1, 1});
  // 0/0 would be written to padding lanes here and must not reach the next convolution.
  const ValueId ratio = g.node("Div", {a, g.node("Exp", {a})});
  const ValueId joined = g.node("Concat", {ratio, b, a}, {{"axis", int64_t{1}}});
  g.output(conv(g, joined, {6, 29, 3, 3}), "y");
  check_compiled(g);
}

TEST_CASE("values that are read long after keep their memory", "[compiled]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {5, 7});
  ValueId h = g.node("Relu", {x});
  const ValueId early = h;
  for (int i = 0; i < 6; ++i) h = g.node("Tanh", {g.node("Add", {h, g.random({7})})});
  g.output(h, "h");
  g.output(g.node("Mul", {h, early}), "y");
  g.output(g.node("Sub", {early, h}), "z");
  check_compiled(g);
}

TEST_CASE("aliases of inputs, outputs and constants", "[compiled]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 6});
  const ValueId folded = g.node("Reshape", {x, g.constant<int64_t>({2}, {3, 4})});
  g.output(folded, "alias of an input");
  const ValueId h = g.node("Relu", {folded});
  g.output(g.node("Reshape", {h, g.constant<int64_t>({1}, {-1})}), "alias of a step");
  // Written in place, unless h is still wanted as it was.
  g.output(g.node("Neg", {h}), "y");
  g.output(g.random({4}), "a constant");
  check_compiled(g);
}

TEST_CASE("shapes that change from run to run", "[compiled]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {kUnknownDim, kUnknownDim, 4});
  const ValueId shape = g.node("Shape", {x});
  const ValueId batch = g.node("Gather", {shape, g.constant<int64_t>({1}, {0})});
  const ValueId target =
      g.node("Concat", {batch, g.constant<int64_t>({1}, {-1})}, {{"axis", int64_t{0}}});
  const ValueId flat = g.node("Reshape", {g.node("Relu", {x}), target});
  g.output(g.node("Softmax", {flat}, {{"axis", int64_t{1}}}), "y");
  check_compiled(g, {{{2, 3, 4}}, {{1, 1, 4}}, {{5, 2, 4}}, {{3, 0, 4}}});
}

TEST_CASE("shapes that are only known while running", "[compiled]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {6});
  // The length of a Range depends on what x contains.
  const ValueId length = g.node("ReduceMax", {x}, {{"keepdims", int64_t{0}}});
  const ValueId steps = g.node("Range", {g.scalar(0.0f), length, g.scalar(0.125f)});
  g.output(g.node("Relu", {g.node("Sub", {steps, g.scalar(0.25f)})}), "y");
  g.output(g.node("Neg", {x}), "z");
  check_compiled(g);
}

TEST_CASE("a network of transposes", "[compiled]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 8, 5, 6});
  const ValueId h = conv(g, x, {8, 8, 3, 3});
  const ValueId rows = g.node("Transpose", {h}, {{"perm", ints({0, 2, 3, 1})}});
  const ValueId sharp = g.node("Mul", {rows, g.random({8})});
  const ValueId back = g.node("Transpose", {sharp}, {{"perm", ints({0, 3, 1, 2})}});
  g.output(conv(g, back, {4, 8, 1, 1}), "y");
  check_compiled(g);
}

}  // namespace
}  // namespace sardonyx::test
