// A node that calls a function of the model becomes the nodes of that function.
#include <algorithm>

#include "loader/graph_builder.h"
#include "onnx/onnx.pb.h"

namespace sardonyx {
namespace {

// Calls within calls; each takes some levels of the C++ stack.
constexpr size_t kMaxCallDepth = 64;
// Functions that call functions several times could make any number of nodes.
constexpr size_t kMaxInlinedNodes = 200'000;

std::string function_key(std::string_view domain, const std::string& name,
                         const std::string& overload) {
  return std::string(canonical_domain(domain)) + ":" + name + ":" + overload;
}

template <typename Attributes>
const onnx::AttributeProto* find_attribute(const Attributes& attributes, const std::string& name) {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const auto& attribute) { return attribute.name() == name; });
  return found == attributes.end() ? nullptr : &*found;
}

}  // namespace

void ModelFunctions::add(const onnx::FunctionProto& function) {
  by_name.emplace(function_key(function.domain(), function.name(), function.overload()), &function);
}

const onnx::FunctionProto* GraphBuilder::called_function(const onnx::NodeProto& proto) const {
  const auto& functions = model_.functions->by_name;
  if (functions.empty()) return nullptr;
  const auto found =
      functions.find(function_key(proto.domain(), proto.op_type(), proto.overload()));
  return found == functions.end() ? nullptr : found->second;
}

Status GraphBuilder::check_call(const onnx::NodeProto& call,
                                const onnx::FunctionProto& function) const {
  const ModelFunctions& functions = *model_.functions;
  if (std::find(functions.active.begin(), functions.active.end(), &function) !=
      functions.active.end()) {
    return error(ErrorCode::MODEL_MALFORMED, "function '%s' calls itself", function.name().c_str());
  }
  if (functions.active.size() == kMaxCallDepth) {
    return error(ErrorCode::LIMIT_EXCEEDED, "more than %zu functions call each other",
                 kMaxCallDepth);
  }
  if (functions.inlined_nodes + static_cast<size_t>(function.node_size()) > kMaxInlinedNodes) {
    return error(ErrorCode::LIMIT_EXCEEDED, "the functions have more than %zu nodes when inlined",
                 kMaxInlinedNodes);
  }
  if (call.input_size() > function.input_size() || call.output_size() > function.output_size()) {
    return error(ErrorCode::MODEL_MALFORMED,
                 "%d inputs and %d outputs for function '%s', which has %d and %d",
                 call.input_size(), call.output_size(), function.name().c_str(),
                 function.input_size(), function.output_size());
  }
  return {};
}

// Parameters stand for the values of the call. An output that is an input as well, or is listed
// twice, is copied at the end.
Status GraphBuilder::bind_parameters(Scope& scope,
                                     std::vector<std::pair<ValueId, ValueId>>& copies) {
  const onnx::NodeProto& call = *scope.call;
  for (int i = 0; i < scope.function->input_size(); ++i) {
    const bool given = i < call.input_size() && !call.input(i).empty();
    const ValueId id = given ? reference(call.input(i)) : kNoValue;
    if (scope.ids.emplace(scope.function->input(i), id).second) continue;
    return error(ErrorCode::GRAPH_DUPLICATE_NAME, "function '%s' has two inputs '%s'",
                 scope.function->name().c_str(), scope.function->input(i).c_str());
  }
  for (int i = 0; i < call.output_size(); ++i) {
    if (call.output(i).empty()) continue;
    const ValueId id = scope_->ids.find(call.output(i))->second;
    const auto [entry, inserted] = scope.ids.emplace(scope.function->output(i), id);
    if (inserted) continue;
    if (entry->second == kNoValue) {
      return error(ErrorCode::GRAPH_INPUT_MISSING, "input '%s' is an output too, and is left out",
                   scope.function->output(i).c_str());
    }
    copies.emplace_back(entry->second, id);
  }
  return {};
}

Status GraphBuilder::call_function(const onnx::NodeProto& call,
                                   const onnx::FunctionProto& function) {
  SX_TRY(check_call(call, function));
  Scope scope;
  scope.around = scope_;
  scope.call = &call;
  scope.function = &function;
  scope.prefix = scope_->prefix + (call.name().empty() ? call.op_type() : call.name()) + "/";
  std::vector<std::pair<ValueId, ValueId>> copies;
  SX_TRY(bind_parameters(scope, copies));

  model_.functions->inlined_nodes += static_cast<size_t>(function.node_size());
  model_.functions->active.push_back(&function);
  scope_ = &scope;
  Status status = declare_outputs(function.node());
  if (status.ok()) status = add_nodes(function.node());
  scope_ = scope.around;
  model_.functions->active.pop_back();
  SX_TRY(std::move(status));

  for (const auto& [from, to] : copies) {
    Node copy;
    copy.type = "Identity";
    copy.name = scope.prefix + "copy";
    copy.inputs = {from};
    copy.outputs = {to};
    graph_->nodes.push_back(std::move(copy));
  }
  return {};
}

const onnx::AttributeProto* GraphBuilder::dereference(const onnx::AttributeProto& proto,
                                                      Scope*& scope) {
  if (proto.ref_attr_name().empty()) return &proto;
  Scope* called = scope;
  while (called && !called->call) called = called->around;
  if (!called) return nullptr;
  if (const auto* given = find_attribute(called->call->attribute(), proto.ref_attr_name())) {
    scope = called->around;
    if (const auto* found = dereference(*given, scope)) return found;
  }
  scope = called;
  return find_attribute(called->function->attribute_proto(), proto.ref_attr_name());
}

int GraphBuilder::function_opset(std::string_view domain) const {
  const Scope* scope = scope_;
  while (scope && !scope->call) scope = scope->around;
  if (!scope) return 0;
  for (const onnx::OperatorSetIdProto& opset : scope->function->opset_import()) {
    if (canonical_domain(opset.domain()) != domain) continue;
    return opset.version() < 1 || opset.version() > INT32_MAX ? 0
                                                              : static_cast<int>(opset.version());
  }
  return 0;
}

}  // namespace sardonyx
