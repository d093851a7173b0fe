// A build with some operators only (SARDONYX_OPERATORS, SARDONYX_FUNCTIONS): this program links the
// files with the tables, compiled for a few operators and no function, in place of the core's.
#include <catch2/catch_test_macros.hpp>

#include "engine/functions/registry.h"
#include "engine/graph_edit.h"
#include "engine/session.h"
#include "tests/cpp/engine/graph_builder.h"
#include "tests/cpp/engine/graph_run.h"

namespace sardonyx::test {
namespace {

Status compile(GraphBuilder& g) {
  auto graph = g.raw();
  if (Status status = normalize(*graph); !status.ok()) return status;
  return Session::create(std::move(graph)).take_status();
}

TEST_CASE("a build has the operators that were chosen and no others") {
  std::string names;
  for (const Operator& op : all_operators()) names += std::string(op.name) + " ";
  CHECK(names == "Identity Relu Add Conv FusedConv ConvertLayout ");
  CHECK(find_operator("", "Relu", 17) != nullptr);
  CHECK(find_operator("", "Sigmoid", 17) == nullptr);
  CHECK(all_functions().empty());
  CHECK(find_function("com.microsoft", "BiasGelu", 1) == nullptr);
}

TEST_CASE("a model of the chosen operators runs") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 3, 8, 8});
  const ValueId y = g.node("Conv", {x, g.random({4, 3, 3, 3})});
  g.output(g.node("Relu", {g.node("Add", {y, g.random({1, 4, 6, 6})})}), "y");
  const auto graph = g.finish();
  check_same(run_compiled(*graph), interpret(*graph));
}

TEST_CASE("another operator is refused by name, with the way to have it") {
  GraphBuilder g;
  g.output(g.node("Sigmoid", {g.node("Relu", {g.input("x", {2})})}), "y");
  const Status status = compile(g);
  CHECK(status.code() == ErrorCode::OPERATOR_UNSUPPORTED);
  CHECK(status.op() == "Sigmoid");
  INFO(status.message());
  CHECK(status.message().find("Sigmoid of ai.onnx opset 17") != std::string_view::npos);
  CHECK(status.message().find("--ops-from") != std::string_view::npos);
}

TEST_CASE("a function that was not chosen is refused too") {
  GraphBuilder g;
  g.output(g.node("BiasGelu", {g.input("x", {2, 4}), g.random({4})}, {}, "com.microsoft"), "y");
  const Status status = compile(g);
  CHECK(status.code() == ErrorCode::OPERATOR_UNSUPPORTED);
  CHECK(status.op() == "BiasGelu");
}

}  // namespace
}  // namespace sardonyx::test
