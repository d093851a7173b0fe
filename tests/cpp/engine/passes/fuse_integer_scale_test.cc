#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

constexpr int64_t kFloat = 1;  // of Cast

std::vector<int8_t> codes(size_t count) {
  std::vector<int8_t> out;
  for (float x : random_floats(count, 3, -127, 127)) out.push_back(static_cast<int8_t>(x));
  return out;
}

// What DynamicQuantizeLinear of an input, of a matrix or of a map of 3 channels, is multiplied by.
struct Product {
  GraphBuilder g;
  std::vector<ValueId> x;  // bytes, scale, zero point
  ValueId sums = kNoValue;

  explicit Product(bool conv = false) {
    const ValueId input = g.input("x", conv ? Shape{2, 3, 6, 5} : Shape{2, 4, 6});
    x = g.nodes("DynamicQuantizeLinear", {input}, 3);
    sums = multiply(conv);
  }
  ValueId multiply(bool conv) {
    const Shape shape = conv ? Shape{5, 3, 3, 3} : Shape{6, 5};
    const auto count = static_cast<size_t>(shape.product(0, shape.rank()));
    return g.node(conv ? "ConvInteger" : "MatMulInteger",
                  {x[0], g.constant<int8_t>(shape, codes(count)), x[2]});
  }
  ValueId cast(ValueId from) { return g.node("Cast", {from}, {{"to", kFloat}}); }
  ValueId factor(ValueId scale) { return g.node("Mul", {x[1], scale}); }
  ValueId scaled(ValueId scale) { return g.node("Mul", {cast(sums), factor(scale)}); }
};

Node fuse(GraphBuilder& g, ValueId y, const std::string& expected_types) {
  g.output(y, "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  run_pass(*graph, "fuse_integer_scale");
  run_pass(*graph, "remove_unused");
  REQUIRE(types(*graph) == expected_types);
  check_equivalent(*before, *graph);
  return graph->nodes.back();
}

TEST_CASE("fuse_integer_scale makes floats of the sums of MatMulInteger", "[passes]") {
  Product p;
  GraphBuilder& g = p.g;
  const std::string fused = "DynamicQuantizeLinear FusedMatMulInteger";
  SECTION("one scale for all columns") {
    fuse(g, p.scaled(g.scalar(0.01f)), fused);
  }
  SECTION("a scale per column, and a bias") {
    fuse(g, g.node("Add", {g.random({5}), p.scaled(g.random({5}))}), fused);
  }
  SECTION("a row of scales as a matrix, first operands") {
    fuse(g, g.node("Mul", {g.node("Mul", {g.random({1, 5}), p.x[1]}), p.cast(p.sums)}), fused);
  }
  SECTION("scales that are one product already") {
    fuse(g, g.node("Mul", {p.cast(p.sums), g.random({1, 1, 5})}), fused);
  }
  SECTION("a scale of zero and a negative one") {
    fuse(g, p.scaled(g.constant<float>({5}, {0, -1, 0.5f, 2, -0.25f})), fused);
  }
  SECTION("a bias that is computed later") {
    const ValueId y = p.scaled(g.random({5}));
    const ValueId late = g.node("Exp", {g.input("b", {5})});
    fuse(g, g.node("Add", {y, late}), "DynamicQuantizeLinear Exp FusedMatMulInteger");
  }
  SECTION("two products of the same bytes") {
    const ValueId first = p.scaled(g.random({5}));
    p.sums = p.multiply(false);
    g.output(first, "first");
    fuse(g, p.scaled(g.random({5})), "DynamicQuantizeLinear FusedMatMulInteger FusedMatMulInteger");
  }
}

TEST_CASE("fuse_integer_scale makes floats of the sums of ConvInteger", "[passes]") {
  Product p(true);
  GraphBuilder& g = p.g;
  const std::string fused = "DynamicQuantizeLinear FusedConvInteger";
  SECTION("one scale") {
    fuse(g, p.scaled(g.scalar(0.01f)), fused);
  }
  SECTION("a scale per filter, and a bias") {
    fuse(g, g.node("Add", {p.scaled(g.random({5, 1, 1})), g.random({1, 5, 1, 1})}), fused);
  }
  SECTION("a bias per column of the map") {
    fuse(g, g.node("Add", {p.scaled(g.scalar(0.01f)), g.random({3})}), fused + " Add");
  }
}

TEST_CASE("fuse_integer_scale leaves what multiplies otherwise", "[passes]") {
  Product p;
  GraphBuilder& g = p.g;
  const std::string before = "DynamicQuantizeLinear MatMulInteger Cast ";
  SECTION("a factor per row") {
    fuse(g, g.node("Mul", {p.cast(p.sums), g.random({4, 1})}), before + "Mul");
  }
  SECTION("a factor per element") {
    fuse(g, g.node("Mul", {p.cast(p.sums), g.random({4, 5})}), before + "Mul");
  }
  SECTION("a factor that makes the output larger") {
    fuse(g, g.node("Mul", {p.cast(p.sums), g.random({1, 1, 1, 5})}), before + "Mul");
  }
  SECTION("another reader of the floats") {
    const ValueId floats = p.cast(p.sums);
    g.output(floats, "floats");
    fuse(g, g.node("Mul", {floats, g.random({5})}), before + "Mul");
  }
  SECTION("a bias per row, which stays behind") {
    fuse(g, g.node("Add", {p.scaled(g.random({5})), g.random({4, 1})}),
         "DynamicQuantizeLinear FusedMatMulInteger Add");
  }
}

}  // namespace
}  // namespace sardonyx::test
