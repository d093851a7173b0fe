#include "engine/control/infer_control.h"

#include "engine/functions/resolve.h"
#include "ops/shape_rule.h"

namespace sardonyx {

Status infer_control(const Node& node, NodeFacts& facts) {
  if (node.type == "If") return infer_if(node, facts);
  if (node.type == "Loop") return infer_loop(node, facts);
  return infer_scan(node, facts);
}

Status check_body(const Node& node, const Body& body, size_t inputs, size_t outputs) {
  const auto complain = [&](const char* what, size_t has, size_t wanted) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "%s has %zu %s, %zu are wanted",
                 describe_body(node, body.attribute).c_str(), has, what, wanted);
  };
  if (body.own_inputs() != inputs) return complain("inputs", body.own_inputs(), inputs);
  if (body.graph->outputs.size() != outputs) {
    return complain("outputs", body.graph->outputs.size(), outputs);
  }
  return {};
}

Status set_body_input(const Body& body, size_t i, const ValueFacts& facts) {
  Value& value = body.graph->values[body.graph->inputs[i]];
  if (value.dtype != DType::kUndefined && value.dtype != facts.dtype) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "input '%s' of the body is declared as %s, not %s",
                 value.name.c_str(), std::string(dtype_name(value.dtype)).c_str(),
                 std::string(dtype_name(facts.dtype)).c_str())
        .at_tensor(value.name);
  }
  value.dtype = facts.dtype;
  value.has_shape = facts.has_shape;
  value.shape = facts.shape;
  return {};
}

Status infer_body(const Node& node, const Body& body, const NodeFacts& facts) {
  for (size_t i = 0; i < body.graph->captured; ++i) {
    Value& value = body.graph->values[body.graph->inputs[body.own_inputs() + i]];
    const ValueFacts& captured = facts.inputs[body.first_capture + i];
    value.dtype = captured.dtype;
    value.has_shape = captured.has_shape;
    value.shape = captured.shape;
  }
  return resolve_graph(*body.graph).in_body(describe_body(node, body.attribute));
}

ValueFacts body_output(const Body& body, size_t i) {
  return body.graph->values[body.graph->outputs[i]].facts();
}

void forget_output_shape(const Body& body, size_t i) {
  Value& value = body.graph->values[body.graph->outputs[i]];
  if (value.producer == kNoNode) return;
  value.has_shape = false;
  value.shape = {};
}

Result<ValueFacts> stacked(const ValueFacts& element, int64_t axis, int64_t count) {
  ValueFacts out = element;
  out.value = nullptr;
  if (!element.has_shape) return out;
  if (element.shape.rank() == kMaxRank) {
    return error(ErrorCode::LIMIT_EXCEEDED, "a scan output has more than %d dims", kMaxRank);
  }
  SX_ASSIGN(const int at, ops::check_axis(axis, element.shape.rank() + 1));
  out.shape = {};
  for (int i = 0; i < at; ++i) out.shape.push_back(element.shape[i]);
  out.shape.push_back(count);
  for (int i = at; i < element.shape.rank(); ++i) out.shape.push_back(element.shape[i]);
  return out;
}

}  // namespace sardonyx
