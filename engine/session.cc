#include "engine/session.h"

#include <algorithm>
#include <set>

#include "engine/pass.h"

namespace sardonyx {
namespace {

// Weights that early exporters list as graph inputs count as constants.
void bind_defaults(Graph& graph) {
  std::erase_if(graph.inputs, [&](ValueId id) { return graph.values[id].constant != nullptr; });
  for (Value& value : graph.values) value.optional_input = false;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::create(std::unique_ptr<Graph> graph) {
  auto session = std::make_unique<Session>();
  for (const Node& node : graph->nodes) {
    ++session->operator_counts_[node.domain.empty() ? node.type : node.domain + "." + node.type];
  }
  bind_defaults(*graph);
  SX_TRY(run_passes(*graph));
  session->graph_ = std::move(graph);
  SX_ASSIGN(session->lowering_, lower_to_cpu(*session->graph_));
  return session;
}

size_t Session::weight_bytes() const {
  std::set<const Block*> seen;
  size_t total = 0;
  for (const Value& value : graph_->values) {
    const Block* block = value.constant ? value.constant->payload.block.get() : nullptr;
    if (block && seen.insert(block).second) total += block->size();
  }
  return total;
}

}  // namespace sardonyx
