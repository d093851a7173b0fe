// Writing an operator with other operators.
//
//   Status expand_quick_gelu(FunctionBody& body) {
//     const ValueId x = body.input(0);
//     const ValueId slope = body.scalar(body.dtype(0),
//     body.attributes().get_float("alpha", 1.702f)); body.output(0, body.op("Mul", {x,
//     body.op("Sigmoid", {body.op("Mul", {x, slope})})})); return {};
//   }
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/graph.h"
#include "engine/infer.h"

namespace sardonyx {

// The opset of ai.onnx that bodies are written in; of other domains it is 1.
inline constexpr int kFunctionOpset = 22;

// The body of one node. Values are added to the graph at once, nodes are kept for the caller.
class FunctionBody {
 public:
  // `facts` has an entry per input of the node.
  FunctionBody(Graph& graph, const Node& caller, std::span<const ValueFacts> facts);

  const Node& caller() const { return caller_; }
  const Attributes& attributes() const { return caller_.attributes; }
  // Those of these names that the node has.
  Attributes copied(std::initializer_list<const char*> names) const;
  int opset() const { return caller_.opset; }
  std::string_view type() const { return caller_.type; }

  bool has_input(size_t i) const { return i < caller_.inputs.size() && input(i) != kNoValue; }
  size_t input_count() const { return caller_.inputs.size(); }
  // kNoValue when it is left out.
  ValueId input(size_t i) const { return i < caller_.inputs.size() ? caller_.inputs[i] : kNoValue; }
  // What is known of an input; nothing when it is left out.
  const ValueFacts& facts(size_t i) const;
  DType dtype(size_t i) const { return facts(i).dtype; }
  // MODEL_UNSUPPORTED when not even the rank is known, GRAPH_INPUT_MISSING.
  Result<int> rank(size_t i) const;
  // GRAPH_INPUT_MISSING unless the first `count` inputs are there.
  Status require_inputs(size_t count) const;
  // Whether anything reads it.
  bool has_output(size_t i) const {
    return i < caller_.outputs.size() && caller_.outputs[i] != kNoValue;
  }

  // Adds a node. kNoValue leaves an optional input out. Lists and plain references, for calls of
  // these are half of the code of all functions.
  using Inputs = std::initializer_list<ValueId>;
  ValueId op(std::string_view type, Inputs inputs);
  ValueId op(std::string_view type, Inputs inputs, const Attributes& attributes,
             std::string_view domain = {});
  ValueId op(std::string_view type, const std::vector<ValueId>& inputs,
             const Attributes& attributes = {}, std::string_view domain = {});
  std::vector<ValueId> ops(std::string_view type, Inputs inputs, size_t outputs,
                           const Attributes& attributes = {}, std::string_view domain = {});
  std::vector<ValueId> ops(std::string_view type, const std::vector<ValueId>& inputs,
                           size_t outputs, const Attributes& attributes = {},
                           std::string_view domain = {});
  ValueId cast(ValueId value, DType to);
  // Adds the nodes of a graph that is an attribute, its inputs being `inputs`; its outputs.
  // MODEL_MALFORMED when there are more or fewer of them.
  Result<std::vector<ValueId>> inline_graph(const Graph& graph, std::span<const ValueId> inputs);

  // Constants. A failed allocation is reported by finish().
  ValueId scalar(DType dtype, double value);
  ValueId ints(std::initializer_list<int64_t> values);  // int64, rank 1
  ValueId ints(const std::vector<int64_t>& values);
  // As many as the shape has elements: ATTRIBUTE_INVALID when there are more or fewer.
  ValueId floats(DType dtype, const Shape& shape, std::span<const float> values);
  ValueId strings(std::span<const std::string> values);  // rank 1

  // Output i of the node is `value`, of an input or of a node of the body.
  void output(size_t i, ValueId value);

  // The nodes, in order. MODEL_UNSUPPORTED when an output that is read has not been given.
  Result<std::vector<Node>> finish();

 private:
  ValueId constant(DType dtype, const Shape& shape, DType from, const void* values);
  std::vector<ValueId> add_node(std::string_view type, std::span<const ValueId> inputs,
                                size_t outputs, const Attributes& attributes,
                                std::string_view domain);
  // False, and a failure, for dtypes without numbers.
  bool has_arithmetic(DType dtype);
  ValueId constant(Result<std::shared_ptr<Constant>> made);

  Graph& graph_;
  const Node& caller_;
  std::span<const ValueFacts> facts_;
  std::vector<Node> nodes_;
  std::vector<ValueId> outputs_;
  Status failure_;
};

}  // namespace sardonyx
