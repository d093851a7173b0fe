#include <catch2/catch_test_macros.hpp>

#include "engine/pass.h"
#include "engine/passes/inline_constants.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

TEST_CASE("fold_constants computes what does not depend on inputs", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3});
  const ValueId sum = g.node("Add", {g.constant<float>({3}, {1, 2, 3}), g.scalar(0.5f)});
  g.output(g.node("Add", {x, g.node("Mul", {sum, g.scalar(2.0f)})}), "y");
  const auto graph = g.finish();
  const auto before = copy(*graph);
  CHECK(run_pass(*graph, "fold_constants"));
  REQUIRE(types(*graph) == "Add");
  CHECK(contents(*graph, graph->nodes[0].inputs[1]) == std::vector<float>{3, 5, 7});
  check_equivalent(*before, *graph);
  CHECK_FALSE(run_pass(*graph, "fold_constants"));
}

TEST_CASE("fold_constants frees what only folded nodes read", "[passes]") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3});
  const ValueId a = g.constant<float>({3}, {1, 2, 3});
  const ValueId b = g.constant<float>({3}, {1, 1, 1});
  g.output(g.node("Add", {x, g.node("Add", {a, b})}), "y");
  g.output(g.node("Mul", {x, b}), "z");
  const auto graph = g.finish();
  CHECK(run_pass(*graph, "fold_constants"));
  CHECK(graph->values[a].constant == nullptr);
  CHECK(graph->values[b].constant != nullptr);
}

TEST_CASE("fold_constants follows shapes through a chain in one go", "[passes]") {
  GraphBuilder g;
  // Each Reshape is known only when the Shape before it has been folded.
  ValueId h = g.input("x", {2, 3, 4});
  for (int i = 0; i < 12; ++i) {
    const ValueId shape = g.node("Shape", {h});
    const ValueId batch = g.node("Gather", {shape, g.constant<int64_t>({1}, {0})});
    const ValueId rest = g.constant<int64_t>({1}, {-1});
    h = g.node("Reshape", {h, g.node("Concat", {batch, rest}, {{"axis", int64_t{0}}})});
    h = g.node("Relu", {h});
  }
  g.output(h, "y");
  const auto graph = g.finish();
  CHECK(run_pass(*graph, "fold_constants"));
  for (const Node& node : graph->nodes) CHECK((node.type == "Reshape" || node.type == "Relu"));
  CHECK(graph->values[graph->outputs[0]].shape == Shape{2, 12});
}

TEST_CASE("fold_constants leaves what may change", "[passes]") {
  GraphBuilder g;
  SECTION("Shape of unknown dims") {
    g.output(g.node("Shape", {g.input("x", {kUnknownDim, 3})}), "y");
    const auto graph = g.finish();
    CHECK_FALSE(run_pass(*graph, "fold_constants"));
    CHECK(types(*graph) == "Shape");
  }
  SECTION("defaults of inputs") {
    const ValueId weight = g.constant<float>({2}, {1, 2});
    g.make_optional(weight);
    g.output(g.node("Relu", {weight}), "y");
    const auto graph = g.finish();
    CHECK_FALSE(run_pass(*graph, "fold_constants"));
    CHECK(graph->values[weight].constant != nullptr);
  }
  SECTION("what would make the model grow") {
    const ValueId shape = g.constant<int64_t>({1}, {(4 << 20) / 4 + 1});
    g.output(g.node("Expand", {g.scalar(1.0f), shape}), "y");
    const auto graph = g.finish();
    CHECK_FALSE(run_pass(*graph, "fold_constants"));
  }
}

TEST_CASE("fold_constants makes constants of graph outputs", "[passes]") {
  GraphBuilder g;
  g.output(g.node("Relu", {g.constant<float>({2}, {-1, 2})}), "y");
  const auto graph = g.finish();
  CHECK(run_pass(*graph, "fold_constants"));
  CHECK(graph->nodes.empty());
  CHECK(contents(*graph, graph->outputs[0]) == std::vector<float>{0, 2});
  CHECK(graph->values[graph->outputs[0]].name == "y");
}

TEST_CASE("fold_constants leaves a node that fails where it is", "[passes]") {
  GraphBuilder g;
  const ValueId index = g.constant<int64_t>({1}, {5});
  g.output(g.node("Gather", {g.constant<float>({2}, {1, 2}), index}), "y");
  const auto graph = g.finish();
  CHECK_FALSE(run_pass(*graph, "fold_constants"));
  CHECK(types(*graph) == "Gather");
}

ConstantPtr tensor_attribute() {
  auto constant = make_constant(DType::kFloat32, {2});
  REQUIRE(constant.ok());
  (*constant)->view().as<float>()[0] = 3.0f;
  (*constant)->view().as<float>()[1] = 4.0f;
  return constant.take();
}

TEST_CASE("inline_constants takes every form of Constant", "[passes]") {
  GraphBuilder g;
  DType dtype = DType::kFloat32;
  Shape shape;
  Attribute attribute;
  SECTION("value") {
    attribute = {"value", tensor_attribute()};
    shape = {2};
  }
  SECTION("value_float") {
    attribute = {"value_float", 1.5f};
  }
  SECTION("value_floats") {
    attribute = {"value_floats", floats({1, 2, 3})};
    shape = {3};
  }
  SECTION("value_int") {
    attribute = {"value_int", int64_t{7}};
    dtype = DType::kInt64;
  }
  SECTION("value_ints") {
    attribute = {"value_ints", ints({7, 8})};
    dtype = DType::kInt64;
    shape = {2};
  }
  const ValueId y = g.node("Constant", {}, {attribute});
  g.output(y, "y");
  const auto graph = g.raw();
  REQUIRE(inline_constants(*graph).ok());
  CHECK(graph->nodes.empty());
  REQUIRE(graph->values[y].constant != nullptr);
  CHECK(graph->values[y].constant->dtype == dtype);
  CHECK(graph->values[y].constant->shape == shape);
  CHECK(graph->values[y].producer == kNoNode);
}

TEST_CASE("inline_constants refuses what it can not hold", "[passes]") {
  const auto code = [](AttributeList attributes) {
    GraphBuilder g;
    g.output(g.node("Constant", {}, std::move(attributes)), "y");
    const auto graph = g.raw();
    const Status status = inline_constants(*graph);
    CHECK(status.node() == "Constant0");
    return status.code();
  };
  CHECK(code({{"sparse_value", int64_t{1}}}) == ErrorCode::MODEL_UNSUPPORTED);
  CHECK(code({}) == ErrorCode::ATTRIBUTE_INVALID);
}

}  // namespace
}  // namespace sardonyx::test
