#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/engine/control_run.h"

namespace sardonyx::test {
namespace {

// x + x, or the absolute values of x in another shape.
ValueId choose(GraphBuilder& g, ValueId condition, ValueId x) {
  GraphBuilder then_body, else_body;
  const ValueId a = then_body.capture("x");
  then_body.output(then_body.node("Add", {a, a}), "sum");
  const ValueId b = else_body.capture("x");
  const ValueId flat = else_body.node("Abs", {b});
  else_body.output(else_body.node("Reshape", {flat, else_body.constant<int64_t>({2}, {-1, 1})}),
                   "flat");
  return g.node("If", {condition, x, x},
                {{"then_branch", then_body.body()}, {"else_branch", else_body.body()}});
}

}  // namespace

TEST_CASE("If runs the branch of its condition, whatever shape that gives") {
  GraphBuilder g;
  const ValueId condition = g.input("c", {}, DType::kBool);
  const ValueId x = g.input("x", {kUnknownDim});
  const ValueId y = choose(g, condition, g.node("Neg", {x}));
  g.output(y, "y");
  g.output(g.node("Relu", {y}), "z");
  Model model(g);
  for (int i = 0; i < 3; ++i) {
    model.run({bool_feed(true), floats_feed({3}, {1, -2, 3})});
    CHECK(model.floats(0) == std::vector<float>{-2, 4, -6});
    CHECK(model.floats(1) == std::vector<float>{0, 4, 0});
    model.run({bool_feed(false), floats_feed({2}, {1, -2})});
    CHECK(model.shape(1) == Shape{2, 1});
    CHECK(model.floats(1) == std::vector<float>{1, 2});
    model.run({bool_feed(false), floats_feed({0}, {})});
    CHECK(model.shape(1) == Shape{0, 1});
  }
}

TEST_CASE("branches hand on constants and what they capture") {
  GraphBuilder g;
  const ValueId condition = g.input("c", {}, DType::kBool);
  const ValueId x = g.input("x", {2});
  GraphBuilder then_body, else_body;
  then_body.output(then_body.capture("x"));
  else_body.output(else_body.constant<float>({2}, {7, 8}));
  const ValueId y = g.node("If", {condition, x},
                           {{"then_branch", then_body.body()}, {"else_branch", else_body.body()}});
  g.output(y, "y");
  g.output(g.node("Neg", {y}), "z");
  Model model(g);
  model.run({bool_feed(true), floats_feed({2}, {1, 2})});
  CHECK(model.floats(0) == std::vector<float>{1, 2});
  CHECK(model.floats(1) == std::vector<float>{-1, -2});
  model.run({bool_feed(false), floats_feed({2}, {1, 2})});
  CHECK(model.floats(0) == std::vector<float>{7, 8});
}

TEST_CASE("an If may be the body of an If, and read what is around both") {
  GraphBuilder g;
  const ValueId outer = g.input("outer", {}, DType::kBool);
  const ValueId inner = g.input("inner", {}, DType::kBool);
  const ValueId x = g.input("x", {kUnknownDim});
  GraphBuilder then_body, else_body;
  const ValueId c = then_body.capture("inner");
  const ValueId v = then_body.capture("x");
  then_body.output(then_body.node("Neg", {choose(then_body, c, v)}), "y");
  const ValueId w = else_body.capture("x");
  else_body.output(else_body.node("Exp", {w}), "y");
  g.output(g.node("If", {outer, inner, x, x},
                  {{"then_branch", then_body.body()}, {"else_branch", else_body.body()}}),
           "y");
  Model model(g);
  const Feed data = floats_feed({2}, {-1, 0});
  model.run({bool_feed(true), bool_feed(true), data});
  CHECK(model.floats(0) == std::vector<float>{2, 0});
  model.run({bool_feed(true), bool_feed(false), data});
  CHECK(model.floats(0) == std::vector<float>{-1, 0});
  CHECK(model.shape(0) == Shape{2, 1});
  model.run({bool_feed(false), bool_feed(false), data});
  CHECK(model.floats(0)[1] == 1);
}

TEST_CASE("an If with a constant condition becomes the nodes of its branch") {
  for (const bool condition : {true, false}) {
    GraphBuilder g;
    const ValueId x = g.input("x", {3});
    g.output(choose(g, g.boolean(condition), x), "y");
    Model model(g);
    const std::string expected = condition ? "Add" : "Abs Reshape";
    CHECK(types(model.session().graph()) == expected);
    model.run({floats_feed({3}, {1, -2, 3})});
    CHECK(model.floats(0) ==
          (condition ? std::vector<float>{2, -4, 6} : std::vector<float>{1, 2, 3}));
  }
}

TEST_CASE("a branch that does not fit the shapes is an error only when it is taken") {
  GraphBuilder g;
  const ValueId condition = g.input("c", {}, DType::kBool);
  const ValueId x = g.input("x", {2, 3});
  GraphBuilder then_body, else_body;
  const ValueId a = then_body.capture("x");
  then_body.output(then_body.node("Squeeze", {a, then_body.constant<int64_t>({1}, {1})}), "y");
  const ValueId b = else_body.capture("x");
  else_body.output(else_body.node("Neg", {b}), "y");
  g.output(g.node("If", {condition, x, x},
                  {{"then_branch", then_body.body()}, {"else_branch", else_body.body()}}),
           "y");
  Model model(g);
  const Feed data = floats_feed({2, 3}, {1, 2, 3, 4, 5, 6});
  model.run({bool_feed(false), data});
  CHECK(model.floats(0)[5] == -6);
  const Status status = model.failure({bool_feed(true), data});
  CHECK(status.op() == "Squeeze");
  CHECK(std::string(status.message()).ends_with("in the then_branch of If 'If0'"));
  model.run({bool_feed(false), data});
}

TEST_CASE("segments behind an If are bound once per shape") {
  GraphBuilder g;
  const ValueId condition = g.input("c", {}, DType::kBool);
  ValueId x = g.input("x", {kUnknownDim});
  for (int i = 0; i < 5; ++i) x = g.node("Relu", {choose(g, condition, x)});
  g.output(x, "y");
  Model model(g);
  const auto bound = [&](bool c) {
    model.run({bool_feed(c), floats_feed({2}, {1, 2})});
    return model.state().segments();
  };
  const auto first = bound(true);
  CHECK(first.size() == 6);
  CHECK(bound(false) != first);
  CHECK(bound(true) == first);
  CHECK(model.floats(0) == std::vector<float>{32, 64});
}

}  // namespace sardonyx::test
