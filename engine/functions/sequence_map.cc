// SequenceMap: a Loop over the elements of sequences, which inserts what its body gives into
// sequences.
#include "engine/control/infer_control.h"
#include "engine/functions/function_body.h"
#include "engine/graph_edit.h"
#include "engine/splice.h"

namespace sardonyx::functions {
namespace {

// Tells the body what it will get, to learn the dtypes of its outputs.
Status infer_elements(const FunctionBody& function, const Body& body) {
  NodeFacts facts;
  for (size_t i = 0; i < function.input_count(); ++i) {
    facts.inputs.push_back(function.facts(i));
    facts.inputs[i].value = nullptr;
  }
  for (size_t i = 0; i < body.own_inputs(); ++i) {
    ValueFacts element = facts.inputs[i];
    if (!element.present()) {
      return error(ErrorCode::GRAPH_INPUT_MISSING, "input %zu is missing", i);
    }
    if (element.kind == ValueKind::kSequence) element = {element.dtype, false, {}, nullptr};
    SX_TRY(set_body_input(body, i, element));
  }
  return infer_body(function.caller(), body, facts);
}

// The body of the Loop: its inputs are iteration, condition and the sequences made so far, then all
// inputs of the SequenceMap as captures.
class LoopBody {
 public:
  LoopBody(const FunctionBody& function, const Body& body)
      : function_(function), body_(body), graph_(std::make_shared<Graph>()) {
    graph_->opsets = body.graph->opsets;
  }

  std::shared_ptr<Graph> build() {
    const ValueId iteration = add_input("iteration");
    const ValueId condition = add_input("condition");
    std::vector<ValueId> made;
    for (size_t i = 0; i < body_.graph->outputs.size(); ++i) made.push_back(add_input("made"));
    std::vector<ValueId> feeds;
    for (size_t i = 0; i < function_.input_count(); ++i) feeds.push_back(add_input("operand"));
    graph_->captured = feeds.size();
    for (size_t i = 0; i < body_.own_inputs(); ++i) {
      if (function_.facts(i).kind != ValueKind::kSequence) continue;
      feeds[i] = add_node("SequenceAt", {feeds[i], iteration});
    }
    const std::vector<ValueId> results =
        splice(*graph_, *body_.graph, feeds, function_.caller().name + "/", graph_->nodes);
    graph_->outputs.push_back(condition);
    for (size_t i = 0; i < results.size(); ++i) {
      graph_->outputs.push_back(add_node("SequenceInsert", {made[i], results[i]}));
    }
    return std::move(graph_);
  }

 private:
  ValueId add_value(const std::string& name) {
    Value value;
    value.name = function_.caller().name + "/" + name;
    return graph_->add_value(std::move(value));
  }

  ValueId add_input(const char* name) {
    graph_->inputs.push_back(add_value(name));
    return graph_->inputs.back();
  }

  ValueId add_node(const char* type, std::vector<ValueId> inputs) {
    Node node;
    node.name = function_.caller().name + "/" + type;
    node.type = type;
    node.opset = kFunctionOpset;
    node.inputs = std::move(inputs);
    node.outputs = {add_value(type)};
    graph_->nodes.push_back(std::move(node));
    return graph_->nodes.back().outputs[0];
  }

  const FunctionBody& function_;
  const Body& body_;
  std::shared_ptr<Graph> graph_;
};

}  // namespace

Status expand_sequence_map(FunctionBody& function) {
  SX_ASSIGN(const Body body, require_body(function.caller(), "body"));
  const size_t outputs = function.caller().outputs.size();
  SX_TRY(check_body(function.caller(), body, operand_count(function.caller()), outputs));
  if (function.facts(0).kind != ValueKind::kSequence) {
    return error(ErrorCode::DTYPE_UNSUPPORTED, "input 0 is a %s: must be a sequence",
                 kind_name(function.facts(0).kind).data());
  }
  SX_TRY(infer_elements(function, body));
  std::vector<ValueId> inputs{function.op("SequenceLength", {function.input(0)}), kNoValue};
  for (size_t i = 0; i < outputs; ++i) {
    Attributes attributes;
    attributes.set("dtype", int64_t{static_cast<uint8_t>(body_output(body, i).dtype)});
    inputs.push_back(function.op("SequenceEmpty", {}, std::move(attributes)));
  }
  for (size_t i = 0; i < function.input_count(); ++i) inputs.push_back(function.input(i));
  Attributes attributes;
  attributes.set("body", LoopBody(function, body).build());
  SX_TRY(normalize(*std::get<std::shared_ptr<Graph>>(*attributes.find("body"))));
  const auto made = function.ops("Loop", std::move(inputs), outputs, std::move(attributes));
  for (size_t i = 0; i < outputs; ++i) function.output(i, made[i]);
  return {};
}

}  // namespace sardonyx::functions
