// Graphs for tests, written down in a few lines:
//
//   GraphBuilder g;
//   const ValueId x = g.input("x", {1, 3, 8, 8});
//   const ValueId y = g.node("Conv", {x, g.random({4, 3, 3, 3})}, {{"pads", ints({1, 1, 1, 1})}});
//   g.output(g.node("Relu", {y}), "y");
//   Graph graph = g.finish();
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph.h"

namespace sardonyx::test {

using AttributeList = std::vector<Attribute>;
inline std::vector<int64_t> ints(std::vector<int64_t> values) {
  return values;
}
inline std::vector<float> floats(std::vector<float> values) {
  return values;
}

class GraphBuilder {
 public:
  explicit GraphBuilder(int opset = 17);

  ValueId input(const std::string& name, const Shape& shape, DType dtype = DType::kFloat32,
                ValueKind kind = ValueKind::kTensor);
  template <typename T>
  ValueId constant(const Shape& shape, const std::vector<T>& values) {
    return add_constant(kDTypeOf<T>, shape, values.data(), values.size() * sizeof(T));
  }
  template <typename T>
  ValueId scalar(T value) {
    return constant<T>({}, {value});
  }
  ValueId constant(ConstantPtr constant) { return add_constant(std::move(constant)); }
  ValueId strings(const Shape& shape, const std::vector<std::string_view>& values);
  ValueId boolean(bool value) { return add_constant(DType::kBool, {}, &value, sizeof(value)); }
  // Float32, uniform in [low, high], another sequence for each constant of the builder.
  ValueId random(const Shape& shape, float low = -1.0f, float high = 1.0f);
  // The value's graph input may be fed, with the constant as default (IR 3).
  void make_optional(ValueId constant);

  // Adds a node with one output.
  ValueId node(const std::string& type, std::vector<ValueId> inputs, AttributeList attributes = {},
               const std::string& domain = "");
  std::vector<ValueId> nodes(const std::string& type, std::vector<ValueId> inputs, size_t outputs,
                             AttributeList attributes = {}, const std::string& domain = "");
  // Makes the value a graph output, under `name` unless it is empty.
  void output(ValueId value, const std::string& name = "");

  // Normalized, with operators resolved and shapes inferred; fails the test when that fails.
  std::unique_ptr<Graph> finish();
  // Neither: for graphs that are not valid or not supported.
  std::unique_ptr<Graph> raw();

  // For the body of a control-flow node: a value of the graph around it, after all inputs. The node
  // gets it as one of its last inputs.
  ValueId capture(const std::string& name);
  // An input whose type the node tells.
  ValueId untyped_input(const std::string& name);
  // Normalized only, as the loader leaves it.
  Attribute::Value body();

 private:
  ValueId add_constant(ConstantPtr constant);
  ValueId add_constant(DType dtype, const Shape& shape, const void* data, size_t bytes);
  ValueId add_value(const std::string& prefix);

  std::unique_ptr<Graph> graph_;
  uint32_t seed_ = 1;
};

// Uniform in [low, high]; the same for the same seed everywhere.
std::vector<float> random_floats(size_t count, uint32_t seed, float low, float high);

// Copies a graph and its bodies; constants are shared.
std::unique_ptr<Graph> copy(const Graph& graph);

// "Conv Relu Add": the operators in order.
std::string types(const Graph& graph);
// The only node of that type; fails the test when there is none or more than one.
const Node& only(const Graph& graph, std::string_view type);
// Contents of a float32 constant input; fails the test when there is none.
std::vector<float> contents(const Graph& graph, ValueId value);
// Runs one pass of passes.def and infers shapes again. Returns whether it changed anything.
bool run_pass(Graph& graph, std::string_view name);

}  // namespace sardonyx::test
