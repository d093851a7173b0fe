#include "engine/infer.h"

#include "engine/control/infer_control.h"
#include "engine/graph_edit.h"

namespace sardonyx {
namespace {

bool contradicts(const Shape& declared, const Shape& inferred) {
  if (declared.rank() != inferred.rank()) return true;
  for (int axis = 0; axis < declared.rank(); ++axis) {
    if (declared[axis] >= 0 && inferred[axis] >= 0 && declared[axis] != inferred[axis]) return true;
  }
  return false;
}

// Takes over what the rule found; dims that only the model declares are kept.
void merge(Graph& graph, Value& value, const ValueFacts& inferred) {
  value.dtype = inferred.dtype;
  value.kind = inferred.kind;
  if (!inferred.has_shape || inferred.kind != ValueKind::kTensor) return;
  if (!value.has_shape) {
    value.has_shape = true;
    value.shape = inferred.shape;
    return;
  }
  if (contradicts(value.shape, inferred.shape)) {
    if (graph.warnings.size() < 64) {
      graph.warnings.push_back({"'" + value.name + "' is declared as " + value.shape.to_string() +
                                " but computed as " + inferred.shape.to_string()});
    }
    value.shape = inferred.shape;
    return;
  }
  for (int axis = 0; axis < value.shape.rank(); ++axis) {
    if (inferred.shape[axis] >= 0) value.shape[axis] = inferred.shape[axis];
  }
}

}  // namespace

Status run_shape_rule(const Node& node, std::span<const ValueFacts> inputs,
                      std::span<ValueFacts> outputs) {
  for (ValueFacts& output : outputs) output = {};
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].kind == ValueKind::kTensor || (node.op->flags & kTakesBoxes)) continue;
    return error(ErrorCode::DTYPE_UNSUPPORTED, "input %zu is of kind %s: must be a tensor", i,
                 kind_name(inputs[i].kind).data())
        .at_node(node.name, node.type);
  }
  InferContext context{node.attributes, node.opset, inputs, outputs};
  Status status = node.op->infer(context);
  if (!status.ok()) return std::move(status).at_node(node.name, node.type);
  for (const ValueFacts& output : outputs) {
    if (!output.has_shape || !output.shape.is_known()) continue;
    if (!storage_bytes(output.dtype, output.shape, Layout::kNC4HW4)) {
      return error(ErrorCode::LIMIT_EXCEEDED, "output of shape %s is above the limit of 2 GiB",
                   output.shape.to_string().c_str())
          .at_node(node.name, node.type);
    }
  }
  return {};
}

void gather_facts(const Graph& graph, const Node& node, NodeFacts& facts) {
  facts.inputs.assign(node.inputs.size(), {});
  facts.outputs.assign(node.outputs.size(), {});
  facts.views.assign(node.inputs.size(), {});
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    const Value& value = graph.values[node.inputs[i]];
    facts.inputs[i] = value.facts();
    const bool known = value.constant && value.constant->payload.block && !value.optional_input;
    if (known && !value.is_stored_half()) {
      facts.views[i] = value.constant->view();
      facts.inputs[i].value = &facts.views[i];
    }
  }
}

Status infer_node(const Graph& graph, const Node& node, NodeFacts& facts) {
  gather_facts(graph, node, facts);
  SX_TRY(run_shape_rule(node, facts.inputs, facts.outputs));
  if (!(node.op->flags & kControlFlow)) return {};
  return infer_control(node, facts).at_node(node.name, node.type);
}

void record_outputs(Graph& graph, const Node& node, const NodeFacts& facts) {
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue && facts.outputs[i].present()) {
      merge(graph, graph.values[node.outputs[i]], facts.outputs[i]);
    }
  }
}

Status infer_shapes(Graph& graph) {
  NodeFacts facts;
  for (const Node& node : graph.nodes) {
    SX_TRY(infer_node(graph, node, facts));
    record_outputs(graph, node, facts);
  }
  return {};
}

}  // namespace sardonyx
