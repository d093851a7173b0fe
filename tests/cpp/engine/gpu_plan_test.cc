// Plans for WebGPU: what is dispatched, what is handed over, and that offsets stay inside the
// buffers.
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstring>

#include "engine/session.h"
#include "tests/cpp/engine/graph_builder.h"

namespace sardonyx::test {
namespace {

std::unique_ptr<Session> compile_for_gpu(GraphBuilder& g) {
  auto session = Session::create(g.finish(), {.for_gpu = true, .fed_weights = {}});
  INFO(session.status().message());
  REQUIRE(session.ok());
  return session.take();
}

struct Fed {
  explicit Fed(const Session& session, const Shape& shape)
      : run(session), data(static_cast<size_t>(*shape.elements()), 0.5f) {
    const TensorView view{DType::kFloat32, Layout::kRowMajor, shape, data.data()};
    REQUIRE(run.set_input(0, view, view.bytes()).ok());
    REQUIRE(run.start().ok());
  }
  const GpuPlan& plan() {
    const auto made = run.gpu_plan();
    INFO(made.status().message());
    REQUIRE(made.ok());
    return *made.value();
  }

  Run run;
  std::vector<float> data;
};

std::vector<GpuKernel> kernels(const GpuPlan& plan) {
  std::vector<GpuKernel> found;
  for (const GpuStep& step : plan.steps) found.push_back(step.kernel);
  return found;
}

}  // namespace

TEST_CASE("a product of a stack, a row and an activation are one step", "[gpu]") {
  GraphBuilder g;
  const ValueId product = g.node("MatMul", {g.input("x", {2, 3, 8}), g.random({8, 5})});
  g.output(g.node("Gelu", {g.node("Add", {product, g.random({5})})}, {}, "com.microsoft"), "y");
  const auto session = compile_for_gpu(g);
  Fed fed(*session, {2, 3, 8});
  const GpuPlan& plan = fed.plan();
  CHECK(kernels(plan) == std::vector{GpuKernel::kMatMul});
  CHECK(plan.hand_overs.empty());
  CHECK(plan.steps[0].homes == 0b110u);  // weights and bias
  CHECK(plan.steps[0].params[5] == 6);   // rows
}

TEST_CASE("a small network becomes one dispatch per step") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 3, 8, 9});
  const ValueId conv =
      g.node("Conv", {x, g.random({5, 3, 3, 3}), g.random({5})}, {{"pads", ints({1, 1, 1, 1})}});
  const ValueId pool = g.node("GlobalAveragePool", {g.node("Relu", {conv})});
  const ValueId flat = g.node("Flatten", {pool});
  g.output(g.node("Softmax", {g.node("MatMul", {flat, g.random({5, 7})})}), "y");
  const auto session = compile_for_gpu(g);
  Fed fed(*session, {1, 3, 8, 9});
  const GpuPlan& plan = fed.plan();
  CHECK(kernels(plan) == std::vector{GpuKernel::kConvTile, GpuKernel::kReduce, GpuKernel::kMatMul,
                                     GpuKernel::kSoftmax});
  CHECK(plan.hand_overs.empty());
  REQUIRE(plan.outputs.size() == 1);
  CHECK(plan.outputs[0].bytes == 7 * sizeof(float));
  const GpuStep& conv_step = plan.steps[0];
  CHECK(conv_step.homes == 0b110u);  // weights and bias
  CHECK(conv_step.params[0] * 4 == plan.feeds[0].offset);
  CHECK(conv_step.count == 1 * 8 * 2);  // tiles of filters, rows, tiles of columns
  CHECK(plan.feeds[0].offset + plan.feeds[0].bytes <= plan.arena_bytes);
  CHECK(session->gpu_weights()->copies.size() == 3);
  CHECK(fed.run.gpu_plan().value() == &plan);
}

TEST_CASE("steps without a kernel are handed over with what they read and write") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 6});
  const ValueId angle = g.node("Atan", {g.node("Mul", {x, g.random({2, 6})})});
  g.output(g.node("Add", {angle, g.node("Exp", {g.node("Neg", {x})})}), "y");
  const auto session = compile_for_gpu(g);
  Fed fed(*session, {2, 6});
  const GpuPlan& plan = fed.plan();
  REQUIRE(plan.hand_overs.size() == 1);
  const GpuHandOver& run = plan.hand_overs[0];
  CHECK(run.end == run.begin + 1);
  CHECK(run.after >= 1);
  CHECK(run.downloads == 1);
  REQUIRE(run.transfers == 2);
  for (const GpuCopy& copy : plan.transfers) CHECK(copy.bytes == 2 * 6 * sizeof(float));
  // The CPU's part, on contents that a GPU would have written.
  auto* arena = const_cast<uint8_t*>(fed.run.arena());
  const std::vector<float> product(12, 3.0f);
  std::memcpy(arena + plan.transfers[0].offset, product.data(), 12 * sizeof(float));
  REQUIRE(fed.run.run_steps(run.begin, run.end).ok());
  const auto* result = reinterpret_cast<const float*>(arena + plan.transfers[1].offset);
  for (int i = 0; i < 12; ++i) CHECK(std::abs(result[i] - std::atan(3.0f)) < 1e-6f);
  fed.run.finish_on_gpu();
  CHECK(fed.run.plan_used() == &plan);
  CHECK(fed.run.output(0).shape == Shape{2, 6});
}

TEST_CASE("weights that float16 has are stored as float16") {
  GraphBuilder g;
  std::vector<float> halves(16 * 16), others(16 * 16);
  for (size_t i = 0; i < halves.size(); ++i) {
    halves[i] = static_cast<float>(i) / 128.0f - 1.0f;
    others[i] = static_cast<float>(i) / 100.0f;
  }
  halves[0] = 0x1p-24f;
  halves[1] = -65504.0f;
  const ValueId first = g.node("MatMul", {g.input("x", {1, 16}), g.constant({16, 16}, halves)});
  g.output(g.node("MatMul", {first, g.constant({16, 16}, others)}), "y");
  const auto session = compile_for_gpu(g);
  const GpuWeights& weights = *session->gpu_weights();
  REQUIRE(weights.halves.size() == 1);
  REQUIRE(weights.copies.size() == 1);
  CHECK(weights.halves[0].bytes == halves.size() * sizeof(float));
  CHECK(weights.bytes == halves.size() * (2 + 4));
  Fed fed(*session, {1, 16});
  const GpuPlan& plan = fed.plan();
  REQUIRE(plan.steps.size() == 2);
  CHECK(plan.steps[0].homes == (kGpuWeights | kGpuHalf) << 1);
  CHECK(plan.steps[0].params[1] == weights.halves[0].offset / 2);
  CHECK(plan.steps[1].homes == kGpuWeights << 1);
}

TEST_CASE("tables of a plan are constants of its arena") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 2, 3, 4});
  const ValueId resized =
      g.node("Resize", {x, g.constant<float>({0}, {}), g.constant<float>({4}, {1, 1, 2, 1.5f})},
             {{"mode", std::string("linear")}});
  g.output(
      g.node("Gather", {resized, g.constant<int64_t>({3}, {-1, 0, 1})}, {{"axis", int64_t{1}}}),
      "y");
  const auto session = compile_for_gpu(g);
  Fed fed(*session, {1, 2, 3, 4});
  const GpuPlan& plan = fed.plan();
  CHECK(kernels(plan) == std::vector{GpuKernel::kResize, GpuKernel::kGather});
  REQUIRE(plan.tables.size() == 3);
  REQUIRE(plan.constants.size() == 3);
  CHECK(plan.tables[2] == std::vector<uint32_t>{1, 0, 1});
  for (size_t i = 0; i < 3; ++i) {
    CHECK(plan.constants[i].address == reinterpret_cast<uintptr_t>(plan.tables[i].data()));
    CHECK(plan.constants[i].bytes == plan.tables[i].size() * 4);
    CHECK(plan.constants[i].offset + plan.constants[i].bytes <= plan.arena_bytes);
  }
}

TEST_CASE("indices that come with the run are looked up on the CPU") {
  GraphBuilder g;
  const ValueId x = g.input("x", {4});
  const ValueId indices = g.node("Cast", {x}, {{"to", int64_t{7}}});
  g.output(g.node("Gather", {g.random({5, 3}), indices}), "y");
  const auto session = compile_for_gpu(g);
  Fed fed(*session, {4});
  CHECK(kernels(fed.plan()) == std::vector{GpuKernel::kCast});
  CHECK(fed.plan().hand_overs.size() == 1);
}

TEST_CASE("a session for a GPU also computes on the CPU, before and after it leaves the GPU") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 4, 5, 5});
  g.output(g.node("Conv", {x, g.random({8, 4, 3, 3})}), "y");
  const auto session = compile_for_gpu(g);
  std::vector<float> first, second;
  for (std::vector<float>* result : {&first, &second}) {
    {
      Fed fed(*session, {1, 4, 5, 5});
      REQUIRE(fed.run.advance(0).ok());
      const TensorView y = fed.run.output(0);
      result->assign(y.as<float>(), y.as<float>() + y.elements());
    }
    REQUIRE(session->leave_gpu().ok());
  }
  REQUIRE(first.size() == second.size());
  for (size_t i = 0; i < first.size(); ++i) CHECK(std::abs(first[i] - second[i]) < 1e-5f);
  CHECK(session->gpu_weights() == nullptr);
}

TEST_CASE("a plan is refused where shapes depend on contents, and without a GPU session") {
  GraphBuilder g;
  const ValueId end =
      g.node("Cast", {g.node("ReduceMax", {g.input("x", {3})}, {{"keepdims", int64_t{0}}})},
             {{"to", int64_t{7}}});
  g.output(g.node("Range", {g.scalar(int64_t{0}), end, g.scalar(int64_t{1})}), "y");
  const auto session = compile_for_gpu(g);
  Fed fed(*session, {3});
  CHECK(fed.run.gpu_plan().status().code() == ErrorCode::MODEL_UNSUPPORTED);

  GraphBuilder h;
  h.output(h.node("Neg", {h.input("x", {3})}), "y");
  auto cpu = Session::create(h.finish());
  REQUIRE(cpu.ok());
  Fed other(*cpu.value(), {3});
  CHECK_FALSE(other.run.gpu_plan().ok());
}

}  // namespace sardonyx::test
