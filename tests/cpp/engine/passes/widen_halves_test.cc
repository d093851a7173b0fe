#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "engine/pass.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

ValueId cast(GraphBuilder& g, ValueId x, DType to) {
  return g.node("Cast", {x}, {{"to", static_cast<int64_t>(to)}});
}

// Whole numbers, so that float16 is exact for small sums of products.
ValueId whole(GraphBuilder& g, ValueId x) {
  return g.node("Round", {g.node("Mul", {x, g.scalar(4.0f)})});
}

ValueId half_input(GraphBuilder& g, const Shape& shape, DType dtype = DType::kFloat16) {
  return cast(g, whole(g, g.input("x", shape)), dtype);
}

// A constant once constants are folded.
ValueId half_weight(GraphBuilder& g, const Shape& shape, DType dtype = DType::kFloat16) {
  return cast(g, whole(g, g.random(shape)), dtype);
}

// The graph with y as float32 output, after the pass.
std::unique_ptr<Graph> widen(GraphBuilder& g, ValueId y) {
  g.output(cast(g, y, DType::kFloat32), "y");
  auto graph = g.finish();
  run_pass(*graph, "fold_constants");
  const auto before = copy(*graph);
  REQUIRE(run_pass(*graph, "widen_halves"));
  run_pass(*graph, "remove_unused");
  check_equivalent(*before, *graph);
  CHECK_FALSE(run_pass(*graph, "widen_halves"));
  return graph;
}

TEST_CASE("widen_halves leaves one Cast at each end of a chain", "[passes]") {
  for (DType dtype : {DType::kFloat16, DType::kBfloat16}) {
    GraphBuilder g;
    const ValueId x = half_input(g, {1, 3, 5, 6}, dtype);
    const ValueId weight = half_weight(g, {4, 3, 1, 1}, dtype);
    const ValueId y = g.node("Conv", {x, weight, half_weight(g, {4}, dtype)});
    const ValueId pooled =
        g.node("MaxPool", {g.node("Relu", {y})}, {{"kernel_shape", ints({2, 2})}});
    const auto graph = widen(g, g.node("Transpose", {pooled}));
    CHECK(types(*graph) == "Mul Round Cast Cast Conv Relu MaxPool Transpose Cast");
    REQUIRE(run_passes(*graph).ok());
    CHECK(types(*graph) == "Mul Round Cast Cast FusedConv MaxPool Transpose");
  }
}

TEST_CASE("widen_halves converts a weight once, and frees it", "[passes]") {
  GraphBuilder g;
  const ValueId x = half_input(g, {3, 4});
  const ValueId weight = half_weight(g, {4, 4});
  SECTION("two products") {
    const auto graph = widen(g, g.node("MatMul", {g.node("MatMul", {x, weight}), weight}));
    CHECK(types(*graph) == "Mul Round Cast Cast MatMul MatMul Cast");
    CHECK(graph->nodes[4].inputs[1] == graph->nodes[5].inputs[1]);
    CHECK_FALSE(graph->values[weight].constant);
  }
  SECTION("a table, which stays as it is, too") {
    const ValueId rows = g.node("Gather", {weight, g.node("ArgMax", {x})});
    const auto graph = widen(g, g.node("MatMul", {rows, weight}));
    CHECK(types(*graph) == "Mul Round Cast ArgMax Gather Cast MatMul Cast");
    CHECK(graph->values[weight].constant);
  }
}

TEST_CASE("widen_halves leaves movements of float16 and other operators alone", "[passes]") {
  GraphBuilder g;
  const ValueId x = half_input(g, {4, 4});
  SECTION("before anything is computed") {
    const auto graph = widen(g, g.node("Neg", {g.node("Transpose", {x})}));
    CHECK(types(*graph) == "Mul Round Cast Transpose Cast Neg Cast");
  }
  SECTION("a Concat of what is computed and what is not") {
    const ValueId moved = g.node("Transpose", {x});
    const auto graph =
        widen(g, g.node("Concat", {g.node("Neg", {x}), moved}, {{"axis", int64_t{0}}}));
    CHECK(types(*graph) == "Mul Round Cast Transpose Cast Neg Cast Concat Cast");
  }
  SECTION("Hardmax, behind which it goes on") {
    const auto graph = widen(g, g.node("Neg", {g.node("Hardmax", {g.node("Neg", {x})})}));
    CHECK(types(*graph) == "Mul Round Cast Cast Neg Cast Hardmax Cast Neg Cast");
  }
}

TEST_CASE("widen_halves keeps float16 outputs, and lets Shape read float32", "[passes]") {
  GraphBuilder g;
  const ValueId y = g.node("Neg", {half_input(g, {3, 4})});
  g.output(g.node("Shape", {y}), "shape");
  g.output(y, "y");
  const auto graph = g.finish();
  REQUIRE(run_pass(*graph, "widen_halves"));
  CHECK(types(*graph) == "Mul Round Cast Cast Neg Shape Cast");
  CHECK(graph->values[graph->outputs[1]].dtype == DType::kFloat16);
  CHECK(graph->values[only(*graph, "Shape").inputs[0]].dtype == DType::kFloat32);
}

// Outputs that differ where one of them was rounded to float16 in between.
void check_close(const Outputs& actual, const Outputs& expected) {
  float largest = 0, difference = 0;
  for (size_t i = 0; i < expected[0].size(); ++i) {
    largest = std::max(largest, std::fabs(expected[0][i]));
    difference = std::max(difference, std::fabs(actual[0][i] - expected[0][i]));
  }
  CHECK(difference < 2e-3f * largest);
}

// Two matrices of 2.5 MiB: enough to be kept.
struct LargeHalves {
  GraphBuilder g;
  ValueId first = half_weight(g, {1024, 1280}), second = half_weight(g, {1280, 1024});
  ValueId x = half_input(g, {3, 1024});
  std::ptrdiff_t kept = 0;  // matrices

  ValueId products() { return g.node("MatMul", {g.node("MatMul", {x, first}), second}); }
  void check(ValueId y) {
    g.output(cast(g, y, DType::kFloat32), "y");
    const auto graph = g.finish();
    run_pass(*graph, "fold_constants");
    const auto passed = copy(*graph);
    REQUIRE(run_passes(*passed).ok());
    kept = std::count_if(passed->values.begin(), passed->values.end(),
                         [](const Value& value) { return value.is_stored_half(); });
    check_close(run_compiled(*graph), interpret(*graph));
  }
};

TEST_CASE("widen_halves keeps large matrices as float16", "[passes]") {
  LargeHalves large;
  GraphBuilder& g = large.g;
  SECTION("products") {
    large.check(large.products());
    CHECK(large.kept == 2);
  }
  SECTION("with a bias and an activation") {
    const ValueId sum = g.node("Add", {large.products(), half_weight(g, {1024})});
    large.check(g.node("Relu", {sum}));
    CHECK(large.kept == 2);
  }
  SECTION("transposed, but not scaled") {
    const float alpha = GENERATE(1.0f, 0.5f);
    const ValueId y =
        g.node("Gemm", {large.x, large.second}, {{"transB", int64_t{1}}, {"alpha", alpha}});
    large.check(g.node("Add", {y, g.node("MatMul", {large.x, large.first})}));
    CHECK(large.kept == (alpha == 1.0f ? 2 : 1));
  }
  SECTION("not what others read too") {
    const ValueId columns = g.node("ReduceMax", {large.second}, {{"axes", ints({0})}});
    large.check(g.node("Add", {large.products(), columns}));
    CHECK(large.kept == 2);
  }
  SECTION("nor what has infinities") {
    const ValueId infinite =
        cast(g, g.constant<float>({1024, 2}, std::vector<float>(2048, 1e9f)), DType::kFloat16);
    const ValueId positive = g.node("Exp", {large.x});
    const ValueId most = cast(g, g.scalar(4.0f), DType::kFloat16);
    const ValueId clipped = g.node("Min", {g.node("MatMul", {positive, infinite}), most});
    large.check(g.node("Concat", {clipped, large.products()}, {{"axis", int64_t{1}}}));
    CHECK(large.kept == 2);
  }
}

TEST_CASE("the body of a Loop reads a large matrix of float16 from around it", "[passes]") {
  const auto run = [](bool loop) {
    GraphBuilder g;
    const ValueId eighth = cast(g, g.scalar(0.125f), DType::kFloat16);
    const ValueId weight = g.node("Mul", {half_weight(g, {1536, 1536}), eighth});
    const ValueId x = half_input(g, {2, 1536});
    ValueId y = kNoValue;
    if (loop) {
      GraphBuilder body;
      body.untyped_input("i");
      const ValueId condition = body.untyped_input("cond"), carried = body.untyped_input("v");
      body.output(condition);
      body.output(body.node("MatMul", {carried, body.capture("weight")}), "next");
      y = g.nodes("Loop", {g.scalar<int64_t>(2), kNoValue, x, weight}, 1,
                  {{"body", body.body()}})[0];
    } else {
      y = g.node("MatMul", {g.node("MatMul", {x, weight}), weight});
    }
    g.output(cast(g, y, DType::kFloat32), "y");
    return run_compiled(*g.finish());
  };
  check_close(run(true), run(false));
}

TEST_CASE("widen_halves has nothing to do with float32", "[passes]") {
  GraphBuilder g;
  g.output(g.node("Relu", {g.input("x", {2, 3})}), "y");
  CHECK_FALSE(run_pass(*g.finish(), "widen_halves"));
}

}  // namespace
}  // namespace sardonyx::test
