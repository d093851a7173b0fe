#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "tests/cpp/engine/control_run.h"

namespace sardonyx::test {
namespace {

struct LoopParts {
  GraphBuilder g, body;
  ValueId count = g.input("count", {}, DType::kInt64);
  ValueId x = g.input("x", {4});
  ValueId i = body.untyped_input("i");
  ValueId condition = body.untyped_input("cond");
  ValueId v = body.untyped_input("v");

  void finish(std::vector<ValueId> inputs, size_t outputs = 1) {
    const auto out = g.nodes("Loop", std::move(inputs), outputs, {{"body", body.body()}});
    for (ValueId id : out) g.output(id);
  }
};

Status loop_failure(const std::function<void(LoopParts&)>& build) {
  LoopParts parts;
  build(parts);
  return compile_failure(parts.g);
}

}  // namespace

TEST_CASE("a Loop whose body does not fit is refused") {
  const auto code = [](const std::function<void(LoopParts&)>& build) {
    const Status status = loop_failure(build);
    INFO(status.message());
    CHECK(status.op() == "Loop");
    return status.code();
  };
  CHECK(code([](LoopParts& p) {
          p.body.output(p.condition);
          p.finish({p.count, kNoValue, p.x});  // one output of the body is missing
        }) == ErrorCode::ATTRIBUTE_INVALID);
  CHECK(code([](LoopParts& p) {
          p.body.output(p.condition);
          p.body.output(p.v);
          p.finish({p.count, kNoValue, p.x, p.x}, 2);  // one input of the body is missing
        }) == ErrorCode::ATTRIBUTE_INVALID);
  CHECK(code([](LoopParts& p) {
          p.body.output(p.condition);
          p.body.output(p.body.node("Cast", {p.v}, {{"to", int64_t{7}}}));
          p.finish({p.count, kNoValue, p.x});
        }) == ErrorCode::DTYPE_UNSUPPORTED);
  CHECK(code([](LoopParts& p) {
          p.body.output(p.i);  // no condition
          p.body.output(p.v);
          p.finish({p.count, kNoValue, p.x});
        }) == ErrorCode::DTYPE_UNSUPPORTED);
  CHECK(code([](LoopParts& p) {
          p.body.output(p.condition);
          p.body.output(p.v);
          p.finish({p.x, kNoValue, p.x});  // the count is float32, four of them
        }) == ErrorCode::DTYPE_UNSUPPORTED);
  CHECK(code([](LoopParts& p) {
          p.body.output(p.condition);
          p.body.output(p.v);
          p.finish({p.count, kNoValue, kNoValue});
        }) == ErrorCode::GRAPH_INPUT_MISSING);
  CHECK(code([](LoopParts& p) { p.g.output(p.g.nodes("Loop", {p.count, kNoValue, p.x}, 1)[0]); }) ==
        ErrorCode::ATTRIBUTE_INVALID);
}

TEST_CASE("trip counts below zero are refused") {
  LoopParts p;
  p.body.output(p.condition);
  p.body.output(p.v);
  p.finish({p.count, kNoValue, p.x});
  Model model(p.g);
  const Feed x = floats_feed({4}, {1, 2, 3, 4});
  const Status status = model.failure({ints_feed({}, {-1}), x});
  CHECK(status.code() == ErrorCode::VALUE_RANGE);
  CHECK(status.node() == "Loop0");
  model.run({ints_feed({}, {1}), x});
}

TEST_CASE("an error in a body names its node and the bodies around it") {
  LoopParts p;
  GraphBuilder then_body, else_body;
  const ValueId v = then_body.capture("v");
  const ValueId index = then_body.capture("i");
  then_body.output(then_body.node("Gather", {v, index}), "element");
  else_body.output(else_body.scalar<float>(0));
  const ValueId low = p.body.node("Less", {p.i, p.body.scalar<int64_t>(100)});
  const ValueId y =
      p.body.node("If", {low, p.v, p.i},
                  {{"then_branch", then_body.body()}, {"else_branch", else_body.body()}});
  p.body.output(p.condition);
  p.body.output(p.v);
  p.body.output(y);
  p.finish({p.count, kNoValue, p.x}, 2);
  Model model(p.g);
  const Feed x = floats_feed({4}, {1, 2, 3, 4});
  model.run({ints_feed({}, {4}), x});
  CHECK(model.floats(1) == std::vector<float>{1, 2, 3, 4});
  const Status status = model.failure({ints_feed({}, {5}), x});
  CHECK(status.code() == ErrorCode::INDEX_RANGE);
  CHECK(status.node() == "Gather0");
  const std::string message(status.message());
  INFO(message);
  CHECK(message.ends_with(
      ", at Gather 'Gather0' in the then_branch of If 'If1' in the body of Loop 'Loop0'"));
  model.run({ints_feed({}, {2}), x});
  CHECK(model.floats(1) == std::vector<float>{1, 2});
}

TEST_CASE("scan outputs of one Loop have one shape") {
  LoopParts p;
  p.body.output(p.condition);
  const ValueId longer =
      p.body.node("Concat", {p.v, p.body.constant<float>({1}, {0})}, {{"axis", int64_t{0}}});
  p.body.output(longer, "longer");
  p.body.output(p.body.node("Neg", {longer}), "scan");
  p.finish({p.count, kNoValue, p.x}, 2);
  Model model(p.g);
  const Feed x = floats_feed({4}, {1, 2, 3, 4});
  model.run({ints_feed({}, {1}), x});
  CHECK(model.failure({ints_feed({}, {2}), x}).code() == ErrorCode::SHAPE_MISMATCH);
}

TEST_CASE("bodies nested too deeply are refused") {
  const auto nest = [](int depth) {
    auto innermost = std::make_unique<GraphBuilder>();
    innermost->output(innermost->scalar<float>(1));
    for (int i = 1; i < depth; ++i) {
      auto g = std::make_unique<GraphBuilder>();
      GraphBuilder other;
      other.output(other.scalar<float>(2));
      const ValueId c = g->capture("c");
      auto body = innermost->body();
      const bool captures = std::get<std::shared_ptr<Graph>>(body)->captured > 0;
      g->output(g->node("If", captures ? std::vector<ValueId>{c, c} : std::vector<ValueId>{c},
                        {{"then_branch", body}, {"else_branch", other.body()}}));
      innermost = std::move(g);
    }
    GraphBuilder g, other;
    other.output(other.scalar<float>(2));
    const ValueId c = g.input("c", {}, DType::kBool);
    g.output(g.node("If", depth > 1 ? std::vector<ValueId>{c, c} : std::vector<ValueId>{c},
                    {{"then_branch", innermost->body()}, {"else_branch", other.body()}}));
    return g.raw();
  };
  CHECK(Session::create(nest(kMaxBodyDepth)).ok());
  CHECK(Session::create(nest(kMaxBodyDepth + 1)).status().code() == ErrorCode::LIMIT_EXCEEDED);
}

TEST_CASE("a graph in an attribute of another operator is no body") {
  GraphBuilder g, body;
  body.output(body.scalar<float>(1));
  const ValueId x = g.input("x", {2});
  g.output(g.node("Neg", {x}, {{"body", body.body()}}));
  Model model(g);
  model.run({floats_feed({2}, {1, -2})});
  CHECK(model.floats(0) == std::vector<float>{-1, 2});
}

TEST_CASE("branches with outputs of different types are refused") {
  GraphBuilder g, then_body, else_body;
  then_body.output(then_body.scalar<float>(1));
  else_body.output(else_body.scalar<int64_t>(1));
  const ValueId c = g.input("c", {}, DType::kBool);
  g.output(
      g.node("If", {c}, {{"then_branch", then_body.body()}, {"else_branch", else_body.body()}}));
  const Status status = compile_failure(g);
  CHECK(status.code() == ErrorCode::DTYPE_UNSUPPORTED);
  CHECK(status.op() == "If");
}

}  // namespace sardonyx::test
