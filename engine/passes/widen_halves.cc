// Operators on float16 and bfloat16 compute in float32 throughout: Casts stand where they meet
// tensors that stay as they are, and weights are converted here, but for large matrices
// (engine/half_weights.h). Between two of these operators
// nothing is rounded, and they fuse and lie in memory as those of a float32 model do.
#include <algorithm>

#include "engine/graph_edit.h"
#include "engine/half_weights.h"
#include "engine/passes/pattern.h"
#include "ops/convert.h"

namespace sardonyx {
namespace {

constexpr int kCastOpset = 13;

// Beside the operators that may work on channel blocks, which compute but for those listed below.
constexpr std::string_view kComputing =
    "MatMul Gemm FusedGemm MatMulNBits Einsum LSTM GRU Softmax LogSoftmax RotaryEmbedding "
    "LayerNormalization SimplifiedLayerNormalization RMSNormalization InstanceNormalization "
    "GroupNormalization ReduceMean ReduceSum ReduceMax ReduceMin";
constexpr std::string_view kMoving =
    "Concat Transpose Slice Gather Split Pad Expand Tile DepthToSpace SpaceToDepth Trilu";
constexpr std::string_view kConverting = "Cast QuantizeLinear DequantizeLinear";

bool has_word(std::string_view words, std::string_view word) {
  for (size_t at = words.find(word); at != words.npos; at = words.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' '))
      return true;
  }
  return false;
}

bool is_half(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBfloat16;
}

class Widening {
 public:
  Widening(Graph& graph, const Operator& cast)
      : graph_(graph),
        cast_(&cast),
        wide_(graph.values.size(), kNoValue),
        reads_(graph.values.size(), 0),
        keeps_halves_(has_many_halves()) {
    const Readers readers(graph);
    for (ValueId id = 0; id < reads_.size(); ++id) {
      reads_[id] = static_cast<uint32_t>(readers.count(id));
    }
  }

  // The nodes are in order, so what computes an input has been widened before.
  Status run(bool& changed) {
    const size_t count = graph_.nodes.size();
    for (NodeId id = 0; id < count; ++id) {
      if (widens(graph_.nodes[id])) {
        SX_TRY(widen(id));
        changed = true;
      } else if (reads_any_float(graph_.nodes[id])) {
        ValueId& input = graph_.nodes[id].inputs[0];
        input = wide_[input];
      }
    }
    return changed ? normalize(graph_) : Status();
  }

 private:
  bool holds_half(ValueId id) const { return id != kNoValue && is_half(graph_.values[id].dtype); }
  bool has_twin(ValueId id) const { return holds_half(id) && wide_[id] != kNoValue; }

  // Those that move or compare are widened when all that they read is float32 already, but for
  // constants.
  bool widens(const Node& node) const {
    if (!node.domain.empty() && node.domain != "com.microsoft") return false;
    const auto half = [&](ValueId id) { return holds_half(id); };
    if (std::none_of(node.inputs.begin(), node.inputs.end(), half)) return false;
    if (has_word(kConverting, node.type)) return false;
    const bool moves = (node.op->flags & kAlias) || has_word(kMoving, node.type);
    const bool blocks = node.op->layout != LayoutPolicy::kRowMajor;
    const bool computes = !moves && (blocks || has_word(kComputing, node.type));
    if (computes && holds_half(output_of(node, 0))) return true;
    return (moves || computes) &&
           std::all_of(node.inputs.begin(), node.inputs.end(),
                       [&](ValueId id) {
                         return !holds_half(id) || has_twin(id) || fixed_constant(graph_, id);
                       }) &&
           has_twin(input_of(node, 0));
  }

  // Shape, Size and casts to float32 read the float32 value where there is one; such a cast is then
  // none.
  bool reads_any_float(const Node& node) const {
    if (!has_twin(input_of(node, 0))) return false;
    return is_op(node, "Shape") || is_op(node, "Size") ||
           (is_op(node, "Cast") && graph_.values[node.outputs[0]].dtype == DType::kFloat32);
  }

  Status widen(NodeId id) {
    for (size_t i = 0; i < graph_.nodes[id].inputs.size(); ++i) {
      const ValueId input = graph_.nodes[id].inputs[i];
      if (!holds_half(input)) continue;
      SX_ASSIGN(graph_.nodes[id].inputs[i], widened(input, id, i));
    }
    for (size_t i = 0; i < graph_.nodes[id].outputs.size(); ++i) {
      const ValueId output = graph_.nodes[id].outputs[i];
      if (!holds_half(output)) continue;
      const ValueId wide = add_twin(output);
      graph_.nodes[id].outputs[i] = wide;
      cast(wide, graph_.values[output].dtype, id);
      produce(graph_, static_cast<NodeId>(graph_.nodes.size() - 1), output);
    }
    return {};
  }

  // The float32 twin of a value that is input `i` of `reader`, made when it is first asked for.
  Result<ValueId> widened(ValueId id, NodeId reader, size_t i) {
    --reads_[id];
    if (const ConstantPtr constant = fixed_constant(graph_, id)) {
      const ValueId wide = has_twin(id) ? wide_[id] : add_twin(id);
      Value& twin = graph_.values[wide];
      if (keeps_halves_ && constant->dtype == DType::kFloat16 &&
          takes_half(graph_.nodes[reader], i, *constant)) {
        if (!twin.constant) twin.constant = constant;
      } else if (!twin.constant || twin.is_stored_half()) {
        SX_ASSIGN(twin.constant, ops::floats_of(*constant));
      }
      // Of large weights only one is there in both dtypes.
      if (reads_[id] == 0) graph_.values[id].constant = nullptr;
      return wide;
    }
    if (!has_twin(id)) wide_[id] = cast(id, DType::kFloat32, reader);
    return wide_[id];
  }

  bool has_many_halves() const {
    uint64_t bytes = 0;
    for (const Value& value : graph_.values) {
      if (value.constant && value.dtype == DType::kFloat16) bytes += value.constant->payload.bytes;
    }
    return bytes >= kManyHalfBytes;
  }

  ValueId add_twin(ValueId id) {
    Value twin;
    twin.name = graph_.values[id].name + "/float32";
    twin.dtype = DType::kFloat32;
    twin.has_shape = graph_.values[id].has_shape;
    twin.shape = graph_.values[id].shape;
    return wide_[id] = graph_.add_value(std::move(twin));
  }

  ValueId cast(ValueId id, DType dtype, NodeId like) {
    const ValueId out = append_node(graph_, graph_.nodes[like], "Cast", {id}, dtype);
    Node& node = graph_.nodes.back();
    node.attributes.set("to", static_cast<int64_t>(dtype));
    node.opset = kCastOpset;
    node.op = cast_;
    return out;
  }

  Graph& graph_;
  const Operator* cast_;
  std::vector<ValueId> wide_;    // by value of the graph as it was, kNoValue where there is none
  std::vector<uint32_t> reads_;  // that are left
  const bool keeps_halves_;
};

}  // namespace

Status pass_widen_halves(Graph& graph, bool& changed) {
  const bool any = std::any_of(graph.values.begin(), graph.values.end(),
                               [](const Value& value) { return is_half(value.dtype); });
  const Operator* cast = any ? find_operator("", "Cast", kCastOpset) : nullptr;
  return cast ? Widening(graph, *cast).run(changed) : Status();
}

}  // namespace sardonyx
