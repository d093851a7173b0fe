#include <catch2/catch_test_macros.hpp>
#include <limits>

#include "tests/cpp/engine/control_run.h"

namespace sardonyx::test {
namespace {

constexpr int64_t kMany = std::numeric_limits<int64_t>::max();

// The inputs of every body of a Loop.
struct LoopBody {
  GraphBuilder g;
  ValueId iteration = g.untyped_input("i");
  ValueId condition = g.untyped_input("cond");
};

}  // namespace

TEST_CASE("Loop carries values and stacks scan outputs") {
  GraphBuilder g;
  const ValueId count = g.input("count", {}, DType::kInt64);
  const ValueId x = g.input("x", {2});
  LoopBody body;
  const ValueId sum = body.g.untyped_input("sum");
  const ValueId step = body.g.capture("x");
  const ValueId next = body.g.node("Add", {sum, step});
  body.g.output(body.condition);
  body.g.output(next, "next");
  body.g.output(body.g.node("Neg", {next}), "scan");
  body.g.output(body.iteration);
  const auto out = g.nodes("Loop", {count, kNoValue, g.constant<float>({2}, {10, 20}), x}, 3,
                           {{"body", body.g.body()}});
  for (ValueId id : out) g.output(id);
  Model model(g);
  for (const double budget : {0.0, 1e-6}) {
    model.run({ints_feed({}, {3}), floats_feed({2}, {1, 2})}, budget);
    CHECK(model.floats(0) == std::vector<float>{13, 26});
    CHECK(model.shape(1) == Shape{3, 2});
    CHECK(model.floats(1) == std::vector<float>{-11, -22, -12, -24, -13, -26});
    CHECK(model.ints(2) == std::vector<int64_t>{0, 1, 2});
  }
  model.run({ints_feed({}, {0}), floats_feed({2}, {1, 2})});
  CHECK(model.floats(0) == std::vector<float>{10, 20});
  CHECK(model.shape(1).elements() == 0);
  CHECK(model.shape(2) == Shape{0});
}

TEST_CASE("a Loop ends when its body says so") {
  GraphBuilder g;
  const ValueId limit = g.input("limit", {}, DType::kInt64);
  LoopBody body;
  const ValueId doubled = body.g.untyped_input("v");
  const ValueId next = body.g.node("Add", {doubled, doubled});
  body.g.output(body.g.node("Less", {next, body.g.capture("limit")}), "go_on");
  body.g.output(next, "next");
  g.output(g.nodes("Loop", {kNoValue, g.boolean(true), g.scalar<int64_t>(1), limit}, 1,
                   {{"body", body.g.body()}})[0]);
  Model model(g);
  model.run({ints_feed({}, {1000})});
  CHECK(model.ints(0) == std::vector<int64_t>{1024});
  model.run({ints_feed({}, {2})});
  CHECK(model.ints(0) == std::vector<int64_t>{2});
}

TEST_CASE("carried values may change places, grow, and come out of the body as they went in") {
  GraphBuilder g;
  const ValueId count = g.input("count", {1}, DType::kInt64);
  const ValueId x = g.input("x", {1});
  LoopBody body;
  const ValueId a = body.g.untyped_input("a");
  const ValueId b = body.g.untyped_input("b");
  const ValueId list = body.g.untyped_input("list");
  body.g.output(body.condition);
  body.g.output(b);
  body.g.output(a);
  body.g.output(body.g.node("Concat", {list, a}, {{"axis", int64_t{0}}}), "longer");
  const auto out =
      g.nodes("Loop", {count, kNoValue, x, g.node("Neg", {x}), x}, 3, {{"body", body.g.body()}});
  for (ValueId id : out) g.output(id);
  Model model(g);
  model.run({ints_feed({1}, {5}), floats_feed({1}, {3})});
  CHECK(model.floats(0) == std::vector<float>{-3});
  CHECK(model.floats(1) == std::vector<float>{3});
  CHECK(model.floats(2) == std::vector<float>{3, 3, -3, 3, -3, 3});
}

TEST_CASE("loops within loops keep what each has made") {
  GraphBuilder g;
  const ValueId count = g.input("count", {}, DType::kInt64);
  LoopBody outer, inner;
  const ValueId row = inner.g.capture("i_outer");
  const ValueId carried = inner.g.untyped_input("unused");
  (void)carried;
  GraphBuilder& in = inner.g;
  in.output(inner.condition);
  in.output(in.node("Mul", {row, inner.iteration}), "product");
  // The capture comes after all inputs.
  auto inner_body = std::get<std::shared_ptr<Graph>>(in.body());
  std::erase(inner_body->inputs, carried);
  const ValueId n = outer.g.capture("count");
  outer.g.output(outer.condition);
  outer.g.output(
      outer.g.nodes("Loop", {n, kNoValue, outer.iteration}, 1, {{"body", inner_body}})[0],
      "products");
  g.output(g.nodes("Loop", {count, kNoValue, count}, 1, {{"body", outer.g.body()}})[0]);
  Model model(g);
  model.run({ints_feed({}, {3})});
  CHECK(model.shape(0) == Shape{3, 3});
  CHECK(model.ints(0) == std::vector<int64_t>{0, 0, 0, 0, 1, 2, 0, 2, 4});
  model.run({ints_feed({}, {2})}, 1e-6);
  CHECK(model.ints(0) == std::vector<int64_t>{0, 0, 0, 1});
}

TEST_CASE("a Loop that never ends gives way, and the next run works") {
  GraphBuilder g;
  const ValueId count = g.input("count", {}, DType::kInt64);
  LoopBody body;
  const ValueId v = body.g.untyped_input("v");
  body.g.output(body.condition);
  body.g.output(v);
  g.output(g.nodes("Loop", {count, kNoValue, g.scalar<float>(1)}, 1, {{"body", body.g.body()}})[0]);
  Model model(g);
  Run& run = model.state();
  int64_t forever = kMany;
  REQUIRE(run.set_input(0, {DType::kInt64, Layout::kRowMajor, {}, &forever}, 8).ok());
  REQUIRE(run.start().ok());
  for (int i = 0; i < 20; ++i) REQUIRE(run.advance(1).value() == Run::State::kYield);
  run.reset();
  model.run({ints_feed({}, {2})});
  CHECK(model.floats(0) == std::vector<float>{1});
}

TEST_CASE("bodies are optimized, and constants around them are theirs") {
  GraphBuilder g;
  const ValueId count = g.input("count", {}, DType::kInt64);
  const ValueId folded = g.node("Add", {g.scalar<float>(1), g.scalar<float>(2)});
  const ValueId unused = g.node("Neg", {g.input("x", {2})});
  LoopBody body;
  const ValueId v = body.g.untyped_input("v");
  const ValueId three = body.g.capture("three");
  body.g.capture("unused");
  const ValueId nine = body.g.node("Mul", {three, three});
  body.g.output(body.g.node("Identity", {body.condition}), "go_on");
  body.g.output(body.g.node("Add", {v, nine}), "next");
  g.output(g.nodes("Loop", {count, kNoValue, g.scalar<float>(0), folded, unused}, 1,
                   {{"body", body.g.body()}})[0]);
  Model model(g);
  CHECK(types(model.session().graph()) == "Loop");
  const Node& loop = only(model.session().graph(), "Loop");
  CHECK(loop.inputs.size() == 3);
  CHECK(types(*bodies_of(loop)[0].graph) == "Identity Add");
  model.run({ints_feed({}, {2}), floats_feed({2}, {0, 0})});
  CHECK(model.floats(0) == std::vector<float>{18});
}

}  // namespace sardonyx::test
