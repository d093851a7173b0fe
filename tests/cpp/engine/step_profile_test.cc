#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstring>
#include <string>

#include "tests/cpp/engine/control_run.h"

namespace sardonyx::test {
namespace {

// The cost of the only step of a graph, of the given operator, that a run on zeros measures.
StepCost cost_of_step(GraphBuilder& g, std::string_view type) {
  auto created = Session::create(g.finish());
  REQUIRE(created.ok());
  const std::unique_ptr<Session> session = created.take();
  Run run(*session);
  std::vector<std::vector<uint8_t>> feeds;
  for (size_t i = 0; i < session->graph().inputs.size(); ++i) {
    const Value& input = session->graph().values[session->graph().inputs[i]];
    TensorView view{input.dtype, Layout::kRowMajor, input.shape, nullptr};
    feeds.emplace_back(view.bytes() + 64);
    view.data = feeds.back().data();
    REQUIRE(run.set_input(i, view, view.bytes()).ok());
  }
  run.measure(true);
  REQUIRE(run.start().ok());
  REQUIRE(run.advance(0).ok());
  const RunProfile profile = run.profile();
  CHECK(profile.runs == 1);
  for (const StepProfile& step : profile.steps) {
    if (step.step->node->type == type) return step.cost;
  }
  FAIL("no step " << type);
  return {};
}

}  // namespace

TEST_CASE("the cost of a Conv counts its products, its bytes are those in memory") {
  GraphBuilder g;
  // 6 channels are 8 in NC4HW4.
  const ValueId x = g.input("x", {1, 8, 9, 7});
  g.output(
      g.node("Conv", {x, g.random({6, 8, 3, 3}), g.random({6})}, {{"pads", ints({1, 1, 1, 1})}}));
  const StepCost cost = cost_of_step(g, "Conv");
  CHECK(cost.flops == 2.0 * (6 * 9 * 7) * (8 * 3 * 3));
  CHECK(cost.bytes == 4 * (8 * 9 * 7 + 6 * 8 * 3 * 3 + 6 + 8 * 9 * 7));
}

TEST_CASE("weights that stay float16 count two bytes") {
  GraphBuilder g;
  auto weights = make_constant(DType::kFloat16, {1024, 2048});
  REQUIRE(weights.ok());
  std::memset((*weights)->view().data, 0, (*weights)->payload.bytes);
  const ValueId x = g.input("x", {3, 1024}, DType::kFloat16);
  g.output(g.node("MatMul", {x, g.constant(weights.take())}));
  CHECK(cost_of_step(g, "MatMul").bytes == 4 * 3 * (1024 + 2048) + 2 * 1024 * 2048);
}

TEST_CASE("groups, strides and transposed windows count what they compute") {
  GraphBuilder depthwise;
  depthwise.output(
      depthwise.node("Conv", {depthwise.input("x", {1, 8, 9, 9}), depthwise.random({8, 1, 3, 3})},
                     {{"group", int64_t{8}}, {"strides", ints({2, 2})}}));
  CHECK(cost_of_step(depthwise, "Conv").flops == 2.0 * (8 * 4 * 4) * 9);

  GraphBuilder transposed;
  transposed.output(transposed.node(
      "ConvTranspose", {transposed.input("x", {1, 5, 4, 4}), transposed.random({5, 3, 2, 2})},
      {{"strides", ints({2, 2})}}));
  CHECK(cost_of_step(transposed, "ConvTranspose").flops == 2.0 * (5 * 4 * 4) * (3 * 2 * 2));
}

TEST_CASE("the cost of products is that of their sums") {
  GraphBuilder matmul;
  matmul.output(
      matmul.node("MatMul", {matmul.input("a", {3, 5, 7}), matmul.input("b", {3, 7, 11})}));
  const StepCost batched = cost_of_step(matmul, "MatMul");
  CHECK(batched.flops == 2.0 * 3 * 5 * 7 * 11);
  CHECK(batched.bytes == 4 * 3 * (5 * 7 + 7 * 11 + 5 * 11));

  GraphBuilder gemm;
  gemm.output(
      gemm.node("Gemm", {gemm.input("a", {7, 5}), gemm.random({7, 11})}, {{"transA", int64_t{1}}}));
  CHECK(cost_of_step(gemm, "Gemm").flops == 2.0 * 5 * 7 * 11);

  GraphBuilder gru;
  gru.output(gru.node("GRU",
                      {gru.input("x", {6, 2, 4}), gru.random({1, 15, 4}), gru.random({1, 15, 5})},
                      {{"hidden_size", int64_t{5}}}));
  CHECK(cost_of_step(gru, "GRU").flops == 2.0 * 6 * 2 * (15 * 4 + 15 * 5));
}

TEST_CASE("moving costs bytes only, selecting those that it takes") {
  GraphBuilder transpose;
  transpose.output(transpose.node("Transpose", {transpose.input("x", {6, 5})}));
  const StepCost moved = cost_of_step(transpose, "Transpose");
  CHECK(moved.flops == 0);
  CHECK(moved.bytes == 4 * 2 * 30);

  GraphBuilder gather;
  gather.output(
      gather.node("Gather", {gather.random({1000, 8}), gather.input("i", {3}, DType::kInt64)}));
  CHECK(cost_of_step(gather, "Gather").bytes == 4 * 2 * 24 + 8 * 3);

  GraphBuilder relu;
  relu.output(relu.node("Relu", {relu.input("x", {6, 5})}));
  CHECK(cost_of_step(relu, "Relu").flops == 30);
}

TEST_CASE("a profile has every step, and its times add up") {
  GraphBuilder g;
  const ValueId count = g.input("count", {}, DType::kInt64);
  const ValueId x = g.input("x", {4});
  GraphBuilder body;
  body.untyped_input("i");
  const ValueId condition = body.untyped_input("cond");
  const ValueId sum = body.untyped_input("sum");
  body.output(condition);
  body.output(body.node("Add", {body.node("Exp", {sum}), body.capture("x")}), "next");
  const ValueId first = g.node("Softmax", {x});
  const auto out = g.nodes("Loop", {count, kNoValue, first, x}, 1, {{"body", body.body()}});
  g.output(g.node("Neg", {out[0]}));
  Model model(g);
  const auto run = [&] {
    model.run({ints_feed({}, {3}), floats_feed({4}, {-9, -8, -9, -8})}, 1e-6);
  };
  run();
  CHECK(model.state().profile().steps.empty());

  model.state().measure(true);
  run();
  run();
  const RunProfile profile = model.state().profile();
  CHECK(profile.runs == 2);
  std::string seen;
  double steps = 0;
  double nested = 0;
  for (const StepProfile& step : profile.steps) {
    seen += step.step->node->type + (step.depth == 0 ? " " : "* ");
    CHECK(step.time.calls == (step.depth == 0 ? 2 : 6));
    CHECK(step.place.empty() == (step.depth == 0));
    CHECK(step.time.ms >= 0);
    CHECK(step.outputs[0].shape == Shape{4});
    (step.depth == 0 ? steps : nested) += step.time.ms;
    if (step.depth == 0) steps += step.nested_ms;
  }
  CHECK(seen == "Softmax Loop Exp* Add* Neg ");
  CHECK(std::abs(profile.steps[1].nested_ms - nested) < 1e-9);
  CHECK(steps > 0);
  CHECK(steps <= profile.ms);

  model.state().measure(false);
  run();
  CHECK(model.state().profile().runs == 0);
  CHECK(model.state().profile().steps.empty());
}

}  // namespace sardonyx::test
