#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

// Runs the pass on x → (node) → Relu → output and returns the operators that are left.
std::string after_pass(GraphBuilder& g, ValueId result) {
  g.output(g.node("Relu", {result}), "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  run_pass(*graph, "remove_identity");
  check_equivalent(*before, *graph);
  return types(*graph);
}

TEST_CASE("remove_identity removes nodes that change nothing", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3, 4});
  ValueId y = kNoValue;
  SECTION("Identity") {
    y = g.node("Identity", {x});
  }
  SECTION("Dropout") {
    y = g.node("Dropout", {x});
  }
  SECTION("Dropout not in training") {
    y = g.node("Dropout", {x, kNoValue, g.boolean(false)});
  }
  SECTION("Cast to the same type") {
    y = g.node("Cast", {x}, {{"to", int64_t{1}}});
  }
  SECTION("Transpose that keeps the order") {
    y = g.node("Transpose", {x}, {{"perm", ints({0, 1, 2})}});
  }
  SECTION("Transpose of axes with one element") {
    const ValueId one = g.input("one", {1, 5, 1, 3});
    const ValueId swapped = g.node("Transpose", {one}, {{"perm", ints({2, 1, 0, 3})}});
    g.output(g.node("Neg", {swapped}), "z");
    y = x;
    CHECK(after_pass(g, y) == "Neg Relu");
    return;
  }
  SECTION("Pad by nothing") {
    y = g.node("Pad", {x, g.constant<int64_t>({6}, {0, 0, 0, 0, 0, 0})});
  }
  SECTION("Slice of everything") {
    y = g.node("Slice", {x, g.constant<int64_t>({1}, {0}), g.constant<int64_t>({1}, {INT64_MAX})});
  }
  SECTION("Reshape to the same shape") {
    y = g.node("Reshape", {x, g.constant<int64_t>({3}, {2, -1, 4})});
  }
  SECTION("Concat of one") {
    y = g.node("Concat", {x}, {{"axis", int64_t{1}}});
  }
  SECTION("a chain") {
    y = g.node("Identity", {g.node("Identity", {g.node("Identity", {x})})});
  }
  CHECK(after_pass(g, y) == "Relu");
}

TEST_CASE("remove_identity keeps nodes that change something", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 2, 4});
  SECTION("Transpose of equal dims") {
    const ValueId y = g.node("Transpose", {x}, {{"perm", ints({1, 0, 2})}});
    CHECK(after_pass(g, y) == "Transpose Relu");
  }
  SECTION("Transpose that moves an axis of one element past another") {
    const ValueId one = g.input("one", {1, 5, 1, 5});
    const ValueId y = g.node("Transpose", {one}, {{"perm", ints({0, 3, 2, 1})}});
    g.output(g.node("Neg", {y}), "z");
    CHECK(after_pass(g, x) == "Transpose Neg Relu");
  }
  SECTION("Slice backwards") {
    const ValueId y =
        g.node("Slice", {x, g.constant<int64_t>({1}, {-1}), g.constant<int64_t>({1}, {INT64_MIN}),
                         g.constant<int64_t>({1}, {0}), g.constant<int64_t>({1}, {-1})});
    CHECK(after_pass(g, y) == "Slice Relu");
  }
  SECTION("Reshape to another shape") {
    const ValueId y = g.node("Reshape", {x, g.constant<int64_t>({2}, {4, 4})});
    CHECK(after_pass(g, y) == "Reshape Relu");
  }
  SECTION("Pad that shifts") {
    const ValueId y = g.node("Pad", {x, g.constant<int64_t>({6}, {0, 0, 1, 0, 0, -1})});
    CHECK(after_pass(g, y) == "Pad Relu");
  }
}

TEST_CASE("remove_identity keeps the names of graph outputs", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {4});
  const ValueId h = g.node("Relu", {x});
  SECTION("the producer takes over the name") {
    const ValueId y = g.node("Identity", {h});
    const ValueId z = g.node("Neg", {h});
    g.output(y, "y");
    g.output(z, "z");
    const auto graph = g.finish();
    const auto before = copy(*graph);
    CHECK(run_pass(*graph, "remove_identity"));
    CHECK(types(*graph) == "Relu Neg");
    CHECK(graph->values[graph->outputs[0]].name == "y");
    CHECK(graph->values[graph->outputs[1]].name == "z");
    check_equivalent(*before, *graph);
  }
  SECTION("two names for one value") {
    g.output(h, "h");
    g.output(g.node("Identity", {h}), "y");
    const auto graph = g.finish();
    CHECK_FALSE(run_pass(*graph, "remove_identity"));
    CHECK(types(*graph) == "Relu Identity");
  }
  SECTION("an input that is handed on") {
    g.output(g.node("Identity", {x}), "y");
    const auto graph = g.finish();
    CHECK_FALSE(run_pass(*graph, "remove_identity"));
    CHECK(types(*graph) == "Relu Identity");
  }
}

}  // namespace
}  // namespace sardonyx::test
