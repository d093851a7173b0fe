#include "engine/session.h"

#include <algorithm>
#include <set>

#include "engine/graph_edit.h"
#include "engine/pass.h"

namespace sardonyx {
namespace {

// Weights that early exporters list as graph inputs count as constants.
void bind_defaults(Graph& graph) {
  std::erase_if(graph.inputs, [&](ValueId id) { return graph.values[id].constant != nullptr; });
  for (Value& value : graph.values) value.optional_input = false;
}

// Constants that nobody reads any more.
void drop_unread_constants(Graph& graph) {
  std::vector<bool> read(graph.values.size(), false);
  for (const Node& node : graph.nodes) {
    for (ValueId input : node.inputs) {
      if (input != kNoValue) read[input] = true;
    }
  }
  for (ValueId output : graph.outputs) read[output] = true;
  for (ValueId id = 0; id < graph.values.size(); ++id) {
    if (!read[id]) graph.values[id].constant = nullptr;
  }
}

}  // namespace

Result<std::unique_ptr<Session>> Session::create(std::unique_ptr<Graph> graph) {
  auto session = std::make_unique<Session>();
  for (const Node& node : graph->nodes) {
    ++session->operator_counts_[node.domain.empty() ? node.type : node.domain + "." + node.type];
  }
  bind_defaults(*graph);
  SX_TRY(resolve_operators(*graph));
  SX_TRY(infer_shapes(*graph));
  SX_TRY(run_passes(*graph));
  SX_TRY(infer_shapes(*graph));
  drop_unread_constants(*graph);
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
