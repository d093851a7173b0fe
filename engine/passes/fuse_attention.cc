// Attention as exporters write it becomes one operator that needs no memory for the scores:
//
//   MatMul(Softmax(scale * MatMul(Q, Transpose(K)) + mask), V) = sardonyx.FusedAttention
//
// of float32 tensors of rank 4, or of rank 3 without a batch. The scale (Mul or Div by a constant)
// may also stand at Q and K or be left out, as may the mask, which may be a Where with a constant
// as well. Transposes of Q, K, V and of the result, and the parts that Q, K and V are of one
// tensor, become the way in which the operator reads and writes.
#include "engine/graph_edit.h"
#include "engine/passes/attention_view.h"
#include "engine/passes/pattern.h"
#include "engine/passes/scalar_operand.h"

namespace sardonyx {
namespace {

struct Match {
  AttentionView q, k, v;
  int rank = 4;
  ValueId mask = kNoValue;
  float fill = 0;  // where a mask of bools is `filled`
  bool filled = false;
  float scale = 1.0f;
};

bool is_floats(const Graph& graph, ValueId id, int rank) {
  const Value& value = graph.values[id];
  return value.dtype == DType::kFloat32 && value.has_shape && value.shape.rank() == rank;
}

class Matcher {
 public:
  Matcher(const Graph& graph, const Readers& readers) : graph_(graph), readers_(readers) {}

  // `node` is the product with V.
  std::optional<Match> match(const Node& node) {
    if (!is_op(node, "MatMul") || output_of(node, 0) == kNoValue) return std::nullopt;
    const Value& weights = graph_.values[node.inputs[0]];
    match_.rank = weights.has_shape ? weights.shape.rank() : 0;
    if (match_.rank != 3 && match_.rank != 4) return std::nullopt;
    if (!is_matrices(node.inputs[0]) || !is_matrices(node.inputs[1])) return std::nullopt;
    const Node* softmax = producer(node.inputs[0]);
    if (!softmax || !is_softmax_of_rows(*softmax)) return std::nullopt;
    const auto v = find_attention_view(graph_, node.inputs[1], match_.rank, AttentionRole::kValues);
    if (!v || !take_scores(take_mask(softmax->inputs[0]))) return std::nullopt;
    match_.v = *v;
    if (match_.v.repeat != match_.k.repeat) return std::nullopt;
    return match_;
  }

 private:
  bool is_matrices(ValueId id) const { return is_floats(graph_, id, match_.rank); }

  // What computes a value that only one node reads; else null.
  const Node* producer(ValueId id) const {
    const NodeId node = graph_.values[id].producer;
    return node == kNoNode || readers_.count(id) != 1 ? nullptr : &graph_.nodes[node];
  }

  bool is_softmax_of_rows(const Node& node) const {
    if (!is_op(node, "Softmax")) return false;
    const int64_t axis = node.attributes.get_int("axis", node.opset < 13 ? 1 : -1);
    return axis == -1 || axis == match_.rank - 1;
  }

  // Whether it may be the mask of scores that keep their rank.
  bool is_mask(ValueId id, DType dtype) const {
    const Value& mask = graph_.values[id];
    return mask.dtype == dtype && mask.has_shape && mask.shape.rank() >= 1 &&
           mask.shape.rank() <= match_.rank;
  }

  // Is there a chain from a product to this value?
  bool is_product(ValueId id) const {
    const Node* node = producer(id);
    if (!node || !is_matrices(id)) return false;
    if (is_op(*node, "MatMul")) return true;
    const auto scaled = match_scale(graph_, graph_.values[id].producer);
    return scaled && is_product(scaled->x);
  }

  // The scores without their mask.
  ValueId take_mask(ValueId scores) {
    const Node* node = producer(scores);
    if (!node || node->opset < 7) return scores;
    if (is_op(*node, "Add")) {
      for (size_t i = 0; i < 2; ++i) {
        const ValueId masked = node->inputs[i], mask = node->inputs[1 - i];
        if (!is_product(masked) || !is_mask(mask, DType::kFloat32)) continue;
        match_.mask = mask;
        return masked;
      }
    }
    if (is_op(*node, "Where") && is_mask(node->inputs[0], DType::kBool)) {
      for (size_t i = 1; i <= 2; ++i) {
        const auto fill = fixed_scalar(graph_, node->inputs[3 - i]);
        if (!fill || !is_product(node->inputs[i])) continue;
        match_.mask = node->inputs[0];
        match_.fill = *fill;
        match_.filled = i == 2;
        return node->inputs[i];
      }
    }
    return scores;
  }

  // Takes the scale, and Q and K, off the scores.
  bool take_scores(ValueId scores) {
    if (!is_product(scores)) return false;
    while (const auto scaled = match_scale(graph_, graph_.values[scores].producer)) {
      match_.scale *= scaled->number;
      scores = scaled->x;
    }
    const Node& product = graph_.nodes[graph_.values[scores].producer];
    if (!is_matrices(product.inputs[0]) || !is_matrices(product.inputs[1])) return false;
    const auto q =
        find_attention_view(graph_, product.inputs[0], match_.rank, AttentionRole::kQueries);
    const auto k =
        find_attention_view(graph_, product.inputs[1], match_.rank, AttentionRole::kKeys);
    if (!q || !k) return false;
    match_.q = *q;
    match_.k = *k;
    match_.scale *= q->scale * k->scale;
    return true;
  }

  const Graph& graph_;
  const Readers& readers_;
  Match match_;
};

// The Transpose that puts the heads of one query side by side, when it alone reads the output.
NodeId heads_joined(const Graph& graph, const Readers& readers, const Node& node, int rank) {
  const NodeId id = readers.sole(node.outputs[0]);
  if (id == kNoNode || !is_op(graph.nodes[id], "Transpose")) return kNoNode;
  const auto perm = graph.nodes[id].attributes.get_ints("perm");
  // Perm is a permutation: this exchanges the two axes before the last.
  const auto at = static_cast<size_t>(rank) - 3;
  const bool joins = perm.size() == static_cast<size_t>(rank) && perm[at] == rank - 2 &&
                     perm[at + 1] == rank - 3 && perm[at + 2] == rank - 1;
  return joins && output_of(graph.nodes[id], 0) != kNoValue ? id : kNoNode;
}

Status rewrite(Graph& graph, NodeId id, const Match& match) {
  SX_TRY(retarget(graph, id, "sardonyx", "FusedAttention"));
  Node& node = graph.nodes[id];
  node.inputs.clear();
  node.attributes = {};
  std::vector<int64_t> views;
  for (const AttentionView* view : {&match.q, &match.k, &match.v}) {
    node.inputs.push_back(view->value);
    for (int64_t number : view->numbers) views.push_back(number);
  }
  node.attributes.set("views", std::move(views));
  node.attributes.set("scale", match.scale);
  node.attributes.set("repeat", match.k.repeat);
  if (match.mask == kNoValue) return {};
  node.inputs.push_back(match.mask);
  node.attributes.set("fill", match.fill);
  node.attributes.set("filled", int64_t{match.filled});
  return {};
}

}  // namespace

Status pass_fuse_attention(Graph& graph, bool& changed) {
  const Readers readers(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    const auto match = Matcher(graph, readers).match(graph.nodes[id]);
    if (!match || !find_operator("sardonyx", "FusedAttention", 1)) continue;
    SX_TRY(rewrite(graph, id, *match));
    const NodeId last = heads_joined(graph, readers, graph.nodes[id], match->rank);
    if (last != kNoNode) {
      graph.nodes[id].attributes.set("rows_first", int64_t{1});
      produce(graph, id, graph.nodes[last].outputs[0]);
      remove[last] = true;
    }
    changed = true;
  }
  if (changed) erase_nodes(graph, remove);
  return {};
}

}  // namespace sardonyx
