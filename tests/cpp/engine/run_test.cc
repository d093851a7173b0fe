#include <catch2/catch_test_macros.hpp>
#include <numeric>
#include <thread>

#include "engine/session.h"
#include "simd/parallel.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

std::unique_ptr<Session> compile(GraphBuilder& g) {
  auto session = Session::create(g.finish());
  INFO(session.status().message());
  REQUIRE(session.ok());
  return session.take();
}

TensorView view_of(std::vector<float>& data, const Shape& shape) {
  return {DType::kFloat32, Layout::kRowMajor, shape, data.data()};
}

TensorView view_of(std::vector<int64_t>& data, const Shape& shape) {
  return {DType::kInt64, Layout::kRowMajor, shape, data.data()};
}

Status feed(Run& run, size_t index, const TensorView& view) {
  return run.set_input(index, view, view.bytes());
}

void finish(Run& run) {
  REQUIRE(run.start().ok());
  const auto state = run.advance(0);
  INFO(state.status().message());
  REQUIRE(state.ok());
  REQUIRE(state.value() == Run::State::kDone);
}

std::vector<float> floats_of(const TensorView& view) {
  return {view.as<float>(), view.as<float>() + view.elements()};
}

std::vector<float> iota(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), -2.0f);
  return values;
}

}  // namespace

TEST_CASE("threads may join after shapes have been bound") {
  GraphBuilder g;
  const ValueId k = g.constant<int64_t>({1}, {1});
  g.output(g.nodes("TopK", {g.input("x", {20000, 16}), k}, 2)[0], "y");
  const auto session = compile(g);
  Run run(*session);
  std::vector<float> x = iota(20000 * 16);
  simd::set_threads(1);
  for (int threads : {1, 4}) {
    simd::set_threads(threads);
    while (simd::threads_ready() < simd::threads_started()) std::this_thread::yield();
    REQUIRE(feed(run, 0, view_of(x, {20000, 16})).ok());
    finish(run);
    const std::vector<float> y = floats_of(run.output(0));
    for (size_t row = 0; row < y.size(); ++row) REQUIRE(y[row] == x[16 * row + 15]);
  }
  simd::set_threads(1);
}

TEST_CASE("one run serves changing shapes, and finds its old bindings again") {
  GraphBuilder g;
  g.output(g.node("Relu", {g.node("Neg", {g.input("x", {kUnknownDim, 3})})}), "y");
  const auto session = compile(g);
  Run run(*session);
  for (int64_t rows : {2, 5, 1, 0, 5, 2, 9, 8, 7, 6, 2}) {
    std::vector<float> x = iota(static_cast<size_t>(rows * 3));
    REQUIRE(feed(run, 0, view_of(x, {rows, 3})).ok());
    finish(run);
    const TensorView y = run.output(0);
    REQUIRE(y.shape == Shape{rows, 3});
    for (int64_t i = 0; i < rows * 3; ++i) {
      const float value = -x[static_cast<size_t>(i)];
      CHECK(y.as<float>()[i] == (value > 0 ? value : 0));
    }
  }
}

TEST_CASE("a shape that the caller feeds splits the run in segments") {
  GraphBuilder g;
  const ValueId x = g.input("x", {6});
  const ValueId from = g.input("from", {1}, DType::kInt64);
  const ValueId to = g.input("to", {1}, DType::kInt64);
  const ValueId doubled = g.node("Add", {x, x});
  const ValueId part = g.node("Slice", {doubled, from, to});
  g.output(g.node("Neg", {part}), "y");
  g.output(doubled, "doubled");
  const auto session = compile(g);
  Run run(*session);
  std::vector<float> data = iota(6);
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{1, 4}, {0, 6}, {5, 5}, {2, 3}}) {
    std::vector<int64_t> starts{begin}, ends{end};
    REQUIRE(feed(run, 0, view_of(data, {6})).ok());
    REQUIRE(feed(run, 1, view_of(starts, {1})).ok());
    REQUIRE(feed(run, 2, view_of(ends, {1})).ok());
    finish(run);
    REQUIRE(run.output(0).shape == Shape{end - begin});
    for (int64_t i = begin; i < end; ++i) {
      CHECK(run.output(0).as<float>()[i - begin] == -2 * data[static_cast<size_t>(i)]);
    }
    CHECK(floats_of(run.output(1)) == std::vector<float>{-4, -2, 0, 2, 4, 6});
  }
}

TEST_CASE("writing in place never touches inputs, constants, outputs or values read later") {
  GraphBuilder g;
  const ValueId x = g.input("x", {64});
  const ValueId c = g.random({64});
  const ValueId a = g.node("Relu", {x});  // not over the caller's memory
  const ValueId b = g.node("Neg", {a});   // a is read again below
  const ValueId d = g.node("Neg", {c});   // folded
  const ValueId e = g.node("Add", {b, a});
  const ValueId f = g.node("Mul", {e, d});
  g.output(f, "f");
  g.output(g.node("Relu", {f}), "relu_f");  // f is an output
  g.output(g.node("Sub", {a, c}), "a_minus_c");
  auto graph = g.finish();
  check_same(run_compiled(*graph), interpret(*graph));

  GraphBuilder again;
  again.output(again.node("Relu", {again.input("x", {4})}), "y");
  const auto session = compile(again);
  Run run(*session);
  std::vector<float> data{-1, 2, -3, 4};
  REQUIRE(feed(run, 0, view_of(data, {4})).ok());
  finish(run);
  CHECK(data == std::vector<float>{-1, 2, -3, 4});
}

TEST_CASE("a chain of activations needs the arena of one buffer") {
  GraphBuilder g;
  ValueId x = g.input("x", {1000});
  for (int i = 0; i < 20; ++i) x = g.node(i % 2 ? "Sigmoid" : "Sin", {x});
  g.output(x, "y");
  const auto session = compile(g);
  Run run(*session);
  std::vector<float> data = iota(1000);
  REQUIRE(feed(run, 0, view_of(data, {1000})).ok());
  finish(run);
  CHECK(run.arena_bytes() < 2 * 4096);
}

TEST_CASE("inputs and constants may be outputs") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2});
  g.output(x);
  g.output(g.node("Identity", {x}), "copy");
  g.output(g.constant<float>({2}, {5, 6}));
  g.output(g.node("Neg", {x}), "y");
  const auto session = compile(g);
  Run run(*session);
  std::vector<float> data{1, 2};
  REQUIRE(feed(run, 0, view_of(data, {2})).ok());
  finish(run);
  CHECK(floats_of(run.output(0)) == data);
  CHECK(floats_of(run.output(1)) == data);
  CHECK(floats_of(run.output(2)) == std::vector<float>{5, 6});
  CHECK(floats_of(run.output(3)) == std::vector<float>{-1, -2});
}

TEST_CASE("a run yields between steps and goes on") {
  GraphBuilder g;
  ValueId x = g.input("x", {1 << 16});
  for (int i = 0; i < 50; ++i) x = g.node("Sin", {g.node("Neg", {x})});
  g.output(x, "y");
  auto graph = g.finish();
  const auto session = Session::create(copy(*graph)).take();
  Run run(*session);
  std::vector<float> data = random_floats(1 << 16, 7, -1, 1);
  REQUIRE(feed(run, 0, view_of(data, {1 << 16})).ok());
  REQUIRE(run.start().ok());
  int yields = 0;
  uint32_t progress = 0;
  while (run.advance(0.01).value() == Run::State::kYield) {
    ++yields;
    CHECK(run.steps_done() > progress);
    CHECK_FALSE(run.output(0).present());
    progress = run.steps_done();
  }
  CHECK(yields > 5);
  CHECK(run.steps_done() == session->lowering().steps.size());
  CHECK(run.advance(0.01).value() == Run::State::kDone);
}

TEST_CASE("feeds that do not fit are refused and the next run works") {
  GraphBuilder g;
  g.output(g.node("Relu", {g.input("x", {kUnknownDim, 3})}), "y");
  const auto session = compile(g);
  Run run(*session);
  std::vector<float> data = iota(6);
  std::vector<int64_t> wrong(6);
  CHECK(run.start().code() == ErrorCode::INPUT_MISSING);
  CHECK(run.start().tensor() == "x");
  CHECK(run.advance(0).status().code() == ErrorCode::INVALID_ARGUMENT);
  CHECK(feed(run, 0, view_of(wrong, {2, 3})).code() == ErrorCode::INPUT_DTYPE);
  CHECK(feed(run, 0, view_of(data, {3, 2})).code() == ErrorCode::INPUT_SHAPE);
  CHECK(feed(run, 0, view_of(data, {6})).code() == ErrorCode::INPUT_SHAPE);
  CHECK(feed(run, 0, {DType::kFloat32, Layout::kRowMajor, {-2, 3}, data.data()}).code() ==
        ErrorCode::INPUT_SHAPE);
  CHECK(run.set_input(0, view_of(data, {2, 3}), 20).code() == ErrorCode::INPUT_SIZE);
  CHECK(feed(run, 1, view_of(data, {2, 3})).code() == ErrorCode::INPUT_UNKNOWN);
  REQUIRE(feed(run, 0, view_of(data, {2, 3})).ok());
  finish(run);
  CHECK(run.output(0).shape == Shape{2, 3});
  CHECK_FALSE(run.output(1).present());
}

TEST_CASE("an error in a step names its node and the next run works") {
  GraphBuilder g;
  const ValueId x = g.input("x", {4});
  const ValueId indices = g.input("indices", {1}, DType::kInt64);
  g.output(g.node("Relu", {g.node("Gather", {x, indices})}), "y");
  const auto session = compile(g);
  Run run(*session);
  std::vector<float> data{1, -2, 3, 4};
  std::vector<int64_t> index{4};
  REQUIRE(feed(run, 0, view_of(data, {4})).ok());
  REQUIRE(feed(run, 1, view_of(index, {1})).ok());
  REQUIRE(run.start().ok());
  const auto state = run.advance(0);
  CHECK(state.status().code() == ErrorCode::INDEX_RANGE);
  CHECK(state.status().op() == "Gather");
  CHECK_FALSE(run.output(0).present());
  index[0] = -1;
  finish(run);
  CHECK(floats_of(run.output(0)) == std::vector<float>{4});
}

TEST_CASE("shapes that contradict each other at run time name the node") {
  GraphBuilder g;
  const ValueId a = g.input("a", {kUnknownDim});
  const ValueId b = g.input("b", {kUnknownDim});
  g.output(g.node("Add", {a, b}), "y");
  const auto session = compile(g);
  Run run(*session);
  std::vector<float> data = iota(5);
  REQUIRE(feed(run, 0, view_of(data, {5})).ok());
  REQUIRE(feed(run, 1, view_of(data, {3})).ok());
  const Status status = run.start();
  CHECK(status.code() == ErrorCode::SHAPE_MISMATCH);
  CHECK(status.op() == "Add");
  REQUIRE(feed(run, 1, view_of(data, {5})).ok());
  finish(run);
}

TEST_CASE("sizes that overflow are refused when they are bound") {
  GraphBuilder g;
  const ValueId a = g.input("a", {kUnknownDim, 1});
  const ValueId b = g.input("b", {1, kUnknownDim});
  g.output(g.node("Add", {a, b}), "y");
  const auto session = compile(g);
  Run run(*session);
  std::vector<float> data(1 << 17);
  REQUIRE(feed(run, 0, view_of(data, {1 << 17, 1})).ok());
  REQUIRE(feed(run, 1, view_of(data, {1, 1 << 17})).ok());
  CHECK(run.start().code() == ErrorCode::LIMIT_EXCEEDED);
}

TEST_CASE("weights listed as inputs count as constants") {
  GraphBuilder g;
  const ValueId w = g.constant<float>({2}, {10, 20});
  g.make_optional(w);
  g.output(g.node("Add", {g.input("x", {2}), w}), "y");
  const auto session = compile(g);
  CHECK(session->graph().inputs.size() == 1);
  Run run(*session);
  std::vector<float> data{1, 2};
  REQUIRE(feed(run, 0, view_of(data, {2})).ok());
  finish(run);
  CHECK(floats_of(run.output(0)) == std::vector<float>{11, 22});
}

}  // namespace sardonyx::test
