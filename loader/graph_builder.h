// onnx.GraphProto → Graph.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "engine/graph.h"
#include "loader/tensor_decode.h"

namespace onnx {
class AttributeProto;
class GraphProto;
class NodeProto;
class TypeProto;
class TypeProto_Tensor;
class ValueInfoProto;
}  // namespace onnx

namespace sardonyx {

// "" for the names of the default domain.
std::string_view canonical_domain(std::string_view domain);

// The tensor type inside `type`, and what it is in: null when `type` is not one of ValueKind.
const onnx::TypeProto_Tensor* element_type(const onnx::TypeProto& type, ValueKind& kind);

// What all graphs of a model share.
struct ModelContext {
  TensorSources sources;
  std::map<std::string, int, std::less<>> opsets;
  int64_t ir_version = 0;
  std::set<std::string> functions;  // "domain:name" of the model's local functions
};

// Builds one graph. A name of a subgraph that it does not define itself is captured from the graphs
// around it: a constant is shared; any other value becomes one of the subgraph's last inputs
// (Graph::captured of them), and is appended to the inputs of the node that holds the subgraph,
// once per capturing subgraph in the order of the attributes. Graphs are not normalized, subgraphs
// are.
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
  Status add_node_outputs(const onnx::GraphProto& proto);
  Status add_types(const onnx::GraphProto& proto);
  Status add_outputs(const onnx::GraphProto& proto);
  Status add_node(const onnx::NodeProto& proto, Node& node);
  Status add_attributes(const onnx::NodeProto& proto, Node& node);
  Result<Attribute::Value> attribute_value(const onnx::AttributeProto& proto, Node& node);
  Result<Attribute::Value> subgraph(const onnx::GraphProto& proto, Node& node);
  Status set_type(Value& value, const onnx::ValueInfoProto& info) const;

  // GRAPH_DUPLICATE_NAME when the name is taken.
  Result<ValueId> declare(const std::string& name);
  // kNoValue when neither this graph nor one around it defines the name.
  ValueId find(const std::string& name);
  // Like find(), but a value that nothing defines is made up: normalize() reports it.
  ValueId reference(const std::string& name);

  const ModelContext& model_;
  GraphBuilder* outer_;
  std::unique_ptr<Graph> graph_;
  std::unordered_map<std::string, ValueId> ids_;
  std::vector<ValueId> captured_;
};

}  // namespace sardonyx
