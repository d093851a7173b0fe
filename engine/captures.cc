#include "engine/captures.h"

#include <functional>

#include "engine/passes/pattern.h"

namespace sardonyx {
namespace {

// Removes the captures for which `goes` holds, which is told the body and two values: the one in
// the body, and the one of the node's graph that feeds it.
bool remove_captures(Node& node,
                     const std::function<bool(Graph& body, ValueId inner, ValueId outer)>& goes) {
  bool any = false;
  const std::vector<Body> bodies = bodies_of(node);
  // From the last to the first, so that positions before stay right.
  for (size_t b = bodies.size(); b-- > 0;) {
    Graph& graph = *bodies[b].graph;
    for (size_t i = graph.captured; i-- > 0;) {
      const size_t inner = bodies[b].own_inputs() + i;
      const size_t outer = bodies[b].first_capture + i;
      if (!goes(graph, graph.inputs[inner], node.inputs[outer])) continue;
      graph.inputs.erase(graph.inputs.begin() + static_cast<std::ptrdiff_t>(inner));
      node.inputs.erase(node.inputs.begin() + static_cast<std::ptrdiff_t>(outer));
      --graph.captured;
      any = true;
    }
  }
  return any;
}

}  // namespace

void capture_constants(const Graph& graph, Node& node) {
  remove_captures(node, [&](Graph& body, ValueId inner, ValueId outer) {
    const ConstantPtr constant = fixed_constant(graph, outer);
    if (!constant) return false;
    Value& value = body.values[inner];
    value.dtype = constant->dtype;
    value.has_shape = true;
    value.shape = constant->shape;
    value.constant = constant;
    return true;
  });
}

bool drop_unused_captures(Node& node) {
  return remove_captures(
      node, [](Graph& body, ValueId inner, ValueId) { return Readers(body).count(inner) == 0; });
}

}  // namespace sardonyx
