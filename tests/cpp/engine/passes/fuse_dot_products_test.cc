#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

void fuse(GraphBuilder& g, ValueId y, const std::string& expected_types) {
  g.output(y, "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  run_pass(*graph, "fuse_dot_products");
  CHECK(types(*graph) == expected_types);
  check_equivalent(*before, *graph);
}

ValueId sum(GraphBuilder& g, ValueId x, int64_t axis, int64_t keepdims) {
  return g.node("ReduceSum", {x, g.constant<int64_t>({1}, {axis})}, {{"keepdims", keepdims}});
}

TEST_CASE("fuse_dot_products makes a MatMul of rows times a row", "[passes]") {
  GraphBuilder g;
  const ValueId rows = g.input("rows", {3, 2, 5, 7});
  SECTION("batches alike") {
    const ValueId row = g.input("row", {3, 2, 1, 7});
    fuse(g, sum(g, g.node("Mul", {rows, row}), -1, 0), "Reshape MatMul Reshape");
  }
  SECTION("the row first, its batches repeat, the axis stays") {
    const ValueId row = g.input("row", {1, 2, 1, 7});
    fuse(g, sum(g, g.node("Mul", {row, rows}), 3, 1), "Reshape MatMul Reshape");
  }
  SECTION("the batches of the rows repeat") {
    const ValueId row = g.input("row", {3, 4, 1, 7});
    const ValueId few = g.input("few", {1, 1, 5, 7});
    g.output(g.node("Neg", {rows}), "z");
    fuse(g, sum(g, g.node("Mul", {few, row}), -1, 0), "Neg Reshape MatMul Reshape");
  }
}

TEST_CASE("fuse_dot_products reads axes that are an attribute", "[passes]") {
  GraphBuilder g(11);
  const ValueId product = g.node("Mul", {g.input("rows", {4, 6}), g.input("row", {1, 6})});
  fuse(g, g.node("ReduceSum", {product}, {{"axes", ints({1})}, {"keepdims", int64_t{0}}}),
       "Reshape MatMul Reshape");
}

TEST_CASE("fuse_dot_products leaves other sums", "[passes]") {
  GraphBuilder g;
  const ValueId rows = g.input("rows", {3, 2, 5, 7});
  const ValueId row = g.input("row", {3, 2, 1, 7});
  SECTION("another axis") {
    fuse(g, sum(g, g.node("Mul", {rows, row}), 2, 0), "Mul ReduceSum");
  }
  SECTION("as many rows on both sides") {
    fuse(g, sum(g, g.node("Mul", {rows, g.node("Exp", {rows})}), -1, 0), "Exp Mul ReduceSum");
  }
  SECTION("another reader of the products") {
    const ValueId product = g.node("Mul", {rows, row});
    g.output(product, "product");
    fuse(g, sum(g, product, -1, 0), "Mul ReduceSum");
  }
  SECTION("one factor for each row") {
    fuse(g, sum(g, g.node("Mul", {rows, g.random({3, 2, 1, 1})}), -1, 0), "Mul ReduceSum");
  }
}

TEST_CASE("fuse_dot_products leaves dims that are not known", "[passes]") {
  GraphBuilder g;
  const ValueId product =
      g.node("Mul", {g.input("rows", {kUnknownDim, 5, 7}), g.input("row", {1, 1, 7})});
  g.output(sum(g, product, -1, 0), "y");
  CHECK_FALSE(run_pass(*g.finish(), "fuse_dot_products"));
}

}  // namespace
}  // namespace sardonyx::test
