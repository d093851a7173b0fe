#include "tests/cpp/engine/graph_builder.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "base/string_tensor.h"
#include "engine/functions/resolve.h"
#include "engine/graph_edit.h"
#include "engine/pass.h"

namespace sardonyx::test {
namespace {

void require_ok(const Status& status) {
  INFO(status.message() << " (" << status.node() << " " << status.op() << ")");
  REQUIRE(status.ok());
}

}  // namespace

GraphBuilder::GraphBuilder(int opset) : graph_(std::make_unique<Graph>()) {
  graph_->opsets[""] = opset;
  graph_->opsets["com.microsoft"] = 1;
  graph_->opsets["ai.onnx.ml"] = 5;
  graph_->opsets["ai.onnx.preview"] = 1;
  graph_->ir_version = 8;
}

ValueId GraphBuilder::input(const std::string& name, const Shape& shape, DType dtype,
                            ValueKind kind) {
  Value value;
  value.name = name;
  value.dtype = dtype;
  value.has_shape = true;
  value.shape = shape;
  value.kind = kind;
  const ValueId id = graph_->add_value(std::move(value));
  graph_->inputs.push_back(id);
  return id;
}

ValueId GraphBuilder::add_constant(DType dtype, const Shape& shape, const void* data,
                                   size_t bytes) {
  auto constant = make_constant(dtype, shape);
  require_ok(constant.status());
  REQUIRE((*constant)->view().bytes() == bytes);
  if (bytes > 0) std::memcpy((*constant)->view().data, data, bytes);
  return add_constant(constant.take());
}

ValueId GraphBuilder::add_constant(ConstantPtr constant) {
  const ValueId id = add_value("c");
  Value& value = graph_->values[id];
  value.dtype = constant->dtype;
  value.has_shape = true;
  value.shape = constant->shape;
  value.constant = std::move(constant);
  return id;
}

ValueId GraphBuilder::strings(const Shape& shape, const std::vector<std::string_view>& values) {
  auto made = make_strings(shape, values);
  require_ok(made.status());
  return add_constant(made.take());
}

ValueId GraphBuilder::random(const Shape& shape, float low, float high) {
  const auto count = static_cast<size_t>(shape.product(0, shape.rank()));
  return constant(shape, random_floats(count, seed_++, low, high));
}

void GraphBuilder::make_optional(ValueId constant) {
  graph_->values[constant].optional_input = true;
  graph_->inputs.push_back(constant);
}

ValueId GraphBuilder::add_value(const std::string& prefix) {
  Value value;
  value.name = prefix + std::to_string(graph_->values.size());
  return graph_->add_value(std::move(value));
}

ValueId GraphBuilder::node(const std::string& type, std::vector<ValueId> inputs,
                           AttributeList attributes, const std::string& domain) {
  return nodes(type, std::move(inputs), 1, std::move(attributes), domain)[0];
}

std::vector<ValueId> GraphBuilder::nodes(const std::string& type, std::vector<ValueId> inputs,
                                         size_t outputs, AttributeList attributes,
                                         const std::string& domain) {
  Node node;
  node.name = type + std::to_string(graph_->nodes.size());
  node.type = type;
  node.domain = domain;
  node.inputs = std::move(inputs);
  for (Attribute& attribute : attributes) {
    node.attributes.set(attribute.name, std::move(attribute.value));
  }
  for (size_t i = 0; i < outputs; ++i) node.outputs.push_back(add_value("v"));
  graph_->nodes.push_back(node);
  return node.outputs;
}

void GraphBuilder::output(ValueId value, const std::string& name) {
  if (!name.empty()) graph_->values[value].name = name;
  graph_->outputs.push_back(value);
}

std::unique_ptr<Graph> GraphBuilder::finish() {
  require_ok(normalize(*graph_));
  require_ok(resolve_graph(*graph_));
  return raw();
}

std::unique_ptr<Graph> GraphBuilder::raw() {
  return std::move(graph_);
}

ValueId GraphBuilder::untyped_input(const std::string& name) {
  Value value;
  value.name = name;
  const ValueId id = graph_->add_value(std::move(value));
  graph_->inputs.push_back(id);
  return id;
}

ValueId GraphBuilder::capture(const std::string& name) {
  ++graph_->captured;
  return untyped_input(name);
}

Attribute::Value GraphBuilder::body() {
  require_ok(normalize(*graph_));
  return std::shared_ptr<Graph>(raw());
}

std::vector<float> random_floats(size_t count, uint32_t seed, float low, float high) {
  std::vector<float> values(count);
  uint32_t state = seed * 2654435761u + 12345u;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = low + (high - low) * static_cast<float>(state >> 8) / 16777216.0f;
  }
  return values;
}

std::unique_ptr<Graph> copy(const Graph& graph) {
  auto copied = std::make_unique<Graph>(graph);
  for (Node& node : copied->nodes) {
    const std::vector<Attribute> attributes = node.attributes.all();
    for (const Attribute& attribute : attributes) {
      const auto* body = std::get_if<std::shared_ptr<Graph>>(&attribute.value);
      if (body) node.attributes.set(attribute.name, std::shared_ptr<Graph>(copy(**body)));
    }
  }
  return copied;
}

std::string types(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) text += (text.empty() ? "" : " ") + node.type;
  return text;
}

const Node& only(const Graph& graph, std::string_view type) {
  const Node* found = nullptr;
  for (const Node& node : graph.nodes) {
    if (node.type != type) continue;
    REQUIRE(found == nullptr);
    found = &node;
  }
  REQUIRE(found != nullptr);
  return *found;
}

std::vector<float> contents(const Graph& graph, ValueId value) {
  REQUIRE(value != kNoValue);
  const ConstantPtr constant = graph.values[value].constant;
  REQUIRE(constant != nullptr);
  REQUIRE(constant->dtype == DType::kFloat32);
  const TensorView view = constant->view();
  return {view.as<float>(), view.as<float>() + view.elements()};
}

bool run_pass(Graph& graph, std::string_view name) {
  const auto passes = all_passes();
  const auto pass = std::find_if(passes.begin(), passes.end(),
                                 [&](const Pass& candidate) { return candidate.name == name; });
  REQUIRE(pass != passes.end());
  bool changed = false;
  require_ok(pass->run(graph, changed));
  require_ok(normalize(graph));
  require_ok(infer_shapes(graph));
  return changed;
}

}  // namespace sardonyx::test
