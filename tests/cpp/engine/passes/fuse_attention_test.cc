#include <cmath>

#include <catch2/catch_test_macros.hpp>

#include "engine/pass.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

void fuse(GraphBuilder& g, ValueId y, const std::string& expected_types) {
  g.output(y, "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  run_pass(*graph, "fuse_attention");
  run_pass(*graph, "remove_unused");
  CHECK(types(*graph) == expected_types);
  check_equivalent(*before, *graph);
}

ValueId turned(GraphBuilder& g, ValueId x, std::vector<int64_t> perm) {
  return g.node("Transpose", {x}, {{"perm", ints(std::move(perm))}});
}

// What stands between the product with the keys and the one with the values.
using Between = ValueId (*)(GraphBuilder&, ValueId scores);
ValueId nothing(GraphBuilder&, ValueId scores) {
  return scores;
}

ValueId attend(GraphBuilder& g, ValueId q, ValueId turned_k, ValueId v, Between between = nothing) {
  const ValueId scores = between(g, g.node("MatMul", {q, turned_k}));
  return g.node("MatMul", {g.node("Softmax", {scores}), v});
}

ValueId flags(GraphBuilder& g, const Shape& shape, std::vector<bool> values) {
  std::vector<uint8_t> bytes(values.begin(), values.end());
  return g.node("Cast", {g.constant<uint8_t>(shape, bytes)},
                {{"to", static_cast<int64_t>(DType::kBool)}});
}

}  // namespace

TEST_CASE("fuse_attention takes scale and mask", "[passes]") {
  GraphBuilder g;
  const ValueId q = g.input("q", {2, 3, 11, 4}), k = g.input("k", {2, 3, 7, 4});
  const ValueId v = g.input("v", {2, 3, 7, 6}), kt = turned(g, k, {0, 1, 3, 2});
  const auto check = [&](Between between) {
    fuse(g, attend(g, q, kt, v, between), "FusedAttention");
  };
  SECTION("neither") {
    check(nothing);
  }
  SECTION("Div and a mask of rows") {
    check([](GraphBuilder& b, ValueId scores) {
      const ValueId scaled = b.node("Div", {scores, b.scalar(2.0f)});
      return b.node("Add", {scaled, b.random({2, 1, 1, 7})});
    });
  }
  SECTION("Mul from the left, a mask of two dims first") {
    check([](GraphBuilder& b, ValueId scores) {
      const ValueId scaled = b.node("Mul", {b.scalar(0.5f), scores});
      return b.node("Add", {b.random({11, 7}), scaled});
    });
  }
  SECTION("a mask of all dims") {
    check([](GraphBuilder& b, ValueId scores) {
      return b.node("Add", {scores, b.random({2, 3, 11, 7})});
    });
  }
  SECTION("a mask that is the same for all keys") {
    check([](GraphBuilder& b, ValueId scores) {
      return b.node("Add", {scores, b.random({3, 11, 1})});
    });
  }
  SECTION("a mask that hides keys") {
    check([](GraphBuilder& b, ValueId scores) {
      return b.node("Add", {scores, b.constant<float>({7}, {0, -INFINITY, -1e9f, 0, 0, 1, 0})});
    });
  }
  SECTION("a scale before the product too") {
    const ValueId scaled_q = g.node("Mul", {q, g.scalar(0.7f)});
    const ValueId scaled_k = g.node("Div", {kt, g.scalar(3.0f)});
    fuse(g, attend(g, scaled_q, scaled_k, v), "FusedAttention");
  }
}

TEST_CASE("fuse_attention takes masks of bools", "[passes]") {
  GraphBuilder g;
  const ValueId q = g.input("q", {1, 2, 3, 4}), k = g.input("k", {1, 2, 5, 4});
  const ValueId v = g.input("v", {1, 2, 5, 8}), kt = turned(g, k, {0, 1, 3, 2});
  const ValueId scores = g.node("MatMul", {q, kt});
  const bool t = true, f = false;
  const auto finish = [&](ValueId masked) {
    fuse(g, g.node("MatMul", {g.node("Softmax", {masked}), v}), "Cast FusedAttention");
  };
  SECTION("true is seen") {
    const ValueId mask = flags(g, {3, 5}, {t, f, f, f, t, t, t, f, f, f, t, t, t, f, t});
    finish(g.node("Where", {mask, scores, g.scalar(-1e9f)}));
  }
  SECTION("true is hidden") {
    const ValueId mask = flags(g, {1, 1, 1, 5}, {t, f, f, f, t});
    finish(g.node("Where", {mask, g.scalar(-INFINITY), scores}));
  }
  SECTION("a row that is all filled") {
    const ValueId mask = flags(g, {3, 1}, {t, f, t});
    finish(g.node("Where", {mask, scores, g.scalar(-3.0f)}));
  }
}

TEST_CASE("fuse_attention reads and writes heads as they lie", "[passes]") {
  GraphBuilder g;
  SECTION("heads inside") {
    const ValueId q = turned(g, g.input("q", {2, 5, 3, 4}), {0, 2, 1, 3});
    const ValueId k = turned(g, g.input("k", {2, 7, 3, 4}), {0, 2, 3, 1});
    const ValueId v = turned(g, g.input("v", {2, 7, 3, 6}), {0, 2, 1, 3});
    fuse(g, turned(g, attend(g, q, k, v), {0, 2, 1, 3}), "FusedAttention");
  }
  SECTION("parts of one tensor, gathered") {
    const ValueId all = turned(g, g.input("x", {2, 5, 3, 4, 6}), {2, 0, 3, 1, 4});
    const auto part = [&](int64_t i) {
      return g.node("Gather", {all, g.scalar<int64_t>(i)}, {{"axis", int64_t{0}}});
    };
    const ValueId q = g.node("Mul", {part(0), g.scalar(0.5f)});
    const ValueId y = attend(g, q, turned(g, part(1), {0, 1, 3, 2}), part(2));
    fuse(g, turned(g, y, {0, 2, 1, 3}), "FusedAttention");
  }
  SECTION("parts of one tensor, split") {
    const ValueId all = turned(g, g.input("x", {2, 5, 3, 4, 6}), {2, 0, 3, 1, 4});
    const auto parts = g.nodes("Split", {all}, 3, {{"axis", int64_t{0}}});
    const auto part = [&](size_t i) {
      return g.node("Squeeze", {parts[i], g.constant<int64_t>({1}, {0})});
    };
    fuse(g, attend(g, part(0), turned(g, part(1), {0, 1, 3, 2}), part(2)), "FusedAttention");
  }
  SECTION("no batch") {
    const ValueId q = turned(g, g.input("q", {5, 3, 4}), {1, 0, 2});
    const ValueId k = turned(g, g.input("k", {7, 3, 4}), {1, 2, 0});
    const ValueId v = turned(g, g.input("v", {7, 3, 6}), {1, 0, 2});
    fuse(g, turned(g, attend(g, q, k, v), {1, 0, 2}), "FusedAttention");
  }
  SECTION("a Transpose with another reader") {
    const ValueId q = g.input("q", {1, 2, 5, 4}), k = g.input("k", {1, 2, 7, 4});
    const ValueId kt = turned(g, k, {0, 1, 3, 2});
    g.output(kt, "kt");
    fuse(g, attend(g, q, kt, g.input("v", {1, 2, 7, 6})), "Transpose FusedAttention");
  }
  SECTION("batches and heads that broadcast") {
    const ValueId q = g.input("q", {1, 4, 5, 3}), k = g.input("k", {2, 1, 7, 3});
    const ValueId v = g.input("v", {1, 4, 7, 2});
    fuse(g, attend(g, q, turned(g, k, {0, 1, 3, 2}), v), "FusedAttention");
  }
  SECTION("a mask that repeats queries and keys") {
    const ValueId q = g.input("q", {1, 2, 1, 3}), k = g.input("k", {1, 2, 1, 3});
    const ValueId v = g.input("v", {1, 2, 7, 9}), kt = turned(g, k, {0, 1, 3, 2});
    const Between between = [](GraphBuilder& b, ValueId scores) {
      return b.node("Add", {scores, b.random({3, 1, 5, 7})});
    };
    fuse(g, attend(g, q, kt, v, between), "FusedAttention");
  }
  SECTION("many queries and keys") {
    const ValueId q = g.input("q", {1, 2, 101, 16}), k = g.input("k", {1, 2, 311, 16});
    const ValueId v = g.input("v", {1, 2, 311, 17});
    fuse(g, attend(g, q, turned(g, k, {0, 1, 3, 2}), v), "FusedAttention");
  }
  SECTION("no keys") {
    const ValueId q = g.input("q", {1, 2, 5, 4}), k = g.input("k", {1, 2, 0, 4});
    const ValueId v = g.input("v", {1, 2, 0, 6});
    fuse(g, attend(g, q, turned(g, k, {0, 1, 3, 2}), v), "FusedAttention");
  }
}

namespace {

// Heads of x [2, 2, t, 4] three times each; `length` and `batch` as the model's list of dims has
// them.
ValueId repeated(GraphBuilder& g, ValueId x, ValueId batch, ValueId length) {
  const auto ints_of = [&](int64_t i) { return g.constant<int64_t>({1}, {i}); };
  const ValueId wide = g.node("Unsqueeze", {x, ints_of(2)});
  const auto list = [&](std::vector<ValueId> parts) {
    return g.node("Concat", std::move(parts), {{"axis", int64_t{0}}});
  };
  const ValueId five = list({batch, ints_of(2), ints_of(3), length, ints_of(4)});
  const ValueId four = list({batch, ints_of(6), length, ints_of(4)});
  return g.node("Reshape", {g.node("Expand", {wide, five}), four});
}

}  // namespace

TEST_CASE("fuse_attention shares repeated heads", "[passes]") {
  GraphBuilder g;
  const auto dim_of = [&](ValueId x, int64_t axis) {
    return g.node("Gather", {g.node("Shape", {x}), g.constant<int64_t>({1}, {axis})});
  };
  const ValueId q = g.input("q", {2, 6, 5, 4});
  const ValueId k = g.input("k", {2, 2, kUnknownDim, 4}), v = g.input("v", {2, 2, kUnknownDim, 4});
  const auto finish = [&](ValueId many_k, ValueId many_v, const char* expected_types) {
    g.output(attend(g, q, turned(g, many_k, {0, 1, 3, 2}), many_v), "y");
    const auto graph = g.finish();
    const auto before = copy(*graph);
    run_pass(*graph, "fuse_attention");
    run_pass(*graph, "remove_unused");
    CHECK(types(*graph) == expected_types);
    const std::vector<Shape> shapes{{2, 6, 5, 4}, {2, 2, 9, 4}, {2, 2, 9, 4}};
    check_same(run_compiled(*graph, 7, shapes), interpret(*before, 7, shapes));
  };
  SECTION("dims of the keys and values themselves") {
    const ValueId many_k = repeated(g, k, dim_of(k, 0), dim_of(k, 2));
    const ValueId many_v = repeated(g, v, dim_of(v, 0), dim_of(v, -2));
    finish(many_k, many_v, "FusedAttention");
  }
  SECTION("a length that comes from elsewhere may repeat as well") {
    const ValueId many_k = repeated(g, k, dim_of(k, 0), dim_of(v, 2));
    const ValueId many_v = repeated(g, v, dim_of(v, 0), dim_of(k, 2));
    finish(many_k, many_v,
           "Shape Gather Shape Gather Unsqueeze Concat Concat Expand Reshape Shape Gather Shape "
           "Gather "
           "Unsqueeze Concat Concat Expand Reshape FusedAttention");
  }
}

TEST_CASE("fuse_attention leaves what differs", "[passes]") {
  GraphBuilder g;
  const ValueId q = g.input("q", {2, 3, 5, 4}), k = g.input("k", {2, 3, 7, 4});
  const ValueId v = g.input("v", {2, 3, 7, 6}), kt = turned(g, k, {0, 1, 3, 2});
  SECTION("scores that are an output") {
    const ValueId scores = g.node("MatMul", {q, kt});
    g.output(scores, "scores");
    const ValueId y = g.node("MatMul", {g.node("Softmax", {scores}), v});
    fuse(g, y, "Transpose MatMul Softmax MatMul");
  }
  SECTION("another axis") {
    const ValueId p = g.node("Softmax", {g.node("MatMul", {q, kt})}, {{"axis", int64_t{2}}});
    fuse(g, g.node("MatMul", {p, v}), "Transpose MatMul Softmax MatMul");
  }
  SECTION("a mask that makes more scores") {
    const Between between = [](GraphBuilder& b, ValueId scores) {
      return b.node("Add", {scores, b.random({1, 2, 3, 5, 7})});
    };
    fuse(g, attend(g, q, kt, v, between), "Transpose MatMul Add Softmax MatMul");
  }
  SECTION("a scale for each head") {
    const Between between = [](GraphBuilder& b, ValueId scores) {
      return b.node("Mul", {scores, b.random({3, 1, 1})});
    };
    fuse(g, attend(g, q, kt, v, between), "Transpose MatMul Mul Softmax MatMul");
  }
  SECTION("keys that nothing transposes") {
    fuse(g, attend(g, q, g.input("kt", {2, 3, 4, 7}), v), "MatMul Softmax MatMul");
  }
}

TEST_CASE("attention stays in parts for a GPU", "[passes]") {
  GraphBuilder g;
  const ValueId q = g.input("q", {2, 3, 5, 4}), k = g.input("k", {2, 3, 7, 4});
  g.output(attend(g, q, turned(g, k, {0, 1, 3, 2}), g.input("v", {2, 3, 7, 6})), "y");
  const auto graph = g.finish();
  const auto for_cpu = copy(*graph);
  REQUIRE(run_passes(*graph, true).ok());
  CHECK(types(*graph) == "Transpose MatMul Softmax MatMul");
  REQUIRE(run_passes(*for_cpu, false).ok());
  CHECK(types(*for_cpu) == "FusedAttention");
}

}  // namespace sardonyx::test
