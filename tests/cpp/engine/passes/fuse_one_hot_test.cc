#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <numeric>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

template <typename T>
ValueId count_up(GraphBuilder& g, const Shape& shape) {
  std::vector<T> numbers(static_cast<size_t>(shape[shape.rank() - 1]));
  std::iota(numbers.begin(), numbers.end(), T{0});
  return g.constant<T>(shape, numbers);
}

// Whole numbers from -3 to 9 made of the random floats of an input.
ValueId numbers(GraphBuilder& g, const Shape& shape, DType dtype) {
  const ValueId x = g.input("x", shape);
  const ValueId scaled = g.node("Add", {g.node("Mul", {x, g.scalar(6.0f)}), g.scalar(3.0f)});
  return g.node("Cast", {scaled}, {{"to", static_cast<int64_t>(dtype)}});
}

ValueId one_hot(GraphBuilder& g, ValueId x, ValueId range) {
  return g.node("Cast", {g.node("Equal", {x, range})},
                {{"to", static_cast<int64_t>(DType::kFloat32)}});
}

void fuse(GraphBuilder& g, ValueId y, const std::string& expected_types) {
  g.output(y, "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  CHECK(run_pass(*graph, "fuse_one_hot"));
  run_pass(*graph, "remove_unused");
  CHECK(types(*graph) == expected_types);
  check_equivalent(*before, *graph);
}

void leave(GraphBuilder& g, ValueId y) {
  g.output(y, "y");
  CHECK_FALSE(run_pass(*g.finish(), "fuse_one_hot"));
}

TEST_CASE("fuse_one_hot looks up rows, and zeros for what matches none", "[passes]") {
  GraphBuilder g;
  SECTION("int32") {
    const ValueId x = numbers(g, {2, 37, 1}, DType::kInt32);
    fuse(g, g.node("MatMul", {one_hot(g, x, count_up<int32_t>(g, {1, 1, 7})), g.random({7, 5})}),
         "Mul Add Cast Clip Gather Squeeze");
  }
  SECTION("int64, the numbers first and of a lower rank") {
    const ValueId x = numbers(g, {3, 11, 1}, DType::kInt64);
    fuse(g, g.node("MatMul", {one_hot(g, count_up<int64_t>(g, {7}), x), g.random({7, 1})}),
         "Mul Add Cast Clip Gather Squeeze");
  }
  SECTION("one vector") {
    const ValueId x = numbers(g, {1}, DType::kInt64);
    fuse(g, g.node("MatMul", {one_hot(g, x, count_up<int64_t>(g, {4})), g.random({4, 6})}),
         "Mul Add Cast Clip Gather Squeeze");
  }
}

TEST_CASE("fuse_one_hot sees through an Expand whose shape a run tells", "[passes]") {
  GraphBuilder g;
  const ValueId x = numbers(g, {kUnknownDim, 1}, DType::kInt32);
  const ValueId count = g.node("Gather", {g.node("Shape", {x}), g.constant<int64_t>({1}, {0})});
  const auto dims = [&](int64_t last) {
    return g.node("Concat", {count, g.constant<int64_t>({1}, {last})}, {{"axis", int64_t{0}}});
  };
  const auto product = [&](int64_t last) {
    const ValueId expanded = g.node("Expand", {x, dims(last)});
    return g.node("MatMul", {one_hot(g, expanded, count_up<int32_t>(g, {7})), g.random({7, 5})});
  };
  SECTION("with one element") {
    g.output(product(1), "y");
    const auto graph = g.finish();
    const Outputs expected = interpret(*graph, 7, {{9, 1}});
    CHECK(run_pass(*graph, "fuse_one_hot"));
    check_same(interpret(*graph, 7, {{9, 1}}), expected);
    check_same(run_compiled(*graph, 7, {{9, 1}}), expected);
  }
  SECTION("with more") {
    leave(g, product(7));
  }
}

TEST_CASE("fuse_one_hot leaves other products", "[passes]") {
  GraphBuilder g;
  const ValueId x = numbers(g, {5, 1}, DType::kInt64);
  const ValueId range = count_up<int64_t>(g, {4});
  SECTION("with infinities") {
    const auto inf = std::numeric_limits<float>::infinity();
    leave(g, g.node("MatMul", {one_hot(g, x, range), g.constant<float>({4, 1}, {1, 2, inf, 4})}));
  }
  SECTION("of other numbers") {
    const ValueId other = g.constant<int64_t>({4}, {0, 1, 3, 2});
    leave(g, g.node("MatMul", {one_hot(g, x, other), g.random({4, 6})}));
  }
  SECTION("of a matrix that is fed") {
    leave(g, g.node("MatMul", {one_hot(g, x, range), g.input("w", {4, 6})}));
  }
  SECTION("of vectors that are an output") {
    const ValueId vectors = one_hot(g, x, range);
    g.output(vectors, "vectors");
    leave(g, g.node("MatMul", {vectors, g.random({4, 6})}));
  }
  SECTION("of a higher rank than the indices") {
    leave(g, g.node("MatMul", {one_hot(g, x, count_up<int64_t>(g, {1, 1, 4})), g.random({4, 6})}));
  }
  SECTION("of as many indices as numbers") {
    const ValueId many = g.input("many", {5, 4}, DType::kInt64);
    leave(g, g.node("MatMul", {one_hot(g, many, range), g.random({4, 6})}));
  }
}

}  // namespace
}  // namespace sardonyx::test
