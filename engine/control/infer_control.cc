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

std::string describe_type(const ValueFacts& facts) {
  std::string text(dtype_name(facts.dtype));
  if (facts.kind == ValueKind::kTensor) return text;
  return std::string(kind_name(facts.kind)) + " of " + text;
}

bool same_type(const ValueFacts& a, const ValueFacts& b) {
  return a.dtype == b.dtype && a.kind == b.kind;
}

namespace {

void set_facts(Value& value, const ValueFacts& facts) {
  value.dtype = facts.dtype;
  value.kind = facts.kind;
  if (facts.kind != ValueKind::kTensor) return;
  value.has_shape = facts.has_shape;
  value.shape = facts.shape;
}

}  // namespace

Status set_body_input(const Body& body, size_t i, const ValueFacts& facts) {
  Value& value = body.graph->values[body.graph->inputs[i]];
  if (value.dtype != DType::kUndefined && !same_type(value.facts(), facts)) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "input '%s' of the body is declared as %s, not %s",
                 value.name.c_str(), describe_type(value.facts()).c_str(),
                 describe_type(facts).c_str())
        .at_tensor(value.name);
  }
  set_facts(value, facts);
  return {};
}

Status infer_body(const Node& node, const Body& body, const NodeFacts& facts) {
  for (size_t i = 0; i < body.graph->captured; ++i) {
    set_facts(body.graph->values[body.graph->inputs[body.own_inputs() + i]],
              facts.inputs[body.first_capture + i]);
  }
  return resolve_graph(*body.graph).in_body(describe_body(node, body.attribute));
}

ValueFacts body_output(const Body& body, size_t i) {
  return body.graph->values[body.graph->outputs[i]].facts();
}

void forget_output_shape(const Body& body, size_t i) {
  Value& value = body.graph->values[body.graph->outputs[i]];
  if (value.producer == kNoNode || value.kind != ValueKind::kTensor) return;
  value.has_shape = false;
  value.shape = {};
}

Result<ValueFacts> stacked(const ValueFacts& element, int64_t axis, int64_t count) {
  ValueFacts out = element;
  out.value = nullptr;
  if (element.kind != ValueKind::kTensor) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "a scan output is a %s: must be a tensor",
                 kind_name(element.kind).data());
  }
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
