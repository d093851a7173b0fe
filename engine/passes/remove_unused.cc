// Removes nodes whose outputs nobody reads, and the payloads of constants that nobody reads.
#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"

namespace sardonyx {

Status pass_remove_unused(Graph& graph, bool& changed) {
  std::vector<bool> read(graph.values.size(), false);
  for (ValueId id : graph.outputs) read[id] = true;
  std::vector<bool> remove(graph.nodes.size(), false);
  bool any = false;
  for (size_t id = graph.nodes.size(); id-- > 0;) {
    const Node& node = graph.nodes[id];
    bool used = false;
    for (ValueId output : node.outputs) used = used || (output != kNoValue && read[output]);
    if (!used) {
      remove[id] = any = true;
      continue;
    }
    for (ValueId input : node.inputs) {
      if (input != kNoValue) read[input] = true;
    }
  }
  if (any) {
    erase_nodes(graph, remove);
    changed = true;
  }
  for (ValueId id = 0; id < graph.values.size(); ++id) {
    Value& value = graph.values[id];
    if (!read[id] && !value.optional_input) value.constant = nullptr;
  }
  return {};
}

}  // namespace sardonyx
