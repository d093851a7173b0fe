// Functions that the model defines.
#include <catch2/catch_test_macros.hpp>

#include "engine/session.h"
#include "tests/cpp/loader/onnx_models.h"

namespace sardonyx::testing {
namespace {

using testing::add_node;

using onnx::AttributeProto;
using onnx::FunctionProto;
using onnx::NodeProto;

constexpr const char* kDomain = "local";

FunctionProto* add_function(onnx::ModelProto& model, const std::string& name,
                            const std::vector<std::string>& inputs,
                            const std::vector<std::string>& outputs) {
  FunctionProto* function = model.add_functions();
  function->set_domain(kDomain);
  function->set_name(name);
  for (const std::string& input : inputs) function->add_input(input);
  for (const std::string& output : outputs) function->add_output(output);
  function->add_opset_import()->set_version(17);
  return function;
}

NodeProto* add_node(FunctionProto& function, const std::string& type,
                    const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                    const std::string& domain = "") {
  NodeProto* node = function.add_node();
  node->set_op_type(type);
  node->set_domain(domain);
  for (const std::string& input : inputs) node->add_input(input);
  for (const std::string& output : outputs) node->add_output(output);
  return node;
}

void refer(NodeProto& node, const std::string& name, const std::string& to,
           AttributeProto::AttributeType type) {
  AttributeProto* attribute = add_attribute(node, name, type);
  attribute->set_ref_attr_name(to);
}

void set_float(AttributeProto* attribute, float value) {
  attribute->set_f(value);
}

// x[3] → a call of `name` → y.
onnx::ModelProto calling(const std::string& name, const std::vector<std::string>& inputs = {"x"},
                         const std::vector<std::string>& outputs = {"y"}) {
  onnx::ModelProto model = empty_model();
  auto* import = model.add_opset_import();
  import->set_domain(kDomain);
  import->set_version(1);
  onnx::GraphProto& graph = *model.mutable_graph();
  add_float_input(graph, "x", {3});
  NodeProto* node = add_node(graph, name, inputs, outputs);
  node->set_domain(kDomain);
  node->set_name("call");
  for (const std::string& output : outputs) {
    if (!output.empty()) add_output(graph, output);
  }
  return model;
}

std::vector<float> run(const onnx::ModelProto& model, std::vector<float> x, size_t output = 0) {
  auto graph = load(model, 7);
  INFO(graph.status().message());
  REQUIRE(graph.ok());
  auto session = Session::create(graph.take());
  INFO(session.status().message());
  REQUIRE(session.ok());
  Run run(**session);
  REQUIRE(run.set_input(0, {DType::kFloat32, Layout::kRowMajor, {3}, x.data()}, 12).ok());
  REQUIRE(run.start().ok());
  REQUIRE(run.advance(0).ok());
  const TensorView view = run.output(output);
  return {view.as<float>(), view.as<float>() + view.elements()};
}

Status refused(const onnx::ModelProto& model) {
  Status status = load(model).take_status();
  INFO(status.message());
  REQUIRE_FALSE(status.ok());
  return status;
}

}  // namespace

TEST_CASE("a function is inlined, with names of its own") {
  onnx::ModelProto model = calling("TwiceNegated");
  FunctionProto& function = *add_function(model, "TwiceNegated", {"a"}, {"b"});
  add_node(function, "Add", {"a", "a"}, {"x"});
  add_node(function, "Neg", {"x"}, {"b"})->set_name("negate");
  const auto graph = load(model).take();
  REQUIRE(graph->nodes.size() == 2);
  CHECK(graph->nodes[1].name == "call/negate");
  CHECK(graph->values[graph->nodes[1].outputs[0]].name == "y");
  CHECK(graph->values[graph->nodes[0].outputs[0]].name == "call/x");
  CHECK(run(model, {1, 2, 3}) == std::vector<float>{-2, -4, -6});
}

TEST_CASE("functions call functions, and hand attributes on") {
  onnx::ModelProto model = calling("Outer");
  set_float(add_attribute(*model.mutable_graph()->mutable_node(0), "slope", AttributeProto::FLOAT),
            0.5f);
  FunctionProto& outer = *add_function(model, "Outer", {"v"}, {"w"});
  NodeProto* first = add_node(outer, "Leaky", {"v"}, {"u"}, kDomain);
  refer(*first, "alpha", "slope", AttributeProto::FLOAT);
  NodeProto* second = add_node(outer, "Leaky", {"u"}, {"w"}, kDomain);  // with the default
  refer(*second, "alpha", "absent", AttributeProto::FLOAT);
  FunctionProto& leaky = *add_function(model, "Leaky", {"v"}, {"w"});
  AttributeProto* fallback = leaky.add_attribute_proto();
  fallback->set_name("alpha");
  fallback->set_type(AttributeProto::FLOAT);
  fallback->set_f(0.25f);
  refer(*add_node(leaky, "LeakyRelu", {"v"}, {"w"}), "alpha", "alpha", AttributeProto::FLOAT);
  CHECK(run(model, {8, -8, 0}) == std::vector<float>{8, -1, 0});
}

TEST_CASE("inputs and outputs of a function may be left out, or be one value") {
  onnx::ModelProto model = calling("Clipped", {"x", "", "high"}, {"y", "", "same"});
  fill_raw(*model.mutable_graph()->add_initializer(), "high", onnx::TensorProto::FLOAT, {}, 4);
  FunctionProto& function =
      *add_function(model, "Clipped", {"v", "low", "high"}, {"w", "unused", "v"});
  add_node(function, "Abs", {"v"}, {"unused"});
  add_node(function, "Clip", {"unused", "low"}, {"w"});
  CHECK(run(model, {-5, 1, 2}) == std::vector<float>{5, 1, 2});
  CHECK(run(model, {-5, 1, 2}, 1) == std::vector<float>{-5, 1, 2});
}

TEST_CASE("a function has opsets of its own, and weights that all calls share") {
  onnx::ModelProto model = calling("Shifted");
  model.mutable_opset_import(0)->set_version(20);
  FunctionProto& function = *add_function(model, "Shifted", {"v"}, {"w"});
  function.mutable_opset_import(0)->set_version(12);
  NodeProto* constant = add_node(function, "Constant", {}, {"c"});
  auto* tensor = add_attribute(*constant, "value", AttributeProto::TENSOR)->mutable_t();
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  tensor->add_dims(512);
  tensor->set_raw_data(std::string(2048, '\0'));
  NodeProto* sum = add_node(function, "ReduceSum", {"c"}, {"zero"});
  add_attribute(*sum, "axes", AttributeProto::INTS)->add_ints(0);
  add_attribute(*sum, "keepdims", AttributeProto::INT)->set_i(0);
  add_node(function, "Sub", {"v", "zero"}, {"w"});
  onnx::GraphProto& graph = *model.mutable_graph();
  *graph.add_node() = graph.node(0);
  graph.mutable_node(1)->set_name("again");
  graph.mutable_node(1)->set_input(0, "y");
  graph.mutable_node(1)->set_output(0, "z");
  add_output(graph, "z");
  const auto loaded = load(model).take();
  REQUIRE(loaded->nodes.size() == 6);
  CHECK(loaded->nodes[0].attributes.get_tensor("value") ==
        loaded->nodes[3].attributes.get_tensor("value"));
  CHECK(run(model, {1, 2, 3}, 1) == std::vector<float>{1, 2, 3});
}

TEST_CASE("subgraphs of a function see its names, not those of the caller") {
  onnx::ModelProto model = calling("Guarded");
  FunctionProto& function = *add_function(model, "Guarded", {"v"}, {"w"});
  NodeProto* constant = add_node(function, "Constant", {}, {"limit"});
  set_float(add_attribute(*constant, "value_float", AttributeProto::FLOAT), 10);
  NodeProto* sum = add_node(function, "ReduceSum", {"v"}, {"total"});
  add_attribute(*sum, "keepdims", AttributeProto::INT)->set_i(0);
  add_node(function, "Less", {"total", "limit"}, {"small"});
  NodeProto* choose = add_node(function, "If", {"small"}, {"w"});
  for (const char* branch : {"then_branch", "else_branch"}) {
    auto* body = add_attribute(*choose, branch, AttributeProto::GRAPH)->mutable_g();
    add_node(*body, branch[0] == 't' ? "Neg" : "Abs", {"v"}, {std::string(branch)});
    add_output(*body, branch);
  }
  CHECK(run(model, {1, 2, 3}) == std::vector<float>{-1, -2, -3});
  CHECK(run(model, {10, 2, -1}) == std::vector<float>{10, 2, 1});

  choose->mutable_attribute(0)->mutable_g()->mutable_node(0)->set_input(0, "x");
  const Status status = refused(model);
  CHECK(status.code() == ErrorCode::GRAPH_INPUT_MISSING);
}

TEST_CASE("functions that do not fit their calls are refused") {
  onnx::ModelProto recursive = calling("F");
  add_node(*add_function(recursive, "F", {"v"}, {"w"}), "G", {"v"}, {"w"}, kDomain);
  add_node(*add_function(recursive, "G", {"v"}, {"w"}), "F", {"v"}, {"w"}, kDomain);
  CHECK(refused(recursive).code() == ErrorCode::MODEL_MALFORMED);

  onnx::ModelProto too_many = calling("F", {"x", "x"});
  add_node(*add_function(too_many, "F", {"v"}, {"w"}), "Neg", {"v"}, {"w"});
  CHECK(refused(too_many).code() == ErrorCode::MODEL_MALFORMED);
  CHECK(refused(too_many).node() == "call");

  onnx::ModelProto typed = calling("F");
  FunctionProto& function = *add_function(typed, "F", {"v"}, {"w"});
  refer(*add_node(function, "LeakyRelu", {"v"}, {"w"}), "alpha", "a", AttributeProto::FLOAT);
  add_attribute(*typed.mutable_graph()->mutable_node(0), "a", AttributeProto::INT)->set_i(1);
  CHECK(refused(typed).code() == ErrorCode::ATTRIBUTE_INVALID);

  onnx::ModelProto unproduced = calling("F");
  add_function(unproduced, "F", {"v"}, {"w"});
  CHECK(refused(unproduced).code() == ErrorCode::GRAPH_INPUT_MISSING);
}

TEST_CASE("inlining has limits") {
  // Each level calls the next one ten times.
  onnx::ModelProto wide = calling("F0");
  for (int level = 0; level < 8; ++level) {
    FunctionProto& function = *add_function(wide, "F" + std::to_string(level), {"v"}, {"w0"});
    for (int i = 0; i < 10; ++i) {
      const std::string output = "w" + std::to_string(i);
      add_node(function, level == 7 ? "Neg" : "F" + std::to_string(level + 1), {"v"}, {output},
               level == 7 ? "" : kDomain);
    }
  }
  CHECK(refused(wide).code() == ErrorCode::LIMIT_EXCEEDED);

  onnx::ModelProto deep = calling("F0");
  for (int level = 0; level < 100; ++level) {
    FunctionProto& function = *add_function(deep, "F" + std::to_string(level), {"v"}, {"w"});
    add_node(function, level == 99 ? "Neg" : "F" + std::to_string(level + 1), {"v"}, {"w"},
             level == 99 ? "" : kDomain);
  }
  CHECK(refused(deep).code() == ErrorCode::LIMIT_EXCEEDED);
}

}  // namespace sardonyx::testing
