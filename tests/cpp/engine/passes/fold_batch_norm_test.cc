#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

ValueId batch_norm(GraphBuilder& g, ValueId x, int64_t channels, AttributeList attributes = {}) {
  return g.node("BatchNormalization",
                {x, g.random({channels}, 0.5f, 2.0f), g.random({channels}), g.random({channels}),
                 g.random({channels}, 0.1f, 3.0f)},
                std::move(attributes));
}

// The operators after the pass; the graph must compute the same as before.
std::string fold(GraphBuilder& g, ValueId y, bool expect_change = true) {
  g.output(y, "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  CHECK(run_pass(*graph, "fold_batch_norm") == expect_change);
  check_equivalent(*before, *graph);
  CHECK(graph->values[graph->outputs.back()].name == "y");
  return types(*graph);
}

TEST_CASE("fold_batch_norm folds into Conv", "[passes]") {
  const bool bias = GENERATE(false, true);
  const int64_t groups = GENERATE(1, 3);
  CAPTURE(bias, groups);
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 6, 5, 7});
  std::vector<ValueId> inputs{x, g.random({9, 6 / groups, 3, 3})};
  if (bias) inputs.push_back(g.random({9}));
  const ValueId conv = g.node("Conv", inputs, {{"group", groups}, {"pads", ints({1, 1, 1, 1})}});
  CHECK(fold(g, batch_norm(g, conv, 9, {{"epsilon", 0.01f}})) == "Conv");
}

TEST_CASE("fold_batch_norm folds into ConvTranspose", "[passes]") {
  const bool bias = GENERATE(false, true);
  const int64_t groups = GENERATE(1, 3);
  CAPTURE(bias, groups);
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 6, 5, 7});
  std::vector<ValueId> inputs{x, g.random({6, 9 / groups, 3, 2})};
  if (bias) inputs.push_back(g.random({9}));
  const ValueId conv = g.node("ConvTranspose", inputs, {{"group", groups}});
  const ValueId shifted = g.node("Add", {conv, g.random({1, 9, 1, 1})});
  CHECK(fold(g, batch_norm(g, shifted, 9)) == "ConvTranspose");
}

TEST_CASE("fold_batch_norm folds into Gemm", "[passes]") {
  const int64_t transposed = GENERATE(0, 1);
  const int bias_rank = GENERATE(-1, 0, 1, 2);
  CAPTURE(transposed, bias_rank);
  GraphBuilder g;
  const ValueId x = g.input("x", {3, 5});
  std::vector<ValueId> inputs{x, g.random(transposed ? Shape{4, 5} : Shape{5, 4})};
  if (bias_rank == 0) inputs.push_back(g.scalar(0.75f));
  if (bias_rank == 1) inputs.push_back(g.random({4}));
  if (bias_rank == 2) inputs.push_back(g.random({1, 4}));
  const ValueId gemm =
      g.node("Gemm", inputs, {{"transB", transposed}, {"alpha", 0.5f}, {"beta", 2.0f}});
  CHECK(fold(g, batch_norm(g, gemm, 4)) == "Gemm");
}

TEST_CASE("fold_batch_norm folds arithmetic with constants per channel", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3, 4, 4});
  const ValueId conv = g.node("Conv", {x, g.random({5, 3, 1, 1}), g.random({5})});
  ValueId y = kNoValue;
  SECTION("Add") {
    y = g.node("Add", {conv, g.random({5, 1, 1})});
  }
  SECTION("Add, constant first") {
    y = g.node("Add", {g.random({1, 5, 1, 1}), conv});
  }
  SECTION("Sub") {
    y = g.node("Sub", {conv, g.random({5, 1, 1})});
  }
  SECTION("Sub, constant first") {
    y = g.node("Sub", {g.random({5, 1, 1}), conv});
  }
  SECTION("Mul") {
    y = g.node("Mul", {conv, g.random({5, 1, 1})});
  }
  SECTION("Mul by a scalar") {
    y = g.node("Mul", {conv, g.scalar(3.0f)});
  }
  SECTION("Div") {
    y = g.node("Div", {conv, g.random({5, 1, 1}, 1.0f, 2.0f)});
  }
  SECTION("a chain") {
    const ValueId scaled = g.node("Mul", {batch_norm(g, conv, 5), g.random({5, 1, 1})});
    y = g.node("Add", {scaled, g.random({5, 1, 1})});
  }
  CHECK(fold(g, y) == "Conv");
}

TEST_CASE("fold_batch_norm leaves what it can not express", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3, 4, 5});
  const ValueId conv = g.node("Conv", {x, g.random({5, 3, 1, 1})});
  SECTION("another reader of the convolution") {
    g.output(g.node("Relu", {conv}), "z");
    CHECK(fold(g, batch_norm(g, conv, 5), false) == "Conv Relu BatchNormalization");
  }
  SECTION("a convolution that is a graph output") {
    g.output(conv, "z");
    CHECK(fold(g, batch_norm(g, conv, 5), false) == "Conv BatchNormalization");
  }
  SECTION("a constant per column") {
    CHECK(fold(g, g.node("Add", {conv, g.random({5})}), false) == "Conv Add");
  }
  SECTION("a constant that adds an axis") {
    CHECK(fold(g, g.node("Add", {conv, g.random({1, 1, 5, 1, 1})}), false) == "Conv Add");
  }
  SECTION("a constant that broadcasts the batch") {
    CHECK(fold(g, g.node("Add", {conv, g.random({2, 1, 1, 1})}), false) == "Conv Add");
  }
  SECTION("division of a constant") {
    CHECK(fold(g, g.node("Div", {g.random({5, 1, 1}), conv}), false) == "Conv Div");
  }
}

TEST_CASE("fold_batch_norm leaves scales that are not finite", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 3, 4, 5});
  const ValueId conv = g.node("Conv", {x, g.random({2, 3, 1, 1})});
  g.output(g.node("Div", {conv, g.constant<float>({2, 1, 1}, {1, 0})}), "y");
  const auto graph = g.finish();
  CHECK_FALSE(run_pass(*graph, "fold_batch_norm"));
}

TEST_CASE("fold_batch_norm copies weights that others read", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 3, 4, 4});
  const ValueId weights = g.random({3, 3, 1, 1});
  const ValueId a = batch_norm(g, g.node("Conv", {x, weights}), 3);
  const ValueId b = g.node("Conv", {a, weights});
  CHECK(fold(g, b) == "Conv Conv");
}

}  // namespace
}  // namespace sardonyx::test
