// cancel_transpose, fuse_matmul_bias, remove_unused, and all passes together.
#include <catch2/catch_test_macros.hpp>

#include "engine/pass.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

TEST_CASE("cancel_transpose composes permutations", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3, 4, 5});
  const ValueId a = g.node("Transpose", {x}, {{"perm", ints({0, 2, 3, 1})}});
  const ValueId b = g.node("Transpose", {a}, {{"perm", ints({2, 0, 3, 1})}});
  g.output(b, "y");
  SECTION("only the last is read") {
    const auto graph = g.finish();
    const auto before = copy(*graph);
    CHECK(run_pass(*graph, "cancel_transpose"));
    CHECK(run_pass(*graph, "remove_unused"));
    CHECK(types(*graph) == "Transpose");
    check_equivalent(*before, *graph);
  }
  SECTION("the first is read too") {
    g.output(a, "a");
    const auto graph = g.finish();
    const auto before = copy(*graph);
    CHECK(run_pass(*graph, "cancel_transpose"));
    CHECK_FALSE(run_pass(*graph, "remove_unused"));
    CHECK(types(*graph) == "Transpose Transpose");
    check_equivalent(*before, *graph);
  }
}

TEST_CASE("two Transposes that undo each other vanish", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3, 4});
  // Without a permutation the axes are reversed.
  const ValueId y = g.node("Transpose", {g.node("Transpose", {g.node("Relu", {x})})});
  g.output(g.node("Neg", {y}), "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  REQUIRE(run_passes(*graph).ok());
  CHECK(types(*graph) == "Relu Neg");
  check_equivalent(*before, *graph);
}

TEST_CASE("fuse_matmul_bias makes a Gemm", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {3, 5});
  const ValueId product = g.node("MatMul", {x, g.random({5, 4})});
  ValueId y = kNoValue;
  SECTION("row") {
    y = g.node("Add", {product, g.random({4})});
  }
  SECTION("row with a leading 1") {
    y = g.node("Add", {g.random({1, 4}), product});
  }
  g.output(y, "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  CHECK(run_pass(*graph, "fuse_matmul_bias"));
  CHECK(types(*graph) == "Gemm");
  check_equivalent(*before, *graph);
}

TEST_CASE("fuse_matmul_bias makes a FusedMatMul of a stack, which takes an activation",
          "[passes]") {
  GraphBuilder g;
  const ValueId product = g.node("MatMul", {g.input("x", {2, 3, 5}), g.random({5, 4})});
  g.output(g.node("Gelu", {g.node("Add", {product, g.random({4})})}, {}, "com.microsoft"), "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  CHECK(run_pass(*graph, "fuse_matmul_bias"));
  CHECK(types(*graph) == "FusedMatMul Gelu");
  CHECK(run_pass(*graph, "fuse_activation"));
  CHECK(types(*graph) == "FusedMatMul");
  check_equivalent(*before, *graph);
}

TEST_CASE("fuse_matmul_bias leaves the rest", "[passes]") {
  GraphBuilder g;
  ValueId y = kNoValue;
  SECTION("a stack of matrices times one that is computed") {
    const ValueId product = g.node("MatMul", {g.input("x", {2, 3, 5}), g.input("w", {5, 4})});
    y = g.node("Add", {product, g.random({4})});
  }
  SECTION("two stacks of matrices") {
    const ValueId product = g.node("MatMul", {g.input("x", {2, 3, 5}), g.random({2, 5, 4})});
    y = g.node("Add", {product, g.random({4})});
  }
  SECTION("a column") {
    const ValueId product = g.node("MatMul", {g.input("x", {4, 5}), g.random({5, 4})});
    y = g.node("Add", {product, g.random({4, 1})});
  }
  SECTION("a bias that is fed") {
    const ValueId product = g.node("MatMul", {g.input("x", {3, 5}), g.random({5, 4})});
    y = g.node("Add", {product, g.input("bias", {4})});
  }
  g.output(y, "y");
  const auto graph = g.finish();
  CHECK_FALSE(run_pass(*graph, "fuse_matmul_bias"));
  CHECK(types(*graph) == "MatMul Add");
}

TEST_CASE("remove_unused removes nodes and payloads that nobody reads", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {4});
  const ValueId weight = g.constant<float>({4}, {1, 2, 3, 4});
  g.node("Neg", {g.node("Mul", {x, weight})});
  g.output(g.node("Relu", {x}), "y");
  const auto graph = g.finish();
  CHECK(run_pass(*graph, "remove_unused"));
  CHECK(types(*graph) == "Relu");
  CHECK(graph->values[weight].constant == nullptr);
  CHECK(graph->inputs.size() == 1);
  CHECK_FALSE(run_pass(*graph, "remove_unused"));
}

TEST_CASE("the passes stand nodes whose output is left out", "[passes]") {
  GraphBuilder g;
  const ValueId conv = g.node("Conv", {g.input("x", {1, 3, 4, 4}), g.random({2, 3, 1, 1})});
  const ValueId product = g.node("MatMul", {g.input("a", {3, 5}), g.random({5, 4})});
  SECTION("activation") {
    g.node("Relu", {conv});
  }
  SECTION("arithmetic") {
    g.node("Mul", {conv, g.random({2, 1, 1})});
  }
  SECTION("gated") {
    g.node("Mul", {conv, g.node("Sigmoid", {conv})});
  }
  SECTION("bias") {
    g.node("Add", {product, g.random({4})});
  }
  SECTION("identity") {
    g.node("Identity", {conv});
  }
  const auto graph = g.finish();
  graph->nodes.back().outputs[0] = kNoValue;
  for (const Pass& pass : all_passes()) run_pass(*graph, pass.name);
  CHECK(graph->nodes.empty());
}

TEST_CASE("the passes together", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 3, 8, 8});
  const ValueId conv = g.node("Conv", {x, g.random({8, 3, 3, 3})}, {{"pads", ints({1, 1, 1, 1})}});
  const ValueId norm = g.node("BatchNormalization", {conv, g.random({8}, 0.5f, 2.0f), g.random({8}),
                                                     g.random({8}), g.random({8}, 0.5f, 2.0f)});
  const ValueId silu = g.node("Mul", {norm, g.node("Sigmoid", {norm})});
  const ValueId batch = g.node("Gather", {g.node("Shape", {silu}), g.constant<int64_t>({1}, {0})});
  const ValueId target =
      g.node("Concat", {batch, g.constant<int64_t>({1}, {-1})}, {{"axis", int64_t{0}}});
  const ValueId flat = g.node("Reshape", {g.node("Dropout", {silu}), target});
  const ValueId product = g.node("MatMul", {flat, g.random({512, 10})});
  g.output(g.node("Relu", {g.node("Add", {product, g.random({10})})}), "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  REQUIRE(run_passes(*graph).ok());
  CHECK(types(*graph) == "FusedConv Reshape FusedGemm");
  check_equivalent(*before, *graph);
}

}  // namespace
}  // namespace sardonyx::test
