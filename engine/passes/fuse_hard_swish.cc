// Hard gates that exporters spell out: clip(x + b, 0, m) / m becomes HardSigmoid, and x times that,
// with b = 3 and m = 6, HardSwish.
#include <cmath>

#include "engine/graph_edit.h"
#include "engine/passes/pattern.h"
#include "engine/passes/scalar_operand.h"

namespace sardonyx {
namespace {

// clip(x + bias, 0, top), read once.
struct Ramp {
  NodeId add = kNoNode, clip = kNoNode;
  ValueId x = kNoValue, output = kNoValue;
  float bias = 0, top = 0;
};

std::optional<Ramp> match_ramp(const Graph& graph, NodeId id, const Readers& readers) {
  const Node& clip = graph.nodes[id];
  if (!is_op(clip, "Clip") || output_of(clip, 0) == kNoValue) return std::nullopt;
  const NodeId add = graph.values[clip.inputs[0]].producer;
  const auto sum = match_sum(graph, add);
  const auto bounds = clip_bounds(graph, clip);
  if (!sum || readers.sole(clip.inputs[0]) != id || !bounds) return std::nullopt;
  const float top = (*bounds)[1];
  if ((*bounds)[0] != 0 || !(top > 0) || !std::isfinite(top)) return std::nullopt;
  return Ramp{add, id, sum->x, clip.outputs[0], sum->number, top};
}

class Fuser {
 public:
  explicit Fuser(Graph& graph)
      : graph_(graph), readers_(graph), remove_(graph.nodes.size(), false) {}

  Status fuse(const Ramp& ramp) {
    const NodeId next = readers_.sole(ramp.output);
    if (next == kNoNode) return {};
    const ValueId result = output_of(graph_.nodes[next], 0);
    if (const auto scale = match_scale(graph_, next); scale && scale->x == ramp.output) {
      if (!is_near(ramp.top * scale->number, 1)) return {};
      SX_TRY(become_unary(graph_, next, "HardSigmoid", 6, ramp.x));
      graph_.nodes[next].attributes.set("alpha", scale->number);
      graph_.nodes[next].attributes.set("beta", ramp.bias * scale->number);
      return drop({ramp.add, ramp.clip});
    }
    if (!is_product(graph_, next, ramp.x, ramp.output)) return {};
    const NodeId last = readers_.sole(result);
    const auto scale = match_scale(graph_, last);
    if (!scale || scale->x != result || !is_near(scale->number, 1.0f / 6) ||
        !is_near(ramp.top, 6) || !is_near(ramp.bias, 3)) {
      return {};
    }
    SX_TRY(become_unary(graph_, last, "HardSwish", 14, ramp.x));
    return drop({ramp.add, ramp.clip, next});
  }

  // x · HardSigmoid(x).
  Status fuse_gate(NodeId id) {
    const Node& gate = graph_.nodes[id];
    if (!is_op(gate, "HardSigmoid") || output_of(gate, 0) == kNoValue) return {};
    const NodeId next = readers_.sole(gate.outputs[0]);
    if (!is_near(gate.attributes.get_float("alpha", 0.2f), 1.0f / 6) ||
        !is_near(gate.attributes.get_float("beta", 0.5f), 0.5f) ||
        graph_.values[gate.inputs[0]].dtype != DType::kFloat32 ||
        !is_product(graph_, next, gate.inputs[0], gate.outputs[0])) {
      return {};
    }
    SX_TRY(become_unary(graph_, next, "HardSwish", 14, gate.inputs[0]));
    return drop({id});
  }

  Status fuse_all() {
    for (NodeId id = 0; id < graph_.nodes.size(); ++id) {
      if (remove_[id]) continue;
      SX_TRY(fuse_gate(id));
      if (const auto ramp = match_ramp(graph_, id, readers_)) SX_TRY(fuse(*ramp));
    }
    if (changed_) erase_nodes(graph_, remove_);
    return {};
  }

  bool changed() const { return changed_; }

 private:
  Status drop(std::initializer_list<NodeId> nodes) {
    for (NodeId id : nodes) remove_[id] = true;
    changed_ = true;
    return {};
  }

  Graph& graph_;
  const Readers readers_;
  std::vector<bool> remove_;
  bool changed_ = false;
};

}  // namespace

Status pass_fuse_hard_swish(Graph& graph, bool& changed) {
  Fuser fuser(graph);
  SX_TRY(fuser.fuse_all());
  changed = changed || fuser.changed();
  return {};
}

}  // namespace sardonyx
