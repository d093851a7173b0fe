// Elementwise operators on one 8-bit tensor, with a QuantizeLinear at their end, are a function of
// 256 values: a Lookup in a table that is computed now, with the same kernels. What changes nothing
// disappears.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "engine/graph_edit.h"
#include "engine/infer.h"
#include "engine/passes/evaluate_node.h"
#include "engine/passes/pattern.h"
#include "engine/passes/quantized.h"

namespace sardonyx {
namespace {

constexpr int64_t kCodes = 256;
constexpr size_t kMaxNodes = 24;  // of one expression
constexpr int kMaxSources = 4;    // that are traced back to one

bool is_byte(const Value& value) {
  return value.dtype == DType::kInt8 || value.dtype == DType::kUint8;
}

bool is_lookup(const Node& node) {
  return node.domain == "sardonyx" && node.type == "Lookup";
}

// Maps each element by itself when all operands but one are single constants.
bool is_elementwise(const Node& node) {
  return is_lookup(node) || (node.domain.empty() && node.op->layout == LayoutPolicy::kAny &&
                             !(node.op->flags & kNonDeterministic));
}

// The nodes between 8-bit tensors and one QuantizeLinear.
class Expression {
 public:
  explicit Expression(const Graph& graph) : graph_(graph) {}

  // False when the nodes that make up `root` depend on anything but one 8-bit tensor.
  bool trace(NodeId root) {
    if (!add(root)) return false;
    for (int i = 1; sources_.size() > 1 && i < kMaxSources; ++i) {
      // The one that is made last may be made from the others.
      const auto made_by = [&](ValueId id) {
        const NodeId producer = graph_.values[id].producer;
        return producer == kNoNode ? -1 : static_cast<int64_t>(producer);
      };
      const ValueId last =
          *std::max_element(sources_.begin(), sources_.end(),
                            [&](ValueId a, ValueId b) { return made_by(a) < made_by(b); });
      const NodeId producer = graph_.values[last].producer;
      sources_.erase(last);
      if (producer == kNoNode || !is_elementwise(graph_.nodes[producer]) || !add(producer)) {
        return false;
      }
    }
    return sources_.size() == 1 && keeps_shape(root);
  }

  ValueId source() const { return *sources_.begin(); }
  // The root's output for each code of the source, in the order of their bits.
  Result<ConstantPtr> table(NodeId root) const;

 private:
  bool add(NodeId id) {
    if (nodes_.count(id)) return true;
    if (nodes_.size() == kMaxNodes) return false;
    const Node& node = graph_.nodes[id];
    if (!is_elementwise(node) || node.outputs.size() != 1) return false;
    nodes_.insert(id);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId input = node.inputs[i];
      if (input == kNoValue) continue;
      const Value& value = graph_.values[input];
      if (const ConstantPtr constant = fixed_constant(graph_, input)) {
        if (constant->view().elements() != 1 && !is_lookup(node)) return false;
      } else if (is_byte(value)) {
        sources_.insert(input);
      } else if (value.producer == kNoNode || !add(value.producer)) {
        return false;
      }
    }
    return true;
  }

  // A single constant of a higher rank adds axes.
  bool keeps_shape(NodeId root) const {
    const Value& from = graph_.values[source()];
    const Value& to = graph_.values[graph_.nodes[root].outputs[0]];
    return from.has_shape && to.has_shape && from.shape.rank() == to.shape.rank();
  }

  const Graph& graph_;
  std::set<NodeId> nodes_;  // in topological order
  std::set<ValueId> sources_;
};

Result<ConstantPtr> all_codes(DType dtype) {
  SX_ASSIGN(const std::shared_ptr<Constant> codes, make_constant(dtype, Shape{kCodes}));
  auto* bits = codes->view().as<uint8_t>();
  std::iota(bits, bits + kCodes, uint8_t{0});
  return ConstantPtr(codes);
}

Result<ConstantPtr> Expression::table(NodeId root) const {
  // The expression as a graph of its own, over constants.
  Graph scratch;
  std::map<ValueId, ValueId> copies;
  const auto copy_of = [&](ValueId id) {
    if (id == kNoValue) return kNoValue;
    const auto [place, added] = copies.try_emplace(id, static_cast<ValueId>(scratch.values.size()));
    if (added) {
      Value value;
      value.dtype = graph_.values[id].dtype;
      value.constant = graph_.values[id].constant;
      value.has_shape = value.constant != nullptr;
      if (value.constant) value.shape = value.constant->shape;
      scratch.values.push_back(std::move(value));
    }
    return place->second;
  };
  const auto fix = [&](ValueId id, ConstantPtr constant) {
    Value& value = scratch.values[copy_of(id)];
    value.has_shape = true;
    value.shape = constant->shape;
    value.constant = std::move(constant);
  };
  SX_ASSIGN(ConstantPtr codes, all_codes(graph_.values[source()].dtype));
  fix(source(), std::move(codes));
  NodeFacts facts;
  for (NodeId id : nodes_) {
    Node node = graph_.nodes[id];
    for (ValueId& input : node.inputs) input = copy_of(input);
    SX_TRY(infer_node(scratch, node, facts));
    SX_ASSIGN(std::vector<ConstantPtr> results, evaluate_node(scratch, node, facts));
    fix(node.outputs[0], std::move(results[0]));
  }
  const auto table =
      std::make_shared<Constant>(*scratch.values[copy_of(graph_.nodes[root].outputs[0])].constant);
  // Single constants with axes have given it some.
  table->shape = Shape{kCodes};
  return ConstantPtr(table);
}

bool is_identity(const Constant& table, DType source) {
  if (table.dtype != source) return false;
  const auto* bits = table.view().as<const uint8_t>();
  for (int64_t code = 0; code < kCodes; ++code) {
    if (bits[code] != code) return false;
  }
  return true;
}

ValueId add_table(Graph& graph, const std::string& name, ConstantPtr table) {
  Value value;
  value.name = name + "/table";
  value.dtype = table->dtype;
  value.has_shape = true;
  value.shape = table->shape;
  value.constant = std::move(table);
  return graph.add_value(std::move(value));
}

}  // namespace

Status pass_fold_quantized_maps(Graph& graph, bool& changed) {
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    const auto target = quantized(graph, graph.nodes[id]);
    if (!target || !is_per_tensor(*target)) continue;
    Expression expression(graph);
    if (!expression.trace(id)) continue;
    auto table = expression.table(id);
    // What fails here fails in the run, if that ever gets there.
    if (!table.ok()) continue;
    const ValueId source = expression.source();
    if (is_identity(**table, graph.values[source].dtype) && bypass(graph, target->q, source)) {
      remove[id] = true;
    } else {
      const ValueId codes = add_table(graph, graph.values[target->q].name, table.take());
      SX_TRY(retarget(graph, id, "sardonyx", "Lookup"));
      graph.nodes[id].inputs = {source, codes};
    }
    changed = true;
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
