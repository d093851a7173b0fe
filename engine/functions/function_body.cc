#include "engine/functions/function_body.h"

#include <algorithm>
#include <string>

#include "base/string_tensor.h"
#include "engine/splice.h"
#include "ops/convert.h"

namespace sardonyx {

FunctionBody::FunctionBody(Graph& graph, const Node& caller, std::span<const ValueFacts> facts)
    : graph_(graph), caller_(caller), facts_(facts), outputs_(caller.outputs.size(), kNoValue) {}

const ValueFacts& FunctionBody::facts(size_t i) const {
  static const ValueFacts kAbsent;
  return i < facts_.size() ? facts_[i] : kAbsent;
}

Attributes FunctionBody::copied(std::initializer_list<const char*> names) const {
  Attributes out;
  for (const char* name : names) {
    if (const Attribute::Value* value = attributes().find(name)) out.set(name, *value);
  }
  return out;
}

Result<int> FunctionBody::rank(size_t i) const {
  SX_TRY(require_inputs(i + 1));
  if (facts(i).has_shape) return facts(i).shape.rank();
  return error(ErrorCode::MODEL_UNSUPPORTED, "the rank of input %zu is not known", i);
}

Status FunctionBody::require_inputs(size_t count) const {
  for (size_t i = 0; i < count; ++i) {
    if (!has_input(i)) return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu is missing", i);
  }
  return {};
}

std::vector<ValueId> FunctionBody::add_node(std::string_view type, std::span<const ValueId> inputs,
                                            size_t outputs, const Attributes& attributes,
                                            std::string_view domain) {
  Node node;
  node.type = type;
  node.domain = domain;
  node.opset = domain.empty() ? kFunctionOpset : 1;
  node.name = caller_.name + "/" + node.type;
  node.attributes = attributes;
  node.inputs.assign(inputs.begin(), inputs.end());
  const std::string prefix = node.name + "#";
  for (size_t i = 0; i < outputs; ++i) {
    Value value;
    value.name = prefix + std::to_string(graph_.values.size());
    node.outputs.push_back(graph_.add_value(std::move(value)));
  }
  nodes_.push_back(node);
  return node.outputs;
}

std::vector<ValueId> FunctionBody::ops(std::string_view type, Inputs inputs, size_t outputs,
                                       const Attributes& attributes, std::string_view domain) {
  return add_node(type, std::span(inputs.begin(), inputs.size()), outputs, attributes, domain);
}

std::vector<ValueId> FunctionBody::ops(std::string_view type, const std::vector<ValueId>& inputs,
                                       size_t outputs, const Attributes& attributes,
                                       std::string_view domain) {
  return add_node(type, inputs, outputs, attributes, domain);
}

ValueId FunctionBody::op(std::string_view type, Inputs inputs) {
  return op(type, inputs, Attributes());
}

ValueId FunctionBody::op(std::string_view type, Inputs inputs, const Attributes& attributes,
                         std::string_view domain) {
  return add_node(type, std::span(inputs.begin(), inputs.size()), 1, attributes, domain)[0];
}

ValueId FunctionBody::op(std::string_view type, const std::vector<ValueId>& inputs,
                         const Attributes& attributes, std::string_view domain) {
  return add_node(type, inputs, 1, attributes, domain)[0];
}

ValueId FunctionBody::cast(ValueId value, DType to) {
  Attributes attributes;
  attributes.set("to", int64_t{static_cast<uint8_t>(to)});
  return op("Cast", {value}, std::move(attributes));
}

Result<std::vector<ValueId>> FunctionBody::inline_graph(const Graph& graph,
                                                        std::span<const ValueId> inputs) {
  if (graph.inputs.size() != inputs.size()) {
    return error(ErrorCode::MODEL_MALFORMED, "the graph '%s' has %zu inputs, not %zu",
                 graph.name.c_str(), graph.inputs.size(), inputs.size());
  }
  return splice(graph_, graph, inputs, caller_.name + "/", nodes_);
}

ValueId FunctionBody::constant(DType dtype, const Shape& shape, DType from, const void* values) {
  auto made = make_constant(dtype, shape);
  if (made.ok()) {
    ops::convert(dtype, made.value()->view().data, from, values, 1, shape.product(0, shape.rank()));
  }
  return constant(std::move(made));
}

ValueId FunctionBody::constant(Result<std::shared_ptr<Constant>> made) {
  Value value;
  value.name = caller_.name + "/constant#" + std::to_string(graph_.values.size());
  if (made.ok()) {
    value.constant = made.take();
    value.dtype = value.constant->dtype;
    value.has_shape = true;
    value.shape = value.constant->shape;
  } else if (failure_.ok()) {
    failure_ = made.take_status();
  }
  return graph_.add_value(std::move(value));
}

bool FunctionBody::has_arithmetic(DType dtype) {
  if (ops::compute_dtype(dtype) != DType::kUndefined) return true;
  failure_ = error(ErrorCode::DTYPE_UNSUPPORTED, "dtype %s is not supported here",
                   std::string(dtype_name(dtype)).c_str());
  return false;
}

ValueId FunctionBody::scalar(DType dtype, double value) {
  return has_arithmetic(dtype) ? constant(dtype, {}, DType::kFloat64, &value) : kNoValue;
}

ValueId FunctionBody::floats(DType dtype, const Shape& shape, std::span<const float> values) {
  if (shape.elements() == static_cast<int64_t>(values.size())) {
    return has_arithmetic(dtype) ? constant(dtype, shape, DType::kFloat32, values.data())
                                 : kNoValue;
  }
  failure_ = error(ErrorCode::ATTRIBUTE_INVALID, "an attribute has %zu numbers, %s are wanted",
                   values.size(), shape.to_string().c_str());
  return kNoValue;
}

ValueId FunctionBody::ints(std::initializer_list<int64_t> values) {
  return ints(std::vector<int64_t>(values));
}

ValueId FunctionBody::ints(const std::vector<int64_t>& values) {
  const Shape shape({static_cast<int64_t>(values.size())});
  return constant(DType::kInt64, shape, DType::kInt64, values.data());
}

ValueId FunctionBody::strings(std::span<const std::string> values) {
  const std::vector<std::string_view> texts(values.begin(), values.end());
  return constant(make_strings({static_cast<int64_t>(texts.size())}, texts));
}

void FunctionBody::output(size_t i, ValueId value) {
  if (!has_output(i)) return;
  // A value that a node of the body makes takes the name of the output; what is an input, or is
  // given twice, is copied.
  const bool made = std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    return std::find(node.outputs.begin(), node.outputs.end(), value) != node.outputs.end();
  });
  const bool taken = std::find(outputs_.begin(), outputs_.end(), value) != outputs_.end();
  outputs_[i] = made && !taken ? value : op("Identity", {value});
}

Result<std::vector<Node>> FunctionBody::finish() {
  if (!failure_.ok()) return std::move(failure_);
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (!has_output(i)) continue;
    if (outputs_[i] == kNoValue) {
      return error(ErrorCode::MODEL_UNSUPPORTED, "output %zu of %s is not supported", i,
                   caller_.label().c_str());
    }
    for (Node& node : nodes_) {
      std::replace(node.inputs.begin(), node.inputs.end(), outputs_[i], caller_.outputs[i]);
      std::replace(node.outputs.begin(), node.outputs.end(), outputs_[i], caller_.outputs[i]);
    }
  }
  return std::move(nodes_);
}

}  // namespace sardonyx
