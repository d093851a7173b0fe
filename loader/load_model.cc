#include "loader/load_model.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <utility>

#include "engine/graph_edit.h"
#include "loader/external_data.h"
#include "loader/graph_builder.h"
#include "loader/splitter.h"
#include "onnx/onnx.pb.h"

namespace sardonyx {
namespace {

constexpr int64_t kOldestIr = 3, kLatestIr = 13;
constexpr int kOldestOpset = 1, kLatestDefaultOpset = 28;

void warn(Graph& graph, const char* what, int64_t version, int64_t from, int64_t to) {
  if (version >= from && version <= to) return;
  graph.warnings.push_back({"the model has " + std::string(what) + " " + std::to_string(version) +
                            "; versions " + std::to_string(from) + " to " + std::to_string(to) +
                            " are supported"});
}

// Domain → version. Where a domain is imported twice, the later version counts.
Status read_opsets(const onnx::ModelProto& model, ModelContext& context) {
  for (const onnx::OperatorSetIdProto& opset : model.opset_import()) {
    if (opset.version() < 1 || opset.version() > INT32_MAX) {
      return error(ErrorCode::MODEL_MALFORMED, "opset %lld of domain '%s' is not a version",
                   static_cast<long long>(opset.version()), opset.domain().c_str());
    }
    int& version = context.opsets[std::string(canonical_domain(opset.domain()))];
    version = std::max(version, static_cast<int>(opset.version()));
  }
  // Models of IR 1 and 2 know one opset.
  if (context.opsets.empty() && context.ir_version < kOldestIr) context.opsets[""] = 1;
  return {};
}

// What the file must have besides being well-formed. Its last parts are the first to be cut off.
Status check_parts(const onnx::ModelProto& model) {
  if (!model.has_graph()) {
    return model.opset_import_size()
               ? error(ErrorCode::MODEL_MALFORMED, "the model has no graph")
               : error(ErrorCode::MODEL_TRUNCATED, "the file ends before the model's graph");
  }
  if (model.opset_import_size() == 0 && model.ir_version() >= kOldestIr) {
    return error(ErrorCode::MODEL_TRUNCATED, "the file ends before the model's opset imports");
  }
  return {};
}

void add_warnings(Graph& graph) {
  warn(graph, "IR version", graph.ir_version, kOldestIr, kLatestIr);
  const auto opset = graph.opsets.find("");
  if (opset != graph.opsets.end()) {
    warn(graph, "opset", opset->second, kOldestOpset, kLatestDefaultOpset);
  }
}

Result<std::unique_ptr<Graph>> to_graph(const onnx::ModelProto& model,
                                        const TensorSources& sources) {
  SX_TRY(check_parts(model));
  ModelContext context;
  context.sources = sources;
  context.ir_version = model.ir_version();
  SX_TRY(read_opsets(model, context));
  ModelFunctions functions;
  for (const onnx::FunctionProto& function : model.functions()) functions.add(function);
  context.functions = &functions;
  SX_ASSIGN(std::unique_ptr<Graph> graph, GraphBuilder(context).build(model.graph()));
  graph->producer = model.producer_name();
  if (!model.producer_version().empty()) graph->producer += " " + model.producer_version();
  add_warnings(*graph);
  return graph;
}

}  // namespace

struct ModelLoader::State {
  std::unique_ptr<Splitter> splitter = std::make_unique<Splitter>();
  ExternalFiles external;
  Status failure;

  Status keep(Status status) {
    if (!status.ok()) {
      failure = status.clone();
      splitter.reset();
      external.clear();
    }
    return status;
  }

  Status check_open() const {
    if (!failure.ok()) return failure.clone();
    return splitter ? Status() : error(ErrorCode::INVALID_ARGUMENT, "the loader has finished");
  }

  Result<std::unique_ptr<Graph>> finish() {
    SX_TRY(splitter->finish());
    google::protobuf::SetLogHandler(nullptr);
    onnx::ModelProto model;
    if (!splitter->skeleton().parse(model)) {
      return error(ErrorCode::MODEL_MALFORMED, "the file is not a valid ONNX model");
    }
    std::vector<StoredPayload> stored = splitter->take_stored();
    splitter.reset();
    SX_ASSIGN(std::unique_ptr<Graph> graph, to_graph(model, {stored, &external}));
    model.Clear();
    SX_TRY(normalize(*graph));
    return graph;
  }
};

ModelLoader::ModelLoader() : state_(std::make_unique<State>()) {}
ModelLoader::~ModelLoader() = default;

Status ModelLoader::expect_size(uint64_t bytes) {
  SX_TRY(state_->check_open());
  state_->splitter->expect_size(bytes);
  return {};
}

Status ModelLoader::push(std::span<const uint8_t> chunk) {
  SX_TRY(state_->check_open());
  return state_->keep(state_->splitter->push(chunk));
}

Status ModelLoader::add_external(std::string name, Payload payload) {
  SX_TRY(state_->check_open());
  if (!is_flat_name(name) || state_->external.contains(name)) {
    return error(ErrorCode::INVALID_ARGUMENT,
                 "external file '%s' is given twice or is not a plain file name", name.c_str());
  }
  state_->external.emplace(std::move(name), std::move(payload));
  return {};
}

Result<std::unique_ptr<Graph>> ModelLoader::finish() {
  SX_TRY(state_->check_open());
  auto graph = state_->finish();
  if (!graph.ok()) return state_->keep(graph.take_status());
  state_->external.clear();
  return graph;
}

}  // namespace sardonyx
