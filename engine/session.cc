#include "engine/session.h"

#include <algorithm>
#include <set>

#include "engine/bodies.h"
#include "engine/pass.h"

namespace sardonyx {
namespace {

// Weights among the inputs become constants, but for those that are named.
Status bind_weights(Graph& graph, const std::vector<std::string>& fed) {
  for (const std::string& name : fed) {
    const bool known = std::any_of(graph.inputs.begin(), graph.inputs.end(), [&](ValueId id) {
      return graph.values[id].optional_input && graph.values[id].name == name;
    });
    if (known) continue;
    return error(ErrorCode::INVALID_ARGUMENT, "'%s' is no weight that the model lists as an input",
                 name.c_str())
        .at_tensor(name);
  }
  std::erase_if(graph.inputs, [&](ValueId id) {
    Value& value = graph.values[id];
    if (!value.optional_input) return false;
    value.optional_input = std::find(fed.begin(), fed.end(), value.name) != fed.end();
    return !value.optional_input;
  });
  return {};
}

}  // namespace

Result<std::unique_ptr<Session>> Session::create(std::unique_ptr<Graph> graph,
                                                 const SessionOptions& options) {
  auto session = std::make_unique<Session>();
  visit_graphs(*graph, [&](const Graph& each) {
    for (const Node& node : each.nodes) {
      ++session->operator_counts_[node.domain.empty() ? node.type : node.domain + "." + node.type];
    }
  });
  SX_TRY(bind_weights(*graph, options.fed_weights));
  SX_TRY(run_passes(*graph, options.for_gpu));
  session->graph_ = std::move(graph);
  if (options.for_gpu) {
    SX_ASSIGN(session->lowering_, lower_for_gpu(*session->graph_));
    SX_ASSIGN(session->gpu_weights_, place_gpu_weights(*session->lowering_));
  } else {
    SX_ASSIGN(session->lowering_, lower_to_cpu(*session->graph_));
  }
  return session;
}

Status Session::leave_gpu() {
  if (!gpu_weights_) return {};
  gpu_weights_.reset();
  lowering_.reset();
  SX_ASSIGN(lowering_, lower_to_cpu(*graph_));
  return {};
}

size_t Session::weight_bytes() const {
  std::set<const Block*> seen;
  size_t total = 0;
  visit_graphs(*graph_, [&](const Graph& graph) {
    for (const Value& value : graph.values) {
      const Block* block = value.constant ? value.constant->payload.block.get() : nullptr;
      if (block && seen.insert(block).second) total += block->size();
    }
  });
  return total;
}

}  // namespace sardonyx
