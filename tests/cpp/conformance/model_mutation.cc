#include "tests/cpp/conformance/model_mutation.h"

#include <algorithm>
#include <string>

#include "ops/operator.h"
#include "tests/cpp/conformance/attribute_mutation.h"
#include "tests/cpp/conformance/tensor_mutation.h"

namespace sardonyx::test {
namespace {

using Nodes = std::vector<onnx::NodeProto*>;

void collect(onnx::GraphProto& graph, Nodes& nodes);

void collect(onnx::NodeProto& node, Nodes& nodes) {
  nodes.push_back(&node);
  for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
    if (attribute.has_g()) collect(*attribute.mutable_g(), nodes);
  }
}

void collect(onnx::GraphProto& graph, Nodes& nodes) {
  for (onnx::NodeProto& node : *graph.mutable_node()) collect(node, nodes);
}

// Those of bodies and of functions too.
Nodes all_nodes(onnx::ModelProto& model) {
  Nodes nodes;
  collect(*model.mutable_graph(), nodes);
  for (onnx::FunctionProto& function : *model.mutable_functions()) {
    for (onnx::NodeProto& node : *function.mutable_node()) collect(node, nodes);
  }
  return nodes;
}

// "" is an input that is left out.
std::string any_name(const Nodes& nodes, Draw& draw) {
  if (draw.one_in(4)) return {};
  const onnx::NodeProto& node = *nodes[draw.below(nodes.size())];
  if (node.input_size() > 0 && draw.one_in(2)) {
    return node.input(static_cast<int>(draw.below(static_cast<size_t>(node.input_size()))));
  }
  if (node.output_size() == 0) return {};
  return node.output(static_cast<int>(draw.below(static_cast<size_t>(node.output_size()))));
}

void mutate_inputs(onnx::NodeProto& node, const Nodes& nodes, Draw& draw) {
  const size_t count = static_cast<size_t>(node.input_size());
  const size_t way = draw.below(4);
  if (way == 0 || count == 0) {
    node.add_input(any_name(nodes, draw));
  } else if (way == 1) {
    node.mutable_input()->RemoveLast();
  } else if (way == 2) {
    node.mutable_input()->SwapElements(static_cast<int>(draw.below(count)),
                                       static_cast<int>(draw.below(count)));
  } else {
    node.set_input(static_cast<int>(draw.below(count)), any_name(nodes, draw));
  }
  draw.tell(node.op_type() + " reads other inputs");
}

void mutate_outputs(onnx::NodeProto& node, Draw& draw) {
  const int count = node.output_size();
  if (count > 0 && draw.one_in(2)) {
    node.set_output(static_cast<int>(draw.below(static_cast<size_t>(count))), "");
  } else if (count > 1 && draw.one_in(2)) {
    node.mutable_output()->RemoveLast();
  } else {
    node.add_output("extra_output");
  }
  draw.tell(node.op_type() + " has other outputs");
}

void mutate_operator(onnx::NodeProto& node, Draw& draw) {
  const std::span<const Operator> operators = all_operators();
  const Operator& op = operators[draw.below(operators.size())];
  draw.tell(node.op_type() + " becomes " + std::string(op.name));
  node.set_op_type(std::string(op.name));
  node.set_domain(std::string(op.domain));
}

void mutate_opset(onnx::ModelProto& model, Draw& draw) {
  if (model.opset_import_size() == 0) return;
  const size_t index = draw.below(static_cast<size_t>(model.opset_import_size()));
  const auto version = static_cast<int64_t>(draw.below(30));
  model.mutable_opset_import(static_cast<int>(index))->set_version(version);
  draw.tell("opset " + std::to_string(version));
}

// The declared type of an input follows the tensor that it is fed.
void declare(onnx::ValueInfoProto& input, const onnx::TensorProto& tensor) {
  auto& type = *input.mutable_type()->mutable_tensor_type();
  type.set_elem_type(tensor.data_type());
  type.mutable_shape()->clear_dim();
  for (const int64_t dim : tensor.dims()) type.mutable_shape()->add_dim()->set_dim_value(dim);
}

void forget_shape(onnx::ValueInfoProto& input, Draw& draw) {
  auto& type = *input.mutable_type()->mutable_tensor_type();
  if (draw.one_in(2)) return type.clear_shape();
  for (auto& dim : *type.mutable_shape()->mutable_dim()) dim.set_dim_param("n");
}

onnx::ValueInfoProto* find_input(onnx::GraphProto& graph, const std::string& name) {
  for (onnx::ValueInfoProto& input : *graph.mutable_input()) {
    if (input.name() == name) return &input;
  }
  return nullptr;
}

// The input becomes a constant, so that compiling meets what it is fed.
void make_constant(FedModel& fed, size_t index, Draw& draw) {
  onnx::GraphProto& graph = *fed.model.mutable_graph();
  const std::string name = fed.feeds[index].name();
  *graph.add_initializer() = fed.feeds[index];
  fed.feeds.erase(fed.feeds.begin() + static_cast<std::ptrdiff_t>(index));
  for (int i = 0; i < graph.input_size(); ++i) {
    if (graph.input(i).name() != name) continue;
    graph.mutable_input()->DeleteSubrange(i, 1);
    break;
  }
  draw.tell("'" + name + "' is a constant");
}

void mutate_feed(FedModel& fed, Draw& draw) {
  if (fed.feeds.empty()) return;
  const size_t index = draw.below(fed.feeds.size());
  onnx::TensorProto& tensor = fed.feeds[index];
  onnx::ValueInfoProto* input = find_input(*fed.model.mutable_graph(), tensor.name());
  if (!input) return;
  mutate_tensor(tensor, draw);
  if (!draw.one_in(8)) declare(*input, tensor);
  if (draw.one_in(3)) {
    forget_shape(*input, draw);
    draw.tell("'" + tensor.name() + "' of unknown shape");
  }
  if (draw.one_in(3)) make_constant(fed, index, draw);
}

void mutate_initializer(onnx::GraphProto& graph, Draw& draw) {
  if (graph.initializer_size() == 0) return;
  const size_t index = draw.below(static_cast<size_t>(graph.initializer_size()));
  mutate_tensor(*graph.mutable_initializer(static_cast<int>(index)), draw);
}

void mutate_once(FedModel& fed, Draw& draw) {
  const Nodes nodes = all_nodes(fed.model);
  if (nodes.empty()) return;
  onnx::NodeProto& node = *nodes[draw.below(nodes.size())];
  switch (draw.below(20)) {
    case 0:
      return mutate_outputs(node, draw);
    case 1:
    case 2:
      return mutate_inputs(node, nodes, draw);
    case 3:
      return mutate_operator(node, draw);
    case 4:
      return mutate_opset(fed.model, draw);
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
      return mutate_attributes(node, draw);
    default:
      if (draw.one_in(4)) return mutate_initializer(*fed.model.mutable_graph(), draw);
      return mutate_feed(fed, draw);
  }
}

}  // namespace

void mutate_model(FedModel& fed, Draw& draw) {
  const size_t changes = 1 + draw.below(3);
  for (size_t i = 0; i < changes || (draw.story().empty() && i < 20); ++i) mutate_once(fed, draw);
}

}  // namespace sardonyx::test
