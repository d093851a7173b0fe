// What costs no memory: an iteration of a loop, a run. Allocations are counted for the whole test
// program.
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <new>

#include "base/block.h"
#include "tests/cpp/engine/control_run.h"

namespace {
std::atomic<size_t> allocations{0};
}

void* operator new(size_t bytes) {
  ++allocations;
  void* memory = std::malloc(bytes ? bytes : 1);
  if (!memory) std::abort();
  return memory;
}
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes ? bytes : 1);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace sardonyx::test {
namespace {

// Adds x to a carried value, by a branch that depends on it.
void make_loop(GraphBuilder& g) {
  const ValueId count = g.input("count", {}, DType::kInt64);
  const ValueId x = g.input("x", {4});
  GraphBuilder body, then_body, else_body;
  then_body.output(then_body.node("Add", {then_body.capture("v"), then_body.capture("x")}), "y");
  else_body.output(else_body.node("Sub", {else_body.capture("v"), else_body.capture("x")}), "y");
  const ValueId i = body.untyped_input("i");
  const ValueId condition = body.untyped_input("cond");
  const ValueId v = body.untyped_input("v");
  const ValueId step = body.capture("x");
  const ValueId small = body.node("Less", {i, body.scalar<int64_t>(1 << 30)});
  const ValueId next =
      body.node("If", {small, v, step, v, step},
                {{"then_branch", then_body.body()}, {"else_branch", else_body.body()}});
  body.output(condition);
  body.output(body.node("Neg", {body.node("Neg", {next})}), "next");
  g.output(g.nodes("Loop", {count, kNoValue, g.constant<float>({4}, {0, 0, 0, 0}), x}, 1,
                   {{"body", body.body()}})[0]);
}

}  // namespace

TEST_CASE("a hundred thousand iterations allocate no more than ten") {
  GraphBuilder g;
  make_loop(g);
  Model model(g);
  Run& run = model.state();
  std::vector<float> x{1, 2, 3, 4};
  const auto cost = [&](int64_t count) {
    REQUIRE(run.set_input(0, {DType::kInt64, Layout::kRowMajor, {}, &count}, 8).ok());
    REQUIRE(run.set_input(1, {DType::kFloat32, Layout::kRowMajor, {4}, x.data()}, 16).ok());
    REQUIRE(run.start().ok());
    const size_t before = allocations;
    const auto state = run.advance(0);
    const size_t made = allocations - before;
    REQUIRE(state.ok());
    CHECK(run.output(0).as<float>()[3] == 4 * static_cast<float>(count));
    return made;
  };
  cost(10);
  const size_t few = cost(10);
  const size_t bytes = block_bytes_in_use();
  CHECK(cost(100000) == few);
  CHECK(few < 10);
  CHECK(block_bytes_in_use() == bytes);
}

TEST_CASE("a run with known shapes allocates nothing, and so does one that was bound ahead") {
  GraphBuilder g;
  const ValueId past = g.input("past", {kUnknownDim, 4});
  const ValueId row = g.input("row", {1, 4});
  const ValueId all = g.node("Concat", {past, row}, {{"axis", int64_t{0}}});
  g.output(all, "present");
  g.output(g.node("Relu", {g.node("MatMul", {all, g.constant<float>({4, 1}, {1, 2, 3, 4})})}), "y");
  Model model(g);
  Run& run = model.state();
  const std::vector<float> x(4 * 64, 1.0f);
  const auto cost = [&](int64_t rows) {
    const size_t before = allocations;
    run.reset();
    const auto feed = [&](size_t input, const Shape& shape) {
      const TensorView view{DType::kFloat32, Layout::kRowMajor, shape,
                            const_cast<float*>(x.data())};
      return run.set_input(input, view, view.bytes()).ok();
    };
    REQUIRE((feed(0, {rows, 4}) && feed(1, {1, 4}) && run.start().ok()));
    REQUIRE(run.advance(0).ok());
    const size_t made = allocations - before;
    REQUIRE(run.output(1).shape == Shape{rows + 1, 1});
    CHECK(run.output(1).as<float>()[rows] == 10);
    run.bind_ahead();
    return made;
  };
  for (int64_t rows : {1, 1, 1}) cost(rows);
  CHECK(cost(1) == 0);
  // The third step of the same size tells what comes next.
  cost(2);
  CHECK(cost(3) > 0);
  for (int64_t rows = 4; rows < 60; ++rows) CHECK(cost(rows) == 0);
  CHECK(cost(12) > 0);
}

}  // namespace sardonyx::test
