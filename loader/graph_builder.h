// onnx.GraphProto → Graph.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/graph.h"
#include "loader/tensor_decode.h"

namespace google::protobuf {
template <typename Element>
class RepeatedPtrField;
}

namespace onnx {
class AttributeProto;
class FunctionProto;
class GraphProto;
class NodeProto;
class TensorProto;
class TypeProto;
class TypeProto_Tensor;
class ValueInfoProto;
}  // namespace onnx

namespace sardonyx {

// "" for the names of the default domain.
std::string_view canonical_domain(std::string_view domain);

// The tensor type inside `type`, and what it is in: null when `type` is not one of ValueKind.
const onnx::TypeProto_Tensor* element_type(const onnx::TypeProto& type, ValueKind& kind);

// The functions that the model defines, and what inlining them has done so far.
struct ModelFunctions {
  std::map<std::string, const onnx::FunctionProto*> by_name;  // "domain:name:overload"
  std::vector<const onnx::FunctionProto*> active;             // from the outside in
  size_t inlined_nodes = 0;
  // A tensor of a function is decoded once, however often the function is called.
  std::map<const onnx::TensorProto*, ConstantPtr> tensors;

  // The first of those with one name counts.
  void add(const onnx::FunctionProto& function);
};

// What all graphs of a model share.
struct ModelContext {
  TensorSources sources;
  std::map<std::string, int, std::less<>> opsets;
  int64_t ir_version = 0;
  ModelFunctions* functions = nullptr;
};

// Builds one graph. A name of a subgraph that it does not define itself is captured from the graphs
// around it: a constant is shared; any other value becomes one of the subgraph's last inputs
// (Graph::captured of them), and is appended to the inputs of the node that holds the subgraph,
// once per capturing subgraph in the order of the attributes. A node that calls a function of the
// model becomes the nodes of that function. Graphs are not normalized, subgraphs are.
class GraphBuilder {
 public:
  explicit GraphBuilder(const ModelContext& model, GraphBuilder* outer = nullptr);

  // Errors: those of decode_tensor(); GRAPH_DUPLICATE_NAME, MODEL_UNSUPPORTED, MODEL_MALFORMED,
  // ATTRIBUTE_INVALID, TENSOR_DIMS, LIMIT_EXCEEDED, DTYPE_UNSUPPORTED. They name node and tensor.
  Result<std::unique_ptr<Graph>> build(const onnx::GraphProto& proto);
  // Values of the outer graph that feed the last inputs.
  const std::vector<ValueId>& captured() const { return captured_; }

 private:
  Status add_inputs(const onnx::GraphProto& proto);
  Status add_initializers(const onnx::GraphProto& proto);
  Status add_types(const onnx::GraphProto& proto);
  Status add_outputs(const onnx::GraphProto& proto);
  using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
  Status declare_outputs(const Nodes& protos);
  Status add_nodes(const Nodes& protos);
  std::string node_name(const onnx::NodeProto& proto) const;
  Status add_node(const onnx::NodeProto& proto);
  Status add_attributes(const onnx::NodeProto& proto, Node& node);
  Status add_attribute(const onnx::AttributeProto& proto, Node& node);
  Result<Attribute::Value> attribute_value(const onnx::AttributeProto& proto, Node& node);
  Result<Attribute::Value> subgraph(const onnx::GraphProto& proto, Node& node);
  Status set_type(Value& value, const onnx::ValueInfoProto& info) const;
  Result<ConstantPtr> decode(const onnx::TensorProto& proto);

  // --- functions of the model, in inline_function.cc ---
  // What names stand for: in a graph, or in one call of a function.
  struct Scope {
    std::unordered_map<std::string, ValueId> ids;  // kNoValue: an input that is left out
    Scope* around = nullptr;                       // where the graph or the call is
    const onnx::NodeProto* call = nullptr;         // null for a graph
    const onnx::FunctionProto* function = nullptr;
    std::string prefix;  // of the names of nodes and values
  };
  // Null unless the node calls one.
  const onnx::FunctionProto* called_function(const onnx::NodeProto& proto) const;
  // MODEL_MALFORMED when a function calls itself; LIMIT_EXCEEDED.
  Status call_function(const onnx::NodeProto& call, const onnx::FunctionProto& function);
  Status check_call(const onnx::NodeProto& call, const onnx::FunctionProto& function) const;
  Status bind_parameters(Scope& scope, std::vector<std::pair<ValueId, ValueId>>& copies);
  // The attribute that a reference stands for, and the scope that it is of; null when neither the
  // call nor the function gives one.
  static const onnx::AttributeProto* dereference(const onnx::AttributeProto& proto, Scope*& scope);
  // The opset that the function imports, 0 in a graph.
  int function_opset(std::string_view domain) const;

  // GRAPH_DUPLICATE_NAME when the name is taken.
  Result<ValueId> declare(const std::string& name);
  // nullopt when neither this graph nor one around it defines the name.
  std::optional<ValueId> find(const std::string& name);
  // Like find(), but a value that nothing defines is made up: normalize() reports it.
  ValueId reference(const std::string& name);

  const ModelContext& model_;
  GraphBuilder* outer_;
  int depth_ = 0;
  std::unique_ptr<Graph> graph_;
  Scope own_scope_;
  Scope* scope_ = &own_scope_;
  std::vector<ValueId> captured_;
};

}  // namespace sardonyx
