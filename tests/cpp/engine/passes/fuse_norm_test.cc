#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

void fuse(GraphBuilder& g, ValueId y, const std::string& expected_types) {
  g.output(y, "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  run_pass(*graph, "fuse_norm");
  run_pass(*graph, "remove_unused");
  CHECK(types(*graph) == expected_types);
  check_equivalent(*before, *graph);
}

ValueId mean(GraphBuilder& g, ValueId x, int64_t axis = -1) {
  return g.node("ReduceMean", {x}, {{"axes", ints({axis})}, {"keepdims", int64_t{1}}});
}
// sqrt(mean(d²) + ε).
ValueId root(GraphBuilder& g, ValueId d, int64_t axis = -1) {
  const ValueId square = g.node("Pow", {d, g.scalar(2.0f)});
  return g.node("Sqrt", {g.node("Add", {mean(g, square, axis), g.scalar(1e-3f)})});
}

}  // namespace

TEST_CASE("fuse_norm: LayerNormalization", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 5, 8});
  const ValueId d = g.node("Sub", {x, mean(g, x)});
  const ValueId normal = g.node("Div", {d, root(g, d)});
  const ValueId scaled = g.node("Mul", {normal, g.random({8})});
  SECTION("with a bias") {
    fuse(g, g.node("Add", {scaled, g.random({8})}), "LayerNormalization");
  }
  SECTION("with a bias first, of one number") {
    fuse(g, g.node("Add", {g.scalar(0.5f), scaled}), "LayerNormalization");
  }
  SECTION("without") {
    fuse(g, scaled, "LayerNormalization");
  }
  SECTION("the bias is a matrix, which is added") {
    fuse(g, g.node("Add", {scaled, g.random({5, 8})}), "LayerNormalization Add");
  }
  SECTION("what is scaled has another reader") {
    g.output(scaled, "scaled");
    fuse(g, g.node("Add", {scaled, g.random({8})}), "LayerNormalization Add");
  }
}

TEST_CASE("fuse_norm: RMSNormalization", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 5, 8});
  const ValueId scale = g.random({8});
  SECTION("a quotient") {
    fuse(g, g.node("Mul", {scale, g.node("Div", {x, root(g, x)})}), "RMSNormalization");
  }
  SECTION("a product with one over the root") {
    const ValueId inverse = g.node("Div", {g.scalar(1.0f), root(g, x)});
    fuse(g, g.node("Mul", {scale, g.node("Mul", {x, inverse})}), "RMSNormalization");
  }
  SECTION("a product with the reciprocal, the square a product") {
    const ValueId sum = g.node("Add", {mean(g, g.node("Mul", {x, x}), 2), g.scalar(1e-3f)});
    const ValueId inverse = g.node("Reciprocal", {g.node("Sqrt", {sum})});
    fuse(g, g.node("Mul", {g.node("Mul", {inverse, x}), scale}), "RMSNormalization");
  }
}

TEST_CASE("fuse_norm leaves what differs", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 8, 8});
  const ValueId d = g.node("Sub", {x, mean(g, x)});
  SECTION("another axis") {
    const ValueId normal = g.node("Div", {x, root(g, x, 1)});
    fuse(g, g.node("Mul", {normal, g.random({8})}), "Pow ReduceMean Add Sqrt Div Mul");
  }
  SECTION("the root of something else") {
    const ValueId normal = g.node("Div", {x, root(g, d)});
    fuse(g, g.node("Mul", {normal, g.random({8})}),
         "ReduceMean Sub Pow ReduceMean Add Sqrt Div Mul");
  }
  SECTION("a scale for each row") {
    const ValueId normal = g.node("Div", {x, root(g, x)});
    fuse(g, g.node("Mul", {normal, g.random({8, 1})}), "Pow ReduceMean Add Sqrt Div Mul");
  }
  SECTION("a scale that is computed") {
    const ValueId normal = g.node("Div", {x, root(g, x)});
    fuse(g, g.node("Mul", {normal, g.input("scale", {8})}), "Pow ReduceMean Add Sqrt Div Mul");
  }
  SECTION("another power") {
    const ValueId cube = mean(g, g.node("Pow", {x, g.scalar(4.0f)}));
    const ValueId below = g.node("Sqrt", {g.node("Add", {cube, g.scalar(1.0f)})});
    fuse(g, g.node("Mul", {g.node("Div", {x, below}), g.random({8})}),
         "Pow ReduceMean Add Sqrt Div Mul");
  }
}

}  // namespace sardonyx::test
