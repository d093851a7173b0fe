#include "engine/passes/attention_view.h"

#include <algorithm>

#include "engine/passes/pattern.h"
#include "engine/passes/scalar_operand.h"
#include "engine/passes/shape_element.h"

namespace sardonyx {
namespace {

// Follows the axes of a value back through the nodes that compute it.
class Walk {
 public:
  Walk(const Graph& graph, ValueId value, int rank, AttentionRole role)
      : graph_(graph), role_(role), rank_(rank) {
    const bool turned = role == AttentionRole::kKeys;
    view_.value = value;
    view_.numbers = {rank - 4, rank - 3, turned ? rank - 1 : rank - 2, 0};
    size_axis_ = turned ? rank - 2 : rank - 1;
  }

  bool is_readable() const { return size_axis_ == rank_ - 1; }
  const AttentionView& view() const { return view_; }

  bool step() {
    const NodeId id = graph_.values[view_.value].producer;
    if (id == kNoNode) return false;
    const Node& node = graph_.nodes[id];
    if (is_op(node, "Transpose")) return back_through_transpose(node);
    if (is_op(node, "Gather")) return back_through_gather(node);
    if (is_op(node, "Squeeze")) return back_through_split(node);
    if (is_op(node, "Reshape")) return back_through_repeat(node);
    const auto scaled = role_ == AttentionRole::kValues ? std::nullopt : match_scale(graph_, id);
    if (!scaled) return false;
    view_.value = scaled->x;
    view_.scale *= scaled->number;
    return true;
  }

 private:
  template <typename Move>
  void move_axes(Move move) {
    for (size_t i = 0; i < 3; ++i) {
      int64_t& axis = view_.numbers[i];
      if (axis >= 0) axis = move(axis);
    }
    size_axis_ = move(size_axis_);
  }

  bool back_through_transpose(const Node& node) {
    const auto perm = node.attributes.get_ints("perm");
    if (static_cast<int>(perm.size()) != rank_) return false;
    for (int64_t axis : perm) {
      if (axis < 0 || axis >= rank_) return false;
    }
    move_axes([&](int64_t axis) { return perm[static_cast<size_t>(axis)]; });
    view_.value = node.inputs[0];
    return true;
  }

  // The value is entry `index` along an axis of `from`.
  bool take(ValueId from, int64_t axis, int64_t index) {
    const Value& whole = graph_.values[from];
    if (taken_ || !whole.has_shape || whole.shape.rank() != rank_ + 1) return false;
    if (axis < 0) axis += rank_ + 1;
    if (axis < 0 || axis > rank_ || index < 0 || index >= whole.shape[static_cast<int>(axis)]) {
      return false;
    }
    move_axes([&](int64_t i) { return i >= axis ? i + 1 : i; });
    view_.value = from;
    view_.numbers[3] = index;
    taken_ = true;
    ++rank_;
    return true;
  }

  bool back_through_gather(const Node& node) {
    const auto index = fixed_ints(graph_, node.inputs[1]);
    if (!index || graph_.values[node.inputs[1]].shape.rank() != 0) return false;
    return take(node.inputs[0], node.attributes.get_int("axis", 0), index->front());
  }

  bool back_through_split(const Node& squeeze) {
    const ValueId part = squeeze.inputs[0];
    const NodeId id = graph_.values[part].producer;
    if (id == kNoNode || !is_op(graph_.nodes[id], "Split")) return false;
    const Node& split = graph_.nodes[id];
    const Value &whole = graph_.values[split.inputs[0]], &piece = graph_.values[part];
    const int64_t axis = split.attributes.get_int("axis", 0);
    // Pieces of 1 each, and the axis that Squeeze takes is theirs.
    if (!whole.has_shape || !piece.has_shape || axis < 0 || axis >= piece.shape.rank())
      return false;
    const int at = static_cast<int>(axis);
    const auto pieces = static_cast<int64_t>(split.outputs.size());
    if (piece.shape[at] != 1 || whole.shape[at] != pieces || !moves_one_axis(squeeze, axis))
      return false;
    const auto found = std::ranges::find(split.outputs, part);
    return take(split.inputs[0], axis, found - split.outputs.begin());
  }

  // Of Squeeze and Unsqueeze.
  bool moves_one_axis(const Node& node, int64_t axis) const {
    if (node.inputs.size() < 2) {
      const auto axes = node.attributes.get_ints("axes");
      return axes.size() == 1 && axes[0] == axis;
    }
    const auto axes = fixed_ints(graph_, node.inputs[1]);
    return axes && axes->size() == 1 && axes->front() == axis;
  }

  const Node* producer(ValueId value, std::string_view type) const {
    const NodeId id = graph_.values[value].producer;
    return id != kNoNode && is_op(graph_.nodes[id], type) ? &graph_.nodes[id] : nullptr;
  }

  // Reshape(Expand(Unsqueeze(x))) that repeats the heads of x [batch, heads, length, size].
  bool back_through_repeat(const Node& reshape) {
    constexpr std::array<int64_t, 4> kPlain{0, 1, 2, 0};
    if (role_ == AttentionRole::kQueries || rank_ != 4 || view_.numbers != kPlain) return false;
    const Node* expand = producer(reshape.inputs[0], "Expand");
    const Node* unsqueeze = expand ? producer(expand->inputs[0], "Unsqueeze") : nullptr;
    if (!unsqueeze || !moves_one_axis(*unsqueeze, 2)) return false;
    const ValueId x = unsqueeze->inputs[0];
    const Value& heads = graph_.values[x];
    if (!heads.has_shape || heads.shape.rank() != 4) return false;
    const auto repeat = shape_element(graph_, expand->inputs[1], 2);
    if (!repeat || repeat->number < 1 || repeat->number > kMostRepeats) return false;
    for (const int axis : {0, 1, 2, 3}) {
      const auto dim = shape_element(graph_, expand->inputs[1], axis < 2 ? axis : axis + 1);
      if (!dim || !(dim->number == 1 || dim->is_dim(graph_, x, axis))) return false;
    }
    // The other dims being these, the length is what is left.
    for (const int axis : {0, 1, 3}) {
      const auto dim = shape_element(graph_, reshape.inputs[1], axis);
      const bool fits = axis == 1 ? dim && dim->number == heads.shape[1] * repeat->number
                                  : dim && dim->is_dim(graph_, x, axis);
      if (!fits) return false;
    }
    view_.value = x;
    view_.repeat *= repeat->number;
    return true;
  }

  static constexpr int64_t kMostRepeats = 1 << 20;
  const Graph& graph_;
  const AttentionRole role_;
  AttentionView view_;
  int rank_;
  int64_t size_axis_;
  bool taken_ = false;
};

}  // namespace

std::optional<AttentionView> find_attention_view(const Graph& graph, ValueId value, int rank,
                                                 AttentionRole role) {
  Walk walk(graph, value, rank, role);
  std::optional<AttentionView> found;
  do {
    if (walk.is_readable()) found = walk.view();
  } while (walk.step());
  return found;
}

}  // namespace sardonyx
