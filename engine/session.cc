#include "engine/session.h"

#include <algorithm>
#include <set>

#include "engine/bodies.h"
#include "engine/pass.h"

namespace sardonyx {
namespace {

// Weights that early exporters list as graph inputs count as constants.
void bind_defaults(Graph& graph) {
  std::erase_if(graph.inputs, [&](ValueId id) { return graph.values[id].constant != nullptr; });
  for (Value& value : graph.values) value.optional_input = false;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::create(std::unique_ptr<Graph> graph, bool for_gpu) {
  auto session = std::make_unique<Session>();
  visit_graphs(*graph, [&](const Graph& each) {
    for (const Node& node : each.nodes) {
      ++session->operator_counts_[node.domain.empty() ? node.type : node.domain + "." + node.type];
    }
  });
  bind_defaults(*graph);
  SX_TRY(run_passes(*graph));
  session->graph_ = std::move(graph);
  if (for_gpu) {
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
